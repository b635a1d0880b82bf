"""lib0 primitives, bounded: varUint, varBytes, varString.

Format: https://github.com/dmonad/lib0 (encoding.js). A varUint is little-endian base 128.
"""

MAX_SAFE_INTEGER = 2**53 - 1
"""Largest integer that JavaScript clients hold exactly."""


class Malformed(ValueError):
    """Bytes that no honest client sends."""


def write_uint(out: bytearray, value: int) -> None:
    """Append `value` as a varUint."""
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def write_bytes(out: bytearray, data: bytes) -> None:
    """Append the length of `data` and `data`."""
    write_uint(out, len(data))
    out += data


def uint(value: int) -> bytes:
    """`value` as a varUint."""
    out = bytearray()
    write_uint(out, value)
    return bytes(out)


def read_uint(data: bytes, at: int) -> tuple[int, int]:
    """The varUint at offset `at` and the offset behind it. Raises Malformed."""
    value = shift = 0
    try:
        while (byte := data[at]) > 127:
            value |= (byte & 127) << shift
            shift += 7
            at += 1
            if shift > 49:
                raise Malformed("integer above 2^53")
    except IndexError:
        raise Malformed("integer cut short") from None
    value |= byte << shift
    if value > MAX_SAFE_INTEGER:
        raise Malformed("integer above 2^53")
    return value, at + 1


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """The length-prefixed bytes at offset `at` and the offset behind them. Raises Malformed."""
    length, at = read_uint(data, at)
    end = at + length
    if end > len(data):
        raise Malformed("bytes cut short")
    return data[at:end], end


def read_string(data: bytes, at: int) -> tuple[str, int]:
    """The length-prefixed UTF-8 string at offset `at` and the offset behind it. Raises Malformed."""
    raw, at = read_bytes(data, at)
    try:
        return raw.decode(), at
    except UnicodeDecodeError:
        raise Malformed("text is not UTF-8") from None
