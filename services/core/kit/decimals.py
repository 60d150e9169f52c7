"""Exact decimals: parsing, division, and rounding for display."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import (
    MAX_EMAX,
    MAX_PREC,
    MIN_EMIN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    InvalidOperation,
)
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.core.kit.text import Text

MAX_DIGITS = 38
"""Most significant digits of a value, and most digits on either side of the point."""

QUOTIENT_SCALE = 20
"""Decimal places kept by a division, half even; SQL divides to the same scale."""

# Unbounded precision: sums of fractions grow with their denominators, and no digit may be lost.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, rounding=ROUND_HALF_EVEN)
_GUARD_DIGITS = QUOTIENT_SCALE + 10
_QUANTUM = Decimal(1).scaleb(-QUOTIENT_SCALE)
_LONGEST_TEXT = 100


def exact(raw: object) -> Decimal:
    """Return `raw` (a Decimal, int or decimal text) as a Decimal, every digit kept.

    Raises:
        ValueError: it is no finite decimal number of at most 38 digits. Floats are refused
            because they have already lost digits.
    """
    if isinstance(raw, bool) or not isinstance(raw, Decimal | int | str):
        raise ValueError("not a number")  # noqa: TRY004 (callers catch one sort of error)
    if isinstance(raw, int) and raw.bit_length() > MAX_DIGITS * 4:
        raise ValueError("too many digits")
    if isinstance(raw, str) and (len(raw) > _LONGEST_TEXT or not raw.isascii() or "_" in raw):
        raise ValueError("not a number")
    try:
        number = Decimal(raw.strip() if isinstance(raw, str) else raw)
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not number.is_finite():
        raise ValueError("not finite")
    _, digits, exponent = number.as_tuple()
    scale = -int(exponent)
    if len(digits) > MAX_DIGITS or scale > MAX_DIGITS or len(digits) - scale > MAX_DIGITS:
        raise ValueError("too many digits")
    return number


def plain(number: Decimal) -> str:
    """Return `number` as JSON text: no exponent, no trailing zeros, no negative zero."""
    text = str(number)
    if "E" in text:
        text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def plain_or_none(number: Decimal | None) -> str | None:
    """Return `number` as `plain` writes it; None stays None."""
    return None if number is None else plain(number)


def quotient(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Return numerator ÷ denominator at scale 20, half even. The denominator is not 0.

    It is rounded twice, first to `precision` digits and then to the scale. That is safe only if
    the first rounding cannot turn another value into an exact half. It cannot: a fraction that is
    not a half at this scale differs from every half by at least one unit of the denominator's last
    digit, and that many digits keep the difference.
    """
    precision = _digits(numerator) + 2 * _digits(denominator) + _GUARD_DIGITS
    divided = Context(prec=precision, rounding=ROUND_HALF_EVEN).divide(numerator, denominator)
    return divided.quantize(_QUANTUM, ROUND_HALF_EVEN, _EXACT)


def _digits(number: Decimal) -> int:
    """Return the number of digits before and after the point."""
    _, digits, exponent = number.as_tuple()
    return len(digits) + abs(int(exponent))


def times(left: Decimal, right: Decimal) -> Decimal:
    """Return the exact product."""
    return _EXACT.multiply(left, right)


def total(numbers: "list[Decimal] | tuple[Decimal, ...]") -> Decimal:
    """Return the exact sum; 0 for none."""
    result = Decimal(0)
    for number in numbers:
        result = _EXACT.add(result, number)
    return result


def less(left: Decimal, right: Decimal) -> Decimal:
    """Return the exact difference."""
    return total([left, right.copy_negate()])


