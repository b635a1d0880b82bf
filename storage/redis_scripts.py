"""The Lua scripts of the Redis backends. Each runs alone on the server, and whole or not at all.

The keys of one document share a hash tag, so that a cluster keeps them on one server:

    <prefix>:{<id>}:log    stream, one entry per cursor, the cursor being its id `<epoch>-<sequence>`; never
                           deleted. Fields: `e` the entry, `t` its time, `s` its checksum, `b` the bytes of
                           all entries before it. Also the name of the channel of its announcements.
    <prefix>:{<id>}:head   hash: `given`, `floor`, `trimmed` (cursors, see storage.head) and `written`, the
                           bytes of all entries ever appended

Lua counts in doubles, exact up to 2^53; `%.0f` writes them all, while its own conversion keeps 14 digits.
"""

from hashlib import sha1
from typing import NamedTuple
from urllib.parse import quote, unquote

from storage.head import STRIDE

Command = tuple[str | bytes | int, ...]
"""One command and its arguments."""

LIMIT = 2**53
"""Epochs and sequences lie below it."""

_EMPTY = "%"  # stands for the empty id: a cluster takes no notice of an empty hash tag


def key(prefix: str, name: str) -> str:
    """What the keys of a document, topic or lease start with. Raises ValueError when it is not UTF-8."""
    return f"{prefix}:{{{quote(name, safe='') or _EMPTY}}}"


def decode_name(text: str) -> str:
    """The document, topic or lease whose keys hold `text` between the braces."""
    return "" if text == _EMPTY else unquote(text)


class Script(NamedTuple):
    """A script, called by its digest once the server knows its source."""

    digest: str
    command: str
    """EVALSHA, or EVALSHA_RO for a script that only reads."""

    def call(self, keys: tuple[str, ...], *arguments: str | bytes | int) -> Command:
        """The command that runs it."""
        return (self.command, self.digest, len(keys), *keys, *arguments)


_SOURCES: dict[str, str] = {}  # by digest


def with_source(command: Command) -> Command:
    """The same call for a server that does not know the script, and does afterwards."""
    name, digest, *rest = command
    return (str(name).replace("EVALSHA", "EVAL"), _SOURCES[str(digest)], *rest)


def _script(source: str, flags: str = "") -> Script:
    full = f"#!lua flags={flags}\n{source}" if flags else f"#!lua\n{source}"
    digest = sha1(full.encode(), usedforsecurity=False).hexdigest()
    _SOURCES[digest] = full
    return Script(digest, "EVALSHA_RO" if flags == "no-writes" else "EVALSHA")


_HEAD = """
local log, head = KEYS[1], KEYS[2]
local function parse(text)
  if not text then return {0, 0} end
  local epoch, sequence = string.match(text, '^(%d+)-(%d+)$')
  return {tonumber(epoch), tonumber(sequence)}
end
local function write(cursor) return string.format('%.0f-%.0f', cursor[1], cursor[2]) end
local function above(a, b) return a[1] > b[1] or (a[1] == b[1] and a[2] > b[2]) end
local function max(a, b) if above(a, b) then return a else return b end end
local held = redis.call('HMGET', head, 'given', 'floor', 'trimmed', 'written')
local given, floor, trimmed = parse(held[1]), parse(held[2]), parse(held[3])
local last = max(given, floor)
"""

APPEND = _script(
    _HEAD
    + f"""
local after, heals, mark, entry = parse(ARGV[1]), ARGV[2] == '1', tonumber(ARGV[3]), ARGV[4]
local lost = above(after, trimmed) and ARGV[1] ~= held[1]
  and #redis.call('XRANGE', log, ARGV[1], ARGV[1]) == 0
if lost and not heals then return false end
local base, cursor = max(after, floor), nil
if above(base, given) then
  cursor = {{base[1] + 1, {STRIDE} + mark}}
else
  cursor = {{given[1], (math.floor(given[2] / {STRIDE}) + 1) * {STRIDE} + mark}}
end
if cursor[1] >= {LIMIT} or cursor[2] >= {LIMIT} then
  return redis.error_reply('ERR the cursor ' .. write(cursor) .. ' is out of bounds')
end
local written = tonumber(held[4] or '0')
redis.call('XADD', log, write(cursor), 'e', entry, 't', ARGV[5], 's', ARGV[6],
  'b', string.format('%.0f', written))
redis.call('HSET', head, 'given', write(cursor), 'written', string.format('%.0f', written + #entry))
redis.call('SPUBLISH', log, cmsgpack.pack({{last[1], last[2], cursor[1], cursor[2], ARGV[7], entry}}))
return {{cursor[1], cursor[2]}}
"""
)
"""Arguments: after, 1 if it heals, mark, entry, time, checksum, node. The cursor; nil if `after` is lost."""

# These two also run where the memory is full: trimming is the way out of it.
RAISE_FLOOR = _script(
    _HEAD
    + """
local upto = parse(ARGV[1])
if above(upto, last) then
  redis.call('HSET', head, 'floor', ARGV[1], 'trimmed', write(max(trimmed, upto)))
end
""",
    "allow-oom",
)
"""Argument: the floor."""

TRIM = _script(
    _HEAD
    + """
local upto = parse(ARGV[1])
redis.call('XTRIM', log, 'MINID', '=', write({upto[1], upto[2] + 1}))
if above(upto, last) then redis.call('HSET', head, 'floor', ARGV[1]) end
if above(upto, trimmed) then redis.call('HSET', head, 'trimmed', ARGV[1]) end
""",
    "allow-oom",
)
"""Argument: the newest cursor that goes."""

STATE = _script(
    """
return {
  redis.call('HMGET', KEYS[2], 'given', 'floor', 'trimmed', 'written'),
  redis.call('XLEN', KEYS[1]),
  redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1),
}
""",
    "no-writes",
)
"""The head's fields, the number of entries, the oldest one."""

PAGE = _script(
    """
return {
  redis.call('HGET', KEYS[2], 'trimmed'),
  redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2]),
}
""",
    "no-writes",
)
"""Arguments: a cursor, a number. The trim marker and at most so many entries above the cursor."""

ACQUIRE = _script(
    """
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local token = string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, now))
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token
"""
)
"""Keys: lease, last token. Argument: milliseconds. The token; nil if taken.

A token is the server's time in microseconds, or more: so it grows also after the server was emptied.
"""

RENEW = _script(
    """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""",
    "allow-oom",
)
"""Key: lease. Arguments: token, milliseconds. 1 if it was held."""

RELEASE = _script(
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
""",
    "allow-oom",
)
"""Key: lease. Argument: token."""
