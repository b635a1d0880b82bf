"""Codes of the second factor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.accounts import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_rfc_6238(seconds: int, code: str) -> None:
    """Appendix B, the last six digits of SHA1."""
    assert totp.accepted_step(SECRET, code, seconds) == seconds // 30


@pytest.mark.parametrize(
    ("late", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_one_step_wrong(late: int, accepted: bool) -> None:
    assert (totp.accepted_step(SECRET, "005924", 1234567890 + late) is not None) == accepted


@pytest.mark.parametrize("typed", ["005 924", " 005924 ", "\uff10\uff10\uff15\uff19\uff12\uff14"])
def test_a_code_counts_however_it_is_typed(typed: str) -> None:
    assert totp.accepted_step(SECRET, typed, 1234567890) == 1234567890 // 30


@given(code=st.text(max_size=10), seconds=st.integers(30, 2**32))
def test_other_text_is_no_code(code: str, seconds: int) -> None:
    step = totp.accepted_step(SECRET, code, seconds)

    assert step is None or code.strip().isdigit()


def test_recovery_codes_differ_and_count_however_they_are_typed() -> None:
    codes = totp.new_recovery_codes()
    typed = codes[0].upper().replace("-", " ")

    assert len({totp.recovery_hash(code) for code in codes}) == totp.RECOVERY_CODES
    assert totp.recovery_hash(typed) == totp.recovery_hash(codes[0])
    assert all(len(code.replace("-", "")) == 16 for code in codes)


def test_an_app_reads_the_uri() -> None:
    uri = totp.uri(SECRET, "ann@example.org")

    assert uri.startswith("otpauth://totp/StudyHub:ann%40example.org?")
    assert f"secret={totp.text(SECRET)}" in uri
