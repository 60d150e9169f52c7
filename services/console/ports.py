"""Finds free TCP ports of this machine; nothing here keeps listening."""

import socket
from contextlib import closing

from services.console.errors import ConsoleError

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Return a free port of the loopback address."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free(host: str, port: int) -> None:
    """Check that the API could listen on a port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            raise ConsoleError(
                f"cannot listen on {host}:{port} ({error.strerror}); choose another WUFEI_PORT"
            ) from None
