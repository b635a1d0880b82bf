"""Yjs updates (V1) as bytes: structural validation, causal gate, split. Pure; stands before pycrdt."""

from collab.updates.admission import Admission, TypeItem
from collab.updates.content import MAX_DEPTH
from collab.updates.depth import Depths, measure_depth
from collab.updates.errors import InvalidUpdate
from collab.updates.gate import admit
from collab.updates.structs import low_surrogates, parse
from collab.updates.surrogates import SurrogatePairs

__all__ = [
    "MAX_DEPTH",
    "Admission",
    "Depths",
    "InvalidUpdate",
    "SurrogatePairs",
    "TypeItem",
    "admit",
    "low_surrogates",
    "measure_depth",
    "parse",
]
