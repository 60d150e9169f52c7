"""A sentence in the two languages that callers read."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh-CN", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in Chinese and in English; `format` fills its `{names}`."""

    zh: str
    en: str

    def format(self, **values: object) -> "Text":
        """Return the sentence with its placeholders filled in both languages."""
        return Text(zh=self.zh.format(**values), en=self.en.format(**values))

    def in_(self, language: Language) -> str:
        """Return the sentence in `language`."""
        return self.zh if language == "zh-CN" else self.en
