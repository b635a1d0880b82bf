"""The members of a room, and how what is shown and told reaches them."""

from collections.abc import Callable

from collab import metrics
from collab.company import Telling
from collab.errors import CloseCode
from collab.logs import log
from collab.member import Member
from collab.protocol import ywebsocket
from collab.protocol.framing import frame

Send = Callable[[bytes], object]
"""Writes frames to a client's transport."""


class Audience:
    """The members of one room.

    Most of them have read all that they were sent: what is next is written straight to their transports, one
    `bytes` object for all. That is nearly all the work that a busy room does for each member, so it touches
    nothing else of them. Members that lag behind, or live in this process, are asked (`Member.show`, `tell`).

    Attributes:
        members: in the order in which they came, with the way straight to the client where it is open.
    """

    def __init__(self, material: str) -> None:
        self.members: dict[Member, Send | None] = {}
        self._material = material

    def direct(self, member: Member, send: Send | None) -> None:
        """Write straight to `member` from now on; or no longer."""
        if member in self.members:
            self.members[member] = send

    def spread(
        self, update: bytes | None, telling: Telling | None, shown: bytes, sole: Member | None = None
    ) -> None:
        """Show `update` to all but its `sole` author, and tell presence, to each member in one write.

        `shown` is the state vector that members have seen before.
        """
        wire = b"" if update is None else frame(ywebsocket.update(update))
        told, own = (b"", {}) if telling is None else (telling.wire, telling.own)
        both = wire + told
        rest = []
        for member, send in self.members.items():
            if send is None or member is sole or member in own:
                rest.append(member)
                continue
            try:
                send(both)
            except Exception as error:  # noqa: BLE001 - as in `hand_over`
                self._failed(member, error)
        for member in rest:
            self._send_apart(member, update, wire, telling, shown, sole)
        if update is not None:
            metrics.deliveries.inc(len(self.members) - (sole in self.members))

    def _send_apart(
        self,
        member: Member,
        update: bytes | None,
        wire: bytes,
        telling: Telling | None,
        shown: bytes,
        sole: Member | None,
    ) -> None:
        """To one who lags behind, or who is sent less than all others: nobody is sent its own."""
        payload, told = (b"", b"") if telling is None else telling.to(member)
        if member is sole:
            update, wire = None, b""
        send = self.members.get(member)
        if send is not None:
            if wire or told:
                self.hand_over(member, lambda _: send(wire + told))
            return
        if update is not None:
            self.hand_over(member, lambda to: to.show(update, wire, shown))
        if told:
            self.hand_over(member, lambda to: to.tell(payload, told, shown))

    def hand_over(self, member: Member, action: Callable[[Member], object]) -> None:
        """Do `action`; a member that fails takes nobody with it."""
        try:
            action(member)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is logged and the member goes
            self._failed(member, error)

    def _failed(self, member: Member, error: Exception) -> None:
        log.error("member failed", material=self._material, author=member.author, exc_info=error)
        member.close(CloseCode.UNAVAILABLE, "this member failed")
