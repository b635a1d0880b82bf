"""Who a token names, and what its capability or its grants are good for."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.auth.bearer import Bearer
from collab.auth.capabilities import Capabilities
from collab.auth.door import Door
from collab.auth.grants import ANONYMOUS, Role
from collab.errors import CloseCode, Rejected
from collab.settings import read_settings

LINKS = Capabilities(b"a secret of this installation")


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(read_settings(data=tmp_path, auth="links"), b"a secret of this installation")


def test_a_token_names_its_bearer_with_link_and_login(door: Door) -> None:
    claims = {"sub": "ann", "name": " Ann ", "link": "l", "login": "d", "grants": {"m": "editor"}}
    token = door.tokens.sign(claims, 60)

    bearer = door.bearer(token, "m")
    assert (bearer.subject, bearer.name, bearer.link, bearer.login) == ("ann", "Ann", "l", "d")
    assert bearer.granted is not None
    assert bearer.granted.role is Role.EDITOR
    assert bearer.expires is not None
    assert bearer.issued == (bearer.expires - 60) * 1000
    assert door.bearer(token, "other").granted is None


def test_a_token_that_says_nothing_more_names_somebody_without_anything(door: Door) -> None:
    bearer = door.bearer(door.tokens.sign({"sub": "ann"}, 60), "m")
    assert (bearer.name, bearer.link, bearer.login, bearer.granted) == ("", "", "", None)


@pytest.mark.parametrize("odd", [1, None, [], {"a": 1}])
def test_claims_of_another_type_are_passed_over(odd: Any) -> None:
    claims = {"sub": "ann", "exp": 5, "name": odd, "link": odd, "login": odd, "iat": "soon"}
    bearer = Bearer.of(claims, None)
    assert (bearer.name, bearer.link, bearer.login, bearer.issued) == ("", "", "", 0)


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_a_bad_token_names_nobody(door: Door, token: str) -> None:
    with pytest.raises(Rejected) as refused:
        door.bearer(token, "m")
    assert refused.value.code is CloseCode.UNAUTHENTICATED


def test_without_authentication_everybody_is_anonymous(tmp_path: Path) -> None:
    door = Door(read_settings(data=tmp_path, auth="none"), b"a secret of this installation")
    assert door.bearer("", "m").granted is ANONYMOUS


@given(scope=st.sampled_from(["tab", "material"]), target=st.text(max_size=9), id=st.text("ab-_", min_size=1))
def test_a_links_capability_is_good_for_its_own_place_alone(scope: str, target: str, id: str) -> None:
    capability = LINKS.sign_link(scope, target, id)
    assert LINKS.link(scope, target, capability) == id
    assert LINKS.link("tab" if scope == "material" else "material", target, capability) is None
    assert LINKS.link(scope, target + "x", capability) is None
    assert Capabilities(b"another secret, of the same length").link(scope, target, capability) is None
    assert LINKS.role(target, capability) is None


def test_a_role_that_was_signed_is_no_link() -> None:
    assert LINKS.link("material", "m", LINKS.sign("m", Role.EDITOR)) is None
