"""Chinese sentences, and the English words in them."""

import re

ENGLISH = re.compile(r"[A-Za-z]{2,}(?:,? [A-Za-z]{2,})+")
"""Two English words in a row; one alone is a name: `true`, `UUID`, `If-Match`."""

NAMES = re.compile(
    r"`[^`]*`|\{[^}]*\}|[\w.-]*[_:/.][\w.:/-]*|RFC \d+|(?:GET|PUT|POST|PATCH|DELETE) /\S*"
    r"|wufei [a-z ]+|Standard Webhooks|make [a-z]+"
)
"""Names within a sentence: members, scopes, addresses, commands."""


def english_in(zh: str) -> list[str]:
    """Return the runs of English words in a Chinese sentence, names left out."""
    return ENGLISH.findall(NAMES.sub("，", zh))
