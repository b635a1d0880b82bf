"""Names that guests may take, and codes that classes are joined by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.errors import CloseCode, Rejected
from collab.sharing.groups import new_code
from collab.sharing.moderation import fit_name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "123",
        "\u202e",
        "Admin",
        "the TEACHER",
        "0wner",
        "T\u00e9acher",
        "sh1t",
        "F u c k",
        "ＮＡＺＩ",
        "Studyhub!",
    ],
)
def test_an_unfit_name_is_refused(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        fit_name(name)
    assert refused.value.code is CloseCode.REFUSED


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ishita", "Ishita"),
        ("Ignazio", "Ignazio"),
        ("  Zoë \n 7b ", "Zoë 7b"),
        ("小明", "小明"),
        ("Ann Teacherson", "Ann Teacherson"),
        ("O", "O"),
    ],
)
def test_a_fit_name_is_kept(name: str, shown: str) -> None:
    assert fit_name(name) == shown


@given(st.text())
def test_a_fit_name_is_one_that_can_be_shown_and_stays_fit(name: str) -> None:
    try:
        shown = fit_name(name)
    except Rejected:
        return
    assert shown.isprintable()
    assert 0 < len(shown) <= 60
    assert fit_name(shown) == shown


def test_codes_differ_and_hold_nothing_that_looks_alike() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert not set("".join(codes)) & set("0O1IL")
