"""Suggestions of people who may comment and not write: other words for a part of a guide's text.

They have the shape `suggestion` of `collab/materials/schema.json`: the old words get the mark `deletion`, the
new ones stand behind them with the mark `insertion`. Their author wrote them, as the log knows; whoever
accepts them deletes the old words and takes the marks off.
"""

import secrets
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pycrdt import Map, Text, XmlElement, XmlFragment, XmlText
from pydantic import Field, StringConstraints

from collab.errors import CloseCode, Rejected
from collab.participant import Participant
from collab.sharing.anchors import Span, text_at
from collab.sharing.comments import BODY, Character, Done, ItemId, Shape, check_kind, locate_text
from storage.clock import unix_milliseconds

_SUGGESTIONS = "suggestions"
_MAX_SUGGESTIONS = 2000  # in one document
_INSERTION, _DELETION = "insertion", "deletion"
_CHANGES = frozenset({_INSERTION, _DELETION, "modification"})  # marks that exclude each other
_COMMENT = "comment--"  # how the names of marks begin of which a text may have several


class Suggest(Shape):
    """Propose `text` for what is quoted; see Comment for the characters. An empty one deletes."""

    op: Literal["suggest"]
    quote: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    first: Character
    last: Character
    text: Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\n\r\x00]*$")]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)] = ""


class Decide(Shape):
    """Accept a suggestion, which needs an editor, or reject it, which its author may as well."""

    op: Literal["decide"]
    suggestion: ItemId
    accept: bool = Field(description="false rejects")


def suggest(participant: Participant, operation: Suggest) -> Done:
    """Write a suggestion into the text. Raises Rejected where its words are not there any more."""
    doc, author = participant.doc, participant.author
    check_kind(doc)
    if len(doc.get(_SUGGESTIONS, type=Map)) >= _MAX_SUGGESTIONS:
        raise Rejected(CloseCode.TOO_LARGE, "there are too many suggestions", "suggestions_full")
    span = locate_text(doc, operation.first, operation.last, operation.quote)
    if span is None:
        raise Rejected(CloseCode.REFUSED, "this text is not there any more", "text")
    text = text_at(doc.get(BODY, type=XmlFragment), span)
    around = _attributes(text, span)
    id = secrets.token_urlsafe(12)
    mark = {"id": id, "author": author}
    with participant.edit():
        if operation.text:
            text.insert(span.stop, operation.text, around | {_INSERTION: mark})
        text.format(span.start, span.stop, {_DELETION: mark})
        doc.get(_SUGGESTIONS, type=Map)[id] = Map(_fields(author, operation.reason))
    return Done(suggestion=id, marked=True)


def decide(participant: Participant, operation: Decide, *, writes: bool) -> Done:
    """Accept or reject a suggestion; `writes`: whether who decides is an editor. Raises Rejected."""
    doc, id = participant.doc, operation.suggestion
    suggestion = doc.get(_SUGGESTIONS, type=Map).get(id)
    if not isinstance(suggestion, Map):
        raise Rejected(CloseCode.REFUSED, "there is no such suggestion", "suggestion")
    if not writes and (operation.accept or suggestion.get("author") != participant.author):
        raise Rejected(CloseCode.FORBIDDEN, "your role does not allow this", "role")
    if suggestion.get("status") != "open":
        raise Rejected(CloseCode.REFUSED, "this suggestion is decided already", "decided")
    gone, kept = (_DELETION, _INSERTION) if operation.accept else (_INSERTION, _DELETION)
    with participant.edit():
        found = [_settle(text, id, gone, kept) for text in _texts(doc.get(BODY, type=XmlFragment))]
        suggestion["status"] = "accepted" if operation.accept else "rejected"
        suggestion["decidedBy"] = participant.author
        suggestion["decidedAt"] = unix_milliseconds()
    return Done(suggestion=id, marked=any(found))


def _fields(author: str, reason: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"author": author, "kind": "human", "status": "open"}
    target: Map[Any] = Map({"root": BODY})
    return fields | {"reason": Text(reason), "target": target, "createdAt": unix_milliseconds()}


def _attributes(text: XmlText, span: Span) -> dict[str, Any]:
    """Those of the last character of `span`, without comments. Raises Rejected over other suggestions."""
    around: dict[str, Any] = {}
    for start, stop, attributes in _pieces(text):
        if start < span.stop and stop > span.start:
            around = attributes
            if not _CHANGES.isdisjoint(attributes):
                raise Rejected(CloseCode.REFUSED, "there is a suggestion for this text already", "suggested")
    return {name: value for name, value in around.items() if not name.startswith(_COMMENT)}


def _settle(text: XmlText, id: str, gone: str, kept: str) -> bool:
    """Delete what the suggestion marks as `gone`, unmark `kept`; tells whether something was marked."""
    found = False
    for start, stop, attributes in reversed(list(_pieces(text))):
        if _names(attributes.get(gone), id):
            del text[start:stop]
            found = True
        elif _names(attributes.get(kept), id):
            text.format(start, stop, {kept: None})
            found = True
    return found


def _names(mark: object, id: str) -> bool:
    return isinstance(mark, dict) and mark.get("id") == id


def _pieces(text: XmlText) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """Start and stop, in UTF-8 bytes, and attributes of each evenly formatted piece."""
    at = 0
    for piece, attributes in text.diff():
        size = len(piece.encode()) if isinstance(piece, str) else 1  # an embedded value has one unit
        yield at, at + size, attributes or {}
        at += size


def _texts(node: XmlFragment | XmlElement) -> Iterator[XmlText]:
    for child in node.children:
        if isinstance(child, XmlText):
            yield child
        elif isinstance(child, XmlElement):
            yield from _texts(child)
