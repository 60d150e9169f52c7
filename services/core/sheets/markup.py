"""Parses the XML of a workbook as it is inflated: no DTD, no entity, bounded depth."""

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn
from xml.parsers import expat

from services.core.sheets.errors import SheetRefused, refused
from services.core.sheets.limits import SheetLimits

Start = Callable[[dict[str, str]], None]
End = Callable[[], None]

_MOST_NAMES = 2000


def _nothing(*_: object) -> None:
    pass


class Markup:
    """Calls `starts` and `ends` by local names of elements while it is fed.

    `take` gets text while `wanted` is true. Namespace prefixes are ignored, because no part of a
    workbook that we read has two elements with the same local name.
    """

    def __init__(
        self, starts: Mapping[str, Start], ends: Mapping[str, End], limits: SheetLimits
    ) -> None:
        self._starts: dict[str, Start] = dict(starts)
        self._ends: dict[str, End] = dict(ends)
        self._limits = limits
        self._depth = 0
        self.fed = 0
        self.wanted = False
        self._text: list[str] = []
        self._length = 0
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._take
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.EntityDeclHandler = _refuse_doctype
        parser.ExternalEntityRefHandler = _refuse_doctype
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def text(self) -> str:
        """Return the text collected since the last call."""
        text = "".join(self._text)
        self._text.clear()
        self._length = 0
        return text

    def feed(self, part: bytes, *, last: bool = False) -> None:
        """Parse a piece.

        Raises:
            SheetRefused: it is not well formed, declares a document type, or exceeds a limit.
        """
        self.fed += len(part)
        try:
            self._parser.Parse(part, last)
        except expat.ExpatError:
            raise refused("damaged-workbook") from None
        # The parser buffers only an unfinished token: a tag, a comment.
        if self.fed - max(self._parser.CurrentByteIndex, 0) > self._limits.token + len(part):
            raise refused("damaged-workbook")

    def read(self, parts: Iterable[bytes]) -> None:
        """Parse a whole document."""
        for part in parts:
            self.feed(part)
        self.feed(b"", last=True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise refused("damaged-workbook")
        start = self._starts.get(name)
        if start is None:
            start = self._learn(name)
        start(attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._ends.get(name, _nothing)()

    def _learn(self, name: str) -> Start:
        """Return the handler of a new name, and remember it."""
        local = name.rpartition(":")[2]
        if len(self._starts) > _MOST_NAMES:
            raise refused("damaged-workbook")
        self._ends.setdefault(name, self._ends.get(local, _nothing))
        return self._starts.setdefault(name, self._starts.get(local, _nothing))

    def _take(self, text: str) -> None:
        if self.wanted:
            self._length += len(text)
            if self._length > self._limits.cell_text:
                raise refused("cell-too-long")
            self._text.append(text)


def _refuse_doctype(*_: object) -> NoReturn:
    raise refused("document-type")


__all__ = ["End", "Markup", "SheetRefused", "Start"]
