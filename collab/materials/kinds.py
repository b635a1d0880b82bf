"""The kinds of material and the version of their schemas (`schema.json` holds the shapes)."""

from enum import StrEnum

SCHEMA = 1
"""`meta.schema` of the documents that this server makes, and the newest that it speaks."""


class Kind(StrEnum):
    """What a material is."""

    GUIDE = "guide"
    FLASHCARDS = "flashcards"
    PRACTICE_TEST = "practice_test"
