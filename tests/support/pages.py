"""What a page of ours asks a browser to load."""

import re


def loaded_by(page: str) -> list[str]:
    """Return the addresses that a page loads by itself."""
    found = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert found, "every page loads its style and its script"
    return found
