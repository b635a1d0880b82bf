"""Share links: a capability is a role signed for one material, so that it needs no table."""

import secrets
from hashlib import sha256

from itsdangerous import BadSignature, Signer

from collab.auth.grants import Role


class Capabilities:
    """Makes and checks the `k` of share links `/m/<id>#k=<capability>`."""

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

    def _signer(self, material: str) -> Signer:
        return Signer(self._secret, salt=f"capability:{material}", digest_method=sha256)


def new_material_id() -> str:
    """An id that nobody can guess, safe in a path."""
    return secrets.token_urlsafe(12)
