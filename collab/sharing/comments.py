"""Comments of people who may not write: typed operations, which a participant carries out in their name.

Threads have the shape `comment` of `collab/materials/schema.json`. All words of a thread are replies, the
first too. What a thread in rich text is about is marked there; a thread whose mark is gone shows its quote.
"""

import secrets
from typing import Annotated, Any, Literal

from pycrdt import Doc, Map, Text, XmlFragment
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from collab.errors import CloseCode, Rejected
from collab.participant import Participant
from collab.sharing.anchors import CharacterId, Span, locate, mark_name, text_at
from storage.clock import unix_milliseconds

BODY = "body"
"""The root of a guide's rich text."""

_COMMENTS = "comments"
_MAX_STATE = 256 << 10  # bytes of a document in which text is looked for: it holds up everybody, some ms
_MAX_THREADS = 2000  # in one document
_MAX_REPLIES = 500  # in one thread

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
ItemId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Shape(BaseModel):
    """A part of an operation."""

    model_config = ConfigDict(extra="forbid")


class Character(Shape):
    """The Yjs id of one UTF-16 unit, as relative positions hold it."""

    client: Annotated[int, Field(ge=0, lt=2**53)]
    clock: Annotated[int, Field(ge=0, lt=2**31)]

    @property
    def id(self) -> CharacterId:
        """The same as a value."""
        return CharacterId(self.client, self.clock)


class Target(Shape):
    """What a thread is about: rich text (`body`), or one card or question by id."""

    root: Literal["body", "cards", "questions"]
    id: ItemId | None = None


class Comment(Shape):
    """Begin a thread. `first` and `last` name the last units of the first and last quoted character."""

    op: Literal["comment"]
    target: Target
    quote: Annotated[str, StringConstraints(max_length=500)] = ""
    first: Character | None = None
    last: Character | None = None
    body: Words


class Reply(Shape):
    """Add to a thread."""

    op: Literal["reply"]
    thread: ItemId
    body: Words


class Resolve(Shape):
    """Close a thread, or open it again."""

    op: Literal["resolve"]
    thread: ItemId
    resolved: bool = True


class Done(BaseModel):
    """What an operation did.

    Attributes:
        thread, reply, suggestion: ids of what it began, changed or added.
        marked: whether the text that it is about was found.
    """

    thread: str | None = None
    reply: str | None = None
    suggestion: str | None = None
    marked: bool = False


ThreadOperation = Comment | Reply | Resolve


def change_threads(participant: Participant, operation: ThreadOperation) -> Done:
    """Do what the author of `participant` asked for. Raises Rejected for what does not fit the document."""
    doc, subject = participant.doc, participant.author
    _check(doc, operation)
    marked = _locate(doc, operation) if isinstance(operation, Comment) else None
    with participant.edit():
        if isinstance(operation, Comment):
            return _begin(doc, operation, subject, marked)
        if isinstance(operation, Reply):
            thread = _thread(doc, operation.thread)
            return Done(thread=operation.thread, reply=_reply(thread, operation.body, subject))
        return _resolve(doc, operation, subject)


def check_kind(doc: Doc[Any]) -> None:
    """Raises Rejected for a document without the shapes of ours."""
    if "kind" not in doc.get("meta", type=Map):
        raise Rejected(CloseCode.REFUSED, "this material takes no comments", "no_kind")


def locate_text(doc: Doc[Any], first: Character, last: Character, quote: str) -> Span | None:
    """What stands from `first` to `last` in the body now; None where that is nothing, or too hard to tell."""
    state = doc.get_update()
    return None if len(state) > _MAX_STATE else locate(state, BODY, first.id, last.id, quote)


def _locate(doc: Doc[Any], comment: Comment) -> Span | None:
    if comment.target.root != BODY or comment.first is None or comment.last is None:
        return None
    return locate_text(doc, comment.first, comment.last, comment.quote)


def _check(doc: Doc[Any], operation: ThreadOperation) -> None:
    """Raises Rejected for what does not fit the document; nothing is written then."""
    check_kind(doc)
    threads = doc.get(_COMMENTS, type=Map)
    if isinstance(operation, Comment):
        _check_target(doc, operation.target)
        if len(threads) >= _MAX_THREADS:
            raise Rejected(CloseCode.TOO_LARGE, "there are too many comments", "comments_full")
    else:
        thread = _thread(doc, operation.thread)
        if isinstance(operation, Reply) and len(_replies(thread)) >= _MAX_REPLIES:
            raise Rejected(CloseCode.TOO_LARGE, "there are too many replies", "replies_full")


def _check_target(doc: Doc[Any], target: Target) -> None:
    fits = target.id is None
    if target.root != BODY:
        fits = target.id is not None and target.id in doc.get(target.root, type=Map)
    if not fits:
        raise Rejected(CloseCode.REFUSED, "there is nothing of this id", "target")


def _thread(doc: Doc[Any], id: str) -> Map[Any]:
    """Raises Rejected where there is none, or none of the right shape."""
    thread = doc.get(_COMMENTS, type=Map).get(id)
    if not isinstance(thread, Map) or not isinstance(thread.get("replies"), Map):
        raise Rejected(CloseCode.REFUSED, "there is no such thread", "thread")
    return thread


def _replies(thread: Map[Any]) -> Map[Any]:
    replies = thread["replies"]
    assert isinstance(replies, Map)
    return replies


def _begin(doc: Doc[Any], comment: Comment, subject: str, span: Span | None) -> Done:
    id = secrets.token_urlsafe(12)
    target = {key: value for key, value in comment.target.model_dump().items() if value is not None}
    fields = {"target": Map(target), "quote": comment.quote, "status": "open", "replies": Map({})}
    fields |= {"createdBy": subject, "createdAt": unix_milliseconds()}
    threads = doc.get(_COMMENTS, type=Map)
    threads[id] = Map(fields)
    if span is not None:
        text = text_at(doc.get(BODY, type=XmlFragment), span)
        text.format(span.start, span.stop, {mark_name(id): {"id": id}})
    reply = _reply(threads[id], comment.body, subject)
    return Done(thread=id, reply=reply, marked=span is not None)


def _reply(thread: Map[Any], body: str, subject: str) -> str:
    id = secrets.token_urlsafe(12)
    _replies(thread)[id] = Map({"body": Text(body), "user": subject, "at": unix_milliseconds()})
    return id


def _resolve(doc: Doc[Any], resolve: Resolve, subject: str) -> Done:
    thread = _thread(doc, resolve.thread)
    thread["status"] = "resolved" if resolve.resolved else "open"
    if resolve.resolved:
        thread["resolvedBy"] = subject
    else:
        thread.pop("resolvedBy", None)
    return Done(thread=resolve.thread)