def display(
    number: Decimal,
    places: int = 2,
    *,
    least: Iterable[Decimal] = (),
    most: Iterable[Decimal] = (),
    step: int = 1,
) -> str:
    """Return `number` rounded half up to `places` for people to read. Never decide by it.

    `least` are lower bounds and `most` upper bounds that a verdict was based on. Places are added,
    `step` at a time, until the rounded number compares with each bound as the exact one does:
    39.996 against at least 40 is shown as 39.996 and not as 40.00. There is no "-0.00".
    """
    reached = [(each, number >= each) for each in least]
    kept = [(each, number <= each) for each in most]
    for more in range(places, places + MAX_DIGITS + step, step):
        rounded = number.quantize(Decimal(1).scaleb(-more), ROUND_HALF_UP, _EXACT)
        if all((rounded >= each) is was for each, was in reached) and all(
            (rounded <= each) is was for each, was in kept
        ):
            break
    # A Decimal keeps the sign of zero: -0.001 rounds to -0.00.
    return format(rounded or rounded.copy_abs(), "f")


def display_bound(number: Decimal) -> str:
    """Return a bound for people to read: with all its places, but at least two."""
    return display(number, least=(number,), most=(number,))


_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+)(?:\.[0-9]+)?")
_COMMA_FOR_POINT = re.compile(r"[+-]?[0-9]+,[0-9]+")
_FRACTION = re.compile(rf"{_NUMBER}\s*[/÷]\s*{_NUMBER}")
_WITH_UNIT = re.compile(rf"(?P<number>{_NUMBER})\s*[^0-9.,+\-\s][^0-9]*")

_NO_FRACTION = Text(
    "请写小数；分数请分别填写分子 numerator 与分母 denominator",
    "Write a decimal; give a fraction as its numerator and its denominator",
)
_ADVICE = {
    "width": Text("用半角数字", "use ASCII digits"),
    "percent": Text("去掉百分号", "leave out the percent sign"),
    "groups": Text("去掉千位分隔符", "leave out the separators of thousands"),
    "point": Text("小数点写作 .", "write the decimal point as ."),
    "unit": Text("不带单位", "leave out the unit"),
}
_EXPECTED = Text(
    "应为至多 38 位的有限十进制数（文本或数字），如 39.5",
    "Must be a finite decimal number of at most 38 digits, as text or number, such as 39.5",
)


def advice(raw: object) -> Text:
    """Return advice on how to write `raw`, which is no exact decimal."""
    if not isinstance(raw, str) or len(raw) > _LONGEST_TEXT:
        return _EXPECTED
    text, advised = unicodedata.normalize("NFKC", raw).strip(), []
    if text != raw.strip() and text.rstrip("%") != raw.strip().rstrip("%％"):
        advised.append("width")
    if text.endswith("%"):
        text, advised = text.removesuffix("%").strip(), [*advised, "percent"]
    if _FRACTION.fullmatch(text):
        return _NO_FRACTION
    if _GROUPED.fullmatch(text):
        text, advised = re.sub("[, ]", "", text), [*advised, "groups"]
    elif _COMMA_FOR_POINT.fullmatch(text):
        text, advised = text.replace(",", "."), [*advised, "point"]
    elif found := _WITH_UNIT.fullmatch(text):
        text, advised = found["number"], [*advised, "unit"]
    try:
        exact(text)
    except ValueError:
        return _EXPECTED
    parts = [_ADVICE[one] for one in advised]
    return Text(
        f"{'，'.join(['请写 ' + text, *(part.zh for part in parts)])}",
        f"{'; '.join(['Write ' + text, *(part.en for part in parts)])}",
    )


def _validated(raw: Any) -> Decimal:
    try:
        return exact(raw)
    except ValueError:
        told = advice(raw)
        raise PydanticCustomError("decimal", "{en}", {"zh": told.zh, "en": told.en}) from None


ExactDecimal = Annotated[
    Decimal,
    BeforeValidator(_validated),
    PlainSerializer(plain, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$"},
                {"type": "number"},
            ],
            "description": "Exact decimal of at most 38 digits: text or number in, text out.",
        },
        mode="validation",
    ),
    WithJsonSchema({"type": "string"}, mode="serialization"),
]
"""A pydantic field type: exact, at most 38 digits, text on output."""
