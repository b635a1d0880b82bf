"""Share links: a capability is a role signed for one material, so that it needs no table.

Where there is an owner, links can be revoked: their capability is the signed id of a link in the catalogue.
"""

import secrets
from hashlib import sha256

from itsdangerous import BadSignature, Signer

from collab.auth.grants import Role


class Capabilities:
    """Makes and checks the `k` of share links `/m/<id>#k=<capability>` and `/t/<id>#k=<capability>`."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, material: str, role: Role) -> str:
        """The capability that gives `role` on `material`."""
        return self._signer(material).sign(role.value).decode()

    def role(self, material: str, capability: str) -> Role | None:
        """The role that a capability gives on `material`; None when it was not signed for it."""
        try:
            return Role(self._signer(material).unsign(capability).decode())
        except (BadSignature, ValueError):
            return None

    def sign_link(self, scope: str, target: str, link: str) -> str:
        """The capability of a link of the catalogue to the tab or material `target`."""
        return self._link_signer(scope, target).sign(link).decode()

    def link(self, scope: str, target: str, capability: str) -> str | None:
        """The id of the link that a capability was signed for; None when it is no such capability."""
        try:
            return self._link_signer(scope, target).unsign(capability).decode()
        except (BadSignature, ValueError):
            return None

    def _signer(self, material: str) -> Signer:
        return Signer(self._secret, salt=f"capability:{material}", digest_method=sha256)

    def _link_signer(self, scope: str, target: str) -> Signer:
        return Signer(self._secret, salt=f"link:{scope}:{target}", digest_method=sha256)


def new_material_id() -> str:
    """An id that nobody can guess, safe in a path."""
    return secrets.token_urlsafe(12)
