"""How many requests one account or guest may send in an hour, told by the headers RateLimit-*.

Without an identity a request counts for its address (`collab.auth.rates`), whose share is sized for a school
behind it. Every node counts for itself.
"""

import time
from collections import Counter

from fastapi import Request

from collab.api.dependencies import Caller, DoorDep, Principal, Tier, address_of
from collab.api.paging import leave_header
from collab.auth.rates import TooOften, Unknown
from collab.settings import Settings

_WINDOW = 3600  # seconds


class Quotas:
    """Requests of each principal in the present hour; hours begin on the clock, so all end together.

    Fixed windows of the package `limits` keep one timer for each principal and look at all of them on each
    request; here an hour's end is one `clear`.
    """

    def __init__(self, settings: Settings) -> None:
        self._shares = {
            Tier.FREE: settings.requests_per_hour,
            Tier.PREMIUM: settings.premium_requests_per_hour,
        }
        self._window = 0  # number of the present hour since 1970
        self._spent: Counter[str] = Counter()

    def spend(self, principal: Principal, now: float) -> tuple[int, int, int]:
        """Count one more request at Unix time `now`, seconds.

        Returns the share, what is left of it (-1: this request is too many) and the seconds until the next.
        """
        window, passed = divmod(int(now), _WINDOW)
        if window != self._window:
            self._window = window
            self._spent.clear()
        share = self._shares[Tier(principal.tier)]
        spent = self._spent[principal.id]
        if spent < share:  # a refused request costs nothing more, and the number stays small
            self._spent[principal.id] = spent + 1
        return share, share - spent - 1 if spent < share else -1, _WINDOW - passed


async def limit_requests(request: Request, caller: Caller, door: DoorDep) -> None:
    """Counts each request of the API, once. Raises TooOften."""
    if getattr(request.state, "counted", False):
        return
    request.state.counted = True
    if not caller.id:
        await door.rates.spend(Unknown.REQUEST, address_of(request))
        return
    quotas: Quotas = request.app.state.quotas
    share, left, reset = quotas.spend(caller, time.time())
    if not share:
        return
    leave_header(request, "RateLimit-Limit", str(share))
    leave_header(request, "RateLimit-Remaining", str(max(0, left)))
    leave_header(request, "RateLimit-Reset", str(reset))
    if left < 0:
        raise TooOften("requests", reset, "your account has used up its requests of this hour")
