"""Who a token names, and what it grants by itself."""

from dataclasses import dataclass
from typing import Any

from collab.auth.grants import Grant
from collab.auth.tokens import clean_name


@dataclass(frozen=True, slots=True)
class Bearer:
    """The bearer of a token at the socket of one material.

    Attributes:
        link: id of the share link that it came by, "" without one.
        login: id of the login that the token rests on, "" without one.
        expires: Unix time in seconds, None for what does not expire.
        issued: Unix time in milliseconds; 0 where the token does not say.
        granted: what the token itself grants on the material, None for nothing.
    """

    subject: str
    name: str
    link: str
    login: str
    expires: float | None
    issued: int
    granted: Grant | None

    @classmethod
    def of(cls, claims: dict[str, Any], granted: Grant | None) -> "Bearer":
        """The bearer of a token with these claims."""
        issued = claims.get("iat", 0)
        return cls(
            subject=claims["sub"],
            name=clean_name(_text(claims, "name")),
            link=_text(claims, "link"),
            login=_text(claims, "login"),
            expires=float(claims["exp"]),
            issued=int(issued * 1000) if isinstance(issued, int | float) else 0,
            granted=granted,
        )

    @classmethod
    def of_grant(cls, granted: Grant) -> "Bearer":
        """Whoever comes, where everybody has `granted`."""
        return cls(granted.subject, granted.name, "", "", granted.expires, 0, granted)


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""
