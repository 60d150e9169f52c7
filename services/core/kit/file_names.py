"""Names of files and folders that are made of what things are called. Pure."""

import re

_NEVER = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]')
_MOST_BYTES = 200


def safe_name(said: str, ending: str = "") -> str:
    """Return what a file or a folder of this name is called, with its `ending`.

    It leads nowhere else, is taken by every system, and is no longer than 200 bytes beside its
    ending; a unit may well be called 农委/畜牧局.
    """
    text = said.encode("utf-8", "replace").decode()
    whole = _NEVER.sub("_", text).encode()[:_MOST_BYTES]
    return (whole.decode("utf-8", "ignore").strip(" .") or "_") + ending
