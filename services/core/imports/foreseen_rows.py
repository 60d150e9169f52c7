"""The foreseen result of each row of a file, kept from its check until its rows are written. Pure.

Whoever confirms a file agrees to these results and to nothing else.
"""

import base64
import zlib
from collections.abc import Sequence

_SIGNS = {"created": "c", "updated": "u", "unchanged": "="}
_OUTCOMES = {sign: outcome for outcome, sign in _SIGNS.items()}


def packed(outcomes: Sequence[str]) -> str:
    """Return the outcomes of rows without faults as compact text; most of a file's are alike."""
    signs = "".join(_SIGNS[one] for one in outcomes)
    return base64.b64encode(zlib.compress(signs.encode())).decode()


def unpacked(kept: str) -> list[str]:
    """Return the outcomes from their packed text, in order."""
    return [_OUTCOMES[sign] for sign in zlib.decompress(base64.b64decode(kept)).decode()]
