"""A server whose disk can turn read-only: `python -m tests.faults.read_only_server serve` and its options.

While the file STUDYHUB_READ_ONLY_SWITCH exists, the kernel answers every call of the server that would change
a file with EROFS, also through files that are open already: so it is when a file system turns itself
read-only after an error. A mount cannot be used for that, it refuses to turn while a file is open for
writing (`mount(2)`, EBUSY); and this way needs no rights.

The means is a seccomp filter with a listener: `seccomp_unotify(2)`, which has the structures and numbers.
"""

import ctypes
import errno
import os
import platform
import select
import socket
import struct
import sys
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

_ALWAYS = {  # calls that change a file system; unlike `write`, which also serves sockets, and needs an `open`
    "x86_64": (18, 76, 77, 82, 83, 84, 87, 258, 263, 264, 285, 316),
    "aarch64": (34, 35, 38, 45, 46, 47, 68, 276),
}  # pwrite64, truncate, ftruncate, rename, mkdir, rmdir, unlink, fallocate and their -at forms
_OPENAT = {"x86_64": 257, "aarch64": 56}
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}

_CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000  # SECCOMP_RET_*
_RECEIVE, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*
_NOTICE = 80  # bytes of struct seccomp_notif
_CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE
_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # classic BPF, linux/filter.h
_NUMBER, _ARCH, _FLAGS = 0, 4, 32  # offsets in struct seccomp_data; the flags are openat's third argument
_NO_NEW_PRIVILEGES, _SET_FILTER, _NEW_LISTENER = 38, 1, 8


def main() -> None:
    """Put this process behind the filter, with a child that answers for it, and become the server."""
    switch = Path(os.environ["STUDYHUB_READ_ONLY_SWITCH"])
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        _, (listener,), _, _ = socket.recv_fds(theirs, 1, 1)
        _answer(listener, switch)
        os._exit(0)
    theirs.close()
    listener = _install(platform.machine())
    socket.send_fds(ours, [b"."], [listener])
    os.close(listener)
    ours.close()
    code = "from collab.cli import main; main()"
    os.execv(sys.executable, (sys.executable, "-c", code, *sys.argv[1:]))


def _install(machine: str) -> int:
    """Filter this process and all that it becomes; the listener. Raises OSError, KeyError."""
    code = b"".join(_filter(machine))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0:
        listener: int = libc.syscall(_SECCOMP[machine], _SET_FILTER, _NEW_LISTENER, program)
        if listener >= 0:
            return listener
    raise OSError(ctypes.get_errno(), "no seccomp filter with a listener")


def _filter(machine: str) -> Iterator[bytes]:
    """The program: notify of calls that change files, let all others through.

    Jumps count the instructions that they pass over.
    """
    always = _ALWAYS[machine]
    yield _instruction(_LOAD, _ARCH)
    yield _instruction(_EQUAL, _AUDIT_ARCH[machine], missed=len(always) + 4)
    yield _instruction(_LOAD, _NUMBER)
    for position, number in enumerate(always):
        yield _instruction(_EQUAL, number, met=len(always) - position + 3)
    yield _instruction(_EQUAL, _OPENAT[machine], missed=2)
    yield _instruction(_LOAD, _FLAGS)
    yield _instruction(_ANY_BIT, _CHANGING, met=1)
    yield _instruction(_RETURN, _ALLOW)
    yield _instruction(_RETURN, _NOTIFY)


def _instruction(code: int, value: int, *, met: int = 0, missed: int = 0) -> bytes:
    return struct.pack("HBBI", code, met, missed, value)


def _answer(listener: int, switch: Path) -> None:
    """Answer until no filtered process is left."""
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    while poll.poll()[0][1] & select.POLLIN:
        notice = bytearray(_NOTICE)
        try:
            ioctl(listener, _RECEIVE, notice)
            (number,) = struct.unpack_from("Q", notice)
            refused = switch.exists()
            reply = (0, -errno.EROFS, 0) if refused else (0, 0, _CONTINUE)
            ioctl(listener, _SEND, struct.pack("QqiI", number, *reply))
        except OSError as error:
            if error.errno != errno.ENOENT:  # the calling thread is gone
                raise


if __name__ == "__main__":
    main()
