"""Tokens as a forger writes them."""

import base64
import hashlib
import hmac
import json
from typing import Any


def written(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def by_hmac(header: dict[str, Any], body: str, key: bytes) -> str:
    """Return a token that takes what everybody knows for a shared secret."""
    said = f"{written({**header, 'alg': 'HS256'})}.{body}"
    made = hmac.new(key, said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
