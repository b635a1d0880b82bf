"""The door: origins, and the server's own secret."""

import pytest

from collab.auth.door import Door
from collab.auth.grants import Role
from collab.errors import Rejected
from collab.settings import AuthMode, Settings

SECRET = b"a secret of the server, long enough"


def door(auth: AuthMode = AuthMode.LINKS, **settings: object) -> Door:
    return Door(Settings(auth=auth, **settings), SECRET)


@pytest.mark.parametrize("origin", ["null", "", "http://", "http://[", "https://study.example.evil.example"])
def test_odd_origins_open_nothing(origin: str) -> None:
    assert not door().allows_origin(origin, "study.example")


def test_the_servers_own_pages_listed_ones_and_programs_may() -> None:
    strict = door(origins="https://school.example")

    assert strict.allows_origin("https://study.example", "study.example")
    assert strict.allows_origin("https://school.example", "study.example")
    assert strict.allows_origin(None, "study.example")


def test_without_authentication_only_pages_of_this_machine_may() -> None:
    """A name of a stranger's that resolves to 127.0.0.1 has that name as origin and as host."""
    loose = door(AuthMode.NONE)

    assert not loose.allows_origin("http://evil.example:8000", "evil.example:8000")
    assert loose.allows_origin("http://127.0.0.1:8000", "127.0.0.1:8000")
    assert loose.allows_origin("http://[::1]:8000", "[::1]:8000")


def test_a_token_of_one_mode_is_none_of_another() -> None:
    open_to_all = door(AuthMode.NONE).tokens.sign({"sub": "u", "grants": {"*": "owner"}}, 60)
    with pytest.raises(Rejected):
        door().grant(open_to_all, "m")
    assert door(AuthMode.NONE).grant("", "m").role is Role.EDITOR
