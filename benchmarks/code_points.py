"""Editing a pycrdt Text at code point positions.

pycrdt counts UTF-8 bytes; recorded sessions and Python strings count code points.
"""

import pycrdt

_BLOCK = 512  # code points in a block: both the walk over the blocks and the look into one stay short


class CodePointText:
    """A `Text` whose positions are code points.

    While the text is ASCII both counts agree. Otherwise a copy of the text is kept in blocks, so that
    finding a position looks at one block's characters only. Call `refresh` after anybody else's edit.
    """

    def __init__(self, text: pycrdt.Text) -> None:
        self._text = text
        self._blocks: list[str] | None = None  # None while the text is ASCII
        self.refresh()

    def refresh(self) -> None:
        """Take over what others changed."""
        content = str(self._text)
        self._blocks = None if content.isascii() else _split(content)

    def splice(self, position: int, deleted: int, inserted: str) -> None:
        """Delete `deleted` code points at `position`, then insert there. Raises IndexError beyond the end."""
        if self._blocks is None and not inserted.isascii():
            self._blocks = _split(str(self._text))
        start, end = self._byte_offset(position), self._byte_offset(position + deleted)
        if deleted:
            del self._text[start:end]
        if inserted:
            self._text.insert(start, inserted)
        if self._blocks is not None:
            self._splice_blocks(position, deleted, inserted)

    def _byte_offset(self, position: int) -> int:
        if self._blocks is None:
            if position > len(self._text):
                raise IndexError(f"position {position} is beyond the end")
            return position
        block, inside, offset = self._find(position)
        return offset + _bytes(self._blocks[block][:inside])

    def _find(self, position: int) -> tuple[int, int, int]:
        """The block that holds `position`, the position in it, and the byte offset of the block."""
        assert self._blocks is not None
        offset = 0
        for index, block in enumerate(self._blocks):
            if position <= len(block):
                return index, position, offset
            position -= len(block)
            offset += _bytes(block)
        raise IndexError("position is beyond the end")

    def _splice_blocks(self, position: int, deleted: int, inserted: str) -> None:
        assert self._blocks is not None
        first, start, _ = self._find(position)
        last, end, _ = self._find(position + deleted)
        content = self._blocks[first][:start] + inserted + self._blocks[last][end:]
        self._blocks[first : last + 1] = [content] if len(content) <= 2 * _BLOCK else _split(content)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _split(content: str) -> list[str]:
    return [content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK)] or [""]
