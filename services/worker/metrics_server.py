"""Serves the metrics of this process, from a thread of its own, at an address of its own."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server

from services.core.kit.outage import cause_in_words

logger = logging.getLogger("wufei.worker")


@contextmanager
def served_metrics(address: str | None) -> Iterator[None]:
    """Serve `/metrics` at `host:port` during the block; None: nowhere.

    An address in use, for instance by another worker on this machine, does not stop the work.
    """
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"))
    except OSError as error:
        logger.warning(
            "metrics not served",
            extra={"cause": cause_in_words(error), "next": "the work goes on without"},
        )
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(1)
