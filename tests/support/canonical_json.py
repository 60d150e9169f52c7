"""JSON as PostgreSQL writes a jsonb, made anew from its words: what anybody else would write."""

import json
from typing import Any


class _Number(str):
    __slots__ = ()


def canonical_text(said: str) -> str:
    """Return the same JSON, its keys by length and then by bytes, its numbers as they are."""
    return _written(json.loads(said, parse_float=_Number, parse_int=_Number))


def _written(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
        members = (f"{json.dumps(key, ensure_ascii=False)}: {_written(value[key])}" for key in keys)
        return f"{{{', '.join(members)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)
