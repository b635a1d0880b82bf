"""The socket that a server listens on."""

import socket

from collab.errors import StartError


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket bound to an address, for other processes to share where `shared`.

    Raises StartError with one line that says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise _refused(host, port, error) from error
    return bound


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """As `bind`, and listening. Raises StartError."""
    listener = bind(host, port, shared=shared)
    try:
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from error
    return listener


def address_of(asked: str, bound: socket.socket) -> str:
    """The URL at which a browser on this machine reaches a socket that was bound to the host `asked`."""
    host, port = bound.getsockname()[:2]
    shown = "127.0.0.1" if asked in ("0.0.0.0", "") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _refused(host: str, port: int, error: OSError) -> StartError:
    return StartError(f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port")
