"""Which ids a material may have."""

from collab.errors import CloseCode, Rejected

_MAX_BYTES = 200
_RESERVED = ("a/", "live/")
# First path segments that the server keeps for documents and addresses of its own.


def check_id(material: str) -> str:
    """`material`, if clients may open it: 1 to 200 bytes of UTF-8 without NUL, not reserved.

    Raises Rejected with MALFORMED.
    """
    try:
        size = len(material.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= _MAX_BYTES or "\x00" in material:
        raise Rejected(CloseCode.MALFORMED, "a material id has 1 to 200 bytes of UTF-8", "material_id")
    if material.startswith(_RESERVED):
        raise Rejected(CloseCode.MALFORMED, "this material id is reserved", "material_id")
    return material
