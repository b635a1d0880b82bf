"""Tokens at the socket, guests, share links."""

import time

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from collab.auth.capabilities import Capabilities, new_material_id
from collab.auth.grants import Role
from collab.auth.tokens import Guests, Tokens, clean_name
from collab.errors import CloseCode, Rejected

SECRET = b"a secret of the platform, long enough"


def token(secret: bytes = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    full = {"sub": "u1", "exp": int(time.time()) + 60, "grants": {"m": "editor"}} | claims
    present = {name: value for name, value in full.items() if value is not None}
    return jwt.encode({"alg": algorithm}, present, OctKey.import_key(secret), algorithms=[algorithm])


def code(tokens: Tokens, text: str, material: str = "m") -> CloseCode:
    with pytest.raises(Rejected) as error:
        tokens.grant(text, material)
    return error.value.code


def test_a_platforms_token_grants_its_role() -> None:
    grant = Tokens(SECRET).grant(token(name="Ann", create=True), "m")

    assert (grant.subject, grant.name, grant.role, grant.create) == ("u1", "Ann", Role.EDITOR, True)


def test_a_star_grants_every_material_but_a_name_counts_more() -> None:
    tokens = Tokens(SECRET)
    text = token(grants={"*": "editor", "m": "viewer"})

    assert tokens.grant(text, "m").role is Role.VIEWER
    assert tokens.grant(text, "other").role is Role.EDITOR


def test_a_viewer_creates_nothing() -> None:
    assert not Tokens(SECRET).grant(token(grants={"m": "viewer"}, create=True), "m").create


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "a.b.c",
        "." * 10,
        "x" * 20_000,
        token(secret=b"another secret that is long enough"),
        token(algorithm="HS512"),
        token(exp=int(time.time()) - 10),
        token(exp=None),
        token(sub=None),
        token(sub=5),
        token(nbf=int(time.time()) + 600),
    ],
)
def test_a_bad_token_is_unauthenticated(bad: str) -> None:
    assert code(Tokens(SECRET), bad) == CloseCode.UNAUTHENTICATED


def test_an_unsigned_token_is_unauthenticated() -> None:
    head, body, _ = token().split(".")
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."

    assert code(Tokens(SECRET), unsigned) == CloseCode.UNAUTHENTICATED
    assert head


@pytest.mark.parametrize(
    "grants", [{"n": "editor"}, {}, [], None, {"m": "king"}, {"m": 5}, {"m": ["editor"]}]
)
def test_without_a_role_here_the_answer_is_forbidden(grants: object) -> None:
    assert code(Tokens(SECRET), token(grants=grants)) == CloseCode.FORBIDDEN


def test_a_guests_token_opens_no_socket() -> None:
    _, guest = Guests(SECRET).know(None, "Ann")

    assert code(Tokens(SECRET, audience="socket"), guest) == CloseCode.UNAUTHENTICATED


def test_a_browser_stays_the_same_guest_and_may_take_a_name() -> None:
    guests = Guests(SECRET)
    first, kept = guests.know(None, None)
    named, kept = guests.know(kept, "  Ann\n O'Neill ")
    again, _ = guests.know(kept, None)

    assert first.name.startswith("Guest ")
    assert (named.id, named.name) == (first.id, "Ann O'Neill")
    assert again == named


def test_a_forged_guest_is_a_new_one() -> None:
    known, _ = Guests(SECRET).know(None, None)
    _, forged = Guests(b"another secret that is long enough").know(None, None)

    assert Guests(SECRET).know(forged, None)[0].id != known.id


def test_names_are_one_line_of_bounded_length() -> None:
    assert clean_name("a\u202eb\x00c" + "d" * 100) == "a b c" + "d" * 55


def test_a_capability_is_good_for_its_material_and_role_only() -> None:
    links = Capabilities(SECRET)
    view = links.sign("m", Role.VIEWER)

    assert links.role("m", view) is Role.VIEWER
    assert links.role("n", view) is None
    assert links.role("m", view.replace("viewer", "editor")) is None
    assert links.role("m", view[:-1]) is None
    assert links.role("m", "") is None
    assert Capabilities(b"another secret that is long enough").role("m", view) is None


def test_material_ids_are_long_and_differ() -> None:
    ids = {new_material_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert min(map(len, ids)) >= 16
