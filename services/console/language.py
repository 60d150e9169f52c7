"""The language of a command's output: the requested one, or that of the terminal."""

import os

from services.core.kit.text import Language


def terminal_language() -> Language:
    """Return the language of the environment's locale: Chinese, or else English."""
    said = next(
        (os.environ[one] for one in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(one)), ""
    )
    return "zh-CN" if said.lower().startswith("zh") else "en"
