"""What a page of ours asks a browser to load."""

import json
import re
from typing import Any


def loaded_by(page: str) -> list[str]:
    """Return the addresses that a page loads by itself."""
    found = re.findall(r"""<(?:link|script|img)\b[^>]*(?:src|href)=["']([^"']+)""", page)
    assert found, "every page loads its style and its script"
    return found


def carried_by(page: str, name: str = "contract") -> dict[str, Any]:
    """Return the data that a page carries under a name, for its script."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    assert found
    carried: dict[str, Any] = json.loads(found[1])
    return carried
