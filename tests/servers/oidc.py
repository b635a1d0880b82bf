"""A real OpenID Connect provider: the package oidc-provider of npm."""

import urllib.request
from pathlib import Path

from tests.servers.process import Server, free_ports

_PROGRAM = Path(__file__).parents[1] / "node" / "oidc-provider.mjs"


class OidcProvider(Server):
    """Signs anybody in under any name, for the clients `basic` and `public`. Every start has new keys."""

    def __init__(self, folder: Path, redirect: str) -> None:
        super().__init__(folder)
        (self.port,) = free_ports(1)
        self._redirect = redirect

    @property
    def url(self) -> str:
        """The issuer."""
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """See Server."""
        return ["node", str(_PROGRAM), str(self.port), self._redirect]

    def is_ready(self) -> bool:
        """See Server."""
        with urllib.request.urlopen(f"{self.url}/.well-known/openid-configuration") as answer:
            return bool(answer.status == 200)
