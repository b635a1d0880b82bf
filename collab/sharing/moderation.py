"""What an owner may do about others: remove, block, freeze, mute; and which names guests may take."""

import re
import unicodedata
from typing import TYPE_CHECKING

from collab.auth.tokens import clean_name
from collab.errors import CloseCode, Rejected
from collab.sharing.notices import Change, Notices
from storage.catalog.shares import CHAT, Scope
from storage.clock import unix_milliseconds

if TYPE_CHECKING:
    from storage.catalog.catalog import Catalog

_STAFF = ("admin", "administrator", "moderator", "owner", "server", "studyhub", "support", "teacher", "tutor")
_RUDE = (
    "arsch", "arschloch", "asshole", "bastard", "bitch", "cunt", "fuck", "fucker", "hitler", "hurensohn",
    "nazi", "nigger", "penis", "porn", "pussy", "shit", "slut", "vagina", "wanker", "whore", "wichser",
)  # fmt: skip
_REFUSED = frozenset(_STAFF + _RUDE)
_LOOKALIKES = str.maketrans("013457@$", "oieastas")
_LETTERS = re.compile(r"[^\W\d_]+")


class Moderation:
    """Acts of owners; open sessions follow. Every method raises Unavailable."""

    def __init__(self, catalog: "Catalog", notices: Notices) -> None:
        self._catalog = catalog
        self._notices = notices

    async def remove(self, scope: Scope, target: str, user: str, *, by: str) -> bool:
        """Take what `user` was given on `target`; tells whether that was something.

        What it has there by a group or a link it keeps: a block takes that too.
        """
        taken = await self._catalog.sharing.take_from(scope, target, user)
        if taken:
            await self._done(by, "member.remove", scope, target, user)
        return taken

    async def block(self, scope: Scope, target: str, user: str, *, by: str) -> None:
        """Keep `user` away from `target`, whatever it was given or comes by."""
        await self._catalog.sharing.block(scope, target, user, by=by, now=unix_milliseconds())
        await self._done(by, "member.block", scope, target, user)

    async def unblock(self, scope: Scope, target: str, user: str, *, by: str) -> bool:
        """Let it in again; tells whether it was blocked."""
        lifted = await self._catalog.sharing.unblock(scope, target, user)
        if lifted:
            await self._done(by, "member.unblock", scope, target, user)
        return lifted

    async def freeze(self, material: str, reason: str, *, by: str) -> bool:
        """Let nobody write for this `reason`; "" lets them again. Tells whether the material is there."""
        found = await self._catalog.shelf.freeze(material, reason, unix_milliseconds())
        if found:
            await self._done(by, "material.freeze" if reason else "material.thaw", Scope.MATERIAL, material)
        return found

    async def mute(self, material: str, user: str, *, by: str, muted: bool) -> None:
        """Let `user` (EVERYBODY: all) write nothing into the chat of `material`; or let it again."""
        if muted:
            await self._catalog.sharing.block(CHAT, material, user, by=by, now=unix_milliseconds())
        else:
            await self._catalog.sharing.unblock(CHAT, material, user)
        await self._catalog.audit.append(
            by, "chat.mute" if muted else "chat.unmute", Scope.MATERIAL, material, {"user": user}
        )

    async def revoke(self, material: str, subject: str, *, by: str) -> None:
        """Void the tokens that a platform has given `subject` for `material` up to now; "*": for all."""
        now = unix_milliseconds()
        await self._catalog.sharing.block(Scope.MATERIAL, material, subject, by=by, now=now)
        self._notices.tell(Change.SUBJECT, subject)
        await self._catalog.audit.append(by, "platform.revoke", Scope.MATERIAL, material, {"user": subject})

    async def _done(self, by: str, action: str, scope: Scope, target: str, user: str = "") -> None:
        self._notices.tell(Change.of(scope), target)
        details: dict[str, object] = {"user": user} if user else {}
        await self._catalog.audit.append(by, action, scope, target, details)


def fit_name(name: str) -> str:
    """`name`, cleaned, if a guest may take it. Raises Rejected with REFUSED.

    It must hold letters, and no word that is rude or names an office. Only whole words count, since people
    are called Ishita and Ignazio; in lower case, without accents, digits read as letters that they look like.
    """
    cleaned = clean_name(name)
    if not any(map(str.isalpha, cleaned)):
        raise Rejected(CloseCode.REFUSED, "a name has letters", "name")
    words = _LETTERS.findall(_plain(cleaned))
    spelt = "".join(word for word in words if len(word) == 1)
    if not _REFUSED.isdisjoint((*words, spelt)):
        raise Rejected(CloseCode.REFUSED, "please take another name", "name")
    return cleaned


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return bare.translate(_LOOKALIKES)
