"""The stand-in of a superior's platform that integrators get, served beside a test."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from services.console.settings import PROJECT

APP_ID, SECRET = "henan-1", "a-secret-that-the-superior-gave"
PROGRAM = PROJECT / "docs" / "integrators" / "superior.py"


def _module() -> Any:
    name = "wufei_sample_superior"
    if name not in sys.modules:
        spec = spec_from_file_location(name, PROGRAM)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@contextmanager
def a_superior(
    behave: str = "good", *, profile: str = "wufei-hmac", secret: str = SECRET
) -> Iterator[Any]:
    """Yield a platform that stands in; its `address` is where it takes reports and questions."""
    module = _module()
    superior = module.Superior(APP_ID, secret, profile=profile, behave=behave)
    server = module.Server(superior, 0)
    superior.address = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield superior
    finally:
        superior.over.set()
        server.shutdown()
        server.server_close()
        serving.join()
