"""Yjs updates (V1) as bytes: structural validation, causal gate, split. Pure; stands before pycrdt."""

from collab.updates.admission import Admission
from collab.updates.concatenation import concatenate
from collab.updates.content import MAX_DEPTH
from collab.updates.errors import InvalidUpdate
from collab.updates.gate import admit
from collab.updates.index import Index
from collab.updates.structs import parse
from collab.updates.survey import survey

__all__ = [
    "MAX_DEPTH",
    "Admission",
    "Index",
    "InvalidUpdate",
    "admit",
    "concatenate",
    "parse",
    "survey",
]
