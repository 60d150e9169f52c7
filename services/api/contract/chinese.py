"""The Chinese texts of the docs page, read when the page is first asked for in Chinese.

The contract itself is in English. Its Chinese is in data files beside the code it describes,
named `chinese.yaml` or `…_chinese.yaml`, which hold:

- `texts`: each English sentence with its Chinese, once for all places that use it. A
  description is looked up by its paragraphs, and a list by its items. A sentence with a full stop
  that is not listed is looked up without it.
- `forms`: sentences that contain names, as a pattern and its Chinese.
- `tags`: the name of every tag, by its code.
- `labels`: the viewer's own labels on the page, as whole texts of an element.
"""

import re
from collections.abc import Mapping
from functools import cache

from services.api.contract.examples import read

_BETWEEN = re.compile(r"(\n\n|\n(?=- ))")
"""Separates the paragraphs of a description, and the items of a list."""

_WORD = re.compile(r"[A-Za-z]{2}")
"""Matches texts that need translation: more than signs, digits and names of one letter."""

_ITEM = "- "
_STOP = "."


@cache
def words(kind: str) -> Mapping[str, str]:
    """Return the words of a kind (`texts`, `forms`, `tags`, `labels`) by their English key.

    Raises:
        ValueError: two files define the same key.
    """
    return read(kind, files="*chinese.yaml")


def said_in_chinese(english: str) -> str:
    """Return the Chinese of a description, a summary or a title.

    Raises:
        LookupError: a sentence has no Chinese.
    """
    parts = _BETWEEN.split(english.strip())
    return "".join(part if _BETWEEN.fullmatch(part) else _part(part) for part in parts)


def sentences(english: str) -> list[str]:
    """Return the paragraphs and items of a text that are looked up, unchanged."""
    parts = (part for part in _BETWEEN.split(english.strip()) if not _BETWEEN.fullmatch(part))
    return [_folded(part) for part in parts if _WORD.search(part)]


def entry_of(sentence: str) -> tuple[str, str] | None:
    """Return the kind and the key of the entry for a sentence, or None if there is none."""
    texts = words("texts")
    for key in (sentence, sentence.removesuffix(_STOP)):
        if key in texts:
            return "texts", key
    for form in words("forms"):
        if re.fullmatch(form, sentence):
            return "forms", form
    return None


def _part(part: str) -> str:
    if _WORD.search(part) is None:
        return part
    sentence = _folded(part)
    found = entry_of(sentence)
    if found is None:
        raise LookupError(f"no chinese.yaml has words for: {sentence}")
    kind, key = found
    if kind == "forms":
        said = re.sub(key, words("forms")[key], sentence).replace("`, `", "`、`")
    else:
        said = words("texts")[key] + ("" if key == sentence else "。")
    return f"{_ITEM}{said}" if part.startswith(_ITEM) else said


def _folded(part: str) -> str:
    return " ".join(part.removeprefix(_ITEM).split())
