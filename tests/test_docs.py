"""The docs tell the truth about what can be checked."""

import re
from pathlib import Path

import pytest

from collab.errors import CloseCode
from collab.settings import reference

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_settings_page_is_what_the_command_prints() -> None:
    """If this fails: `studyhub settings > docs/settings.md`."""
    assert (ROOT / "docs" / "settings.md").read_text() == reference()


def test_every_close_code_is_explained() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()

    assert [int(code) for code in CloseCode if f"| {int(code)} |" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    """Links, and paths in backquotes that begin with one of our folders."""
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    paths = re.findall(r"`((?:collab|storage|benchmarks|tests|docs|scripts|web)/[\w./-]+)`", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not (ROOT / path).exists()]

    assert missing == []
