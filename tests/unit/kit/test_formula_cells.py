"""Cells of CSV that are no formulas, said and read back; and that whatever writes CSV asks here."""

import ast

from hypothesis import given
from hypothesis import strategies as st

from services.console.settings import PROJECT
from services.core.kit.formula_cells import NUMBER, as_text, text_of

_SIGNS = "=+-@\t\r\n＝＋－＠"


@given(st.sampled_from(_SIGNS), st.text(max_size=5))
def test_a_text_behind_any_sign_of_a_formula_is_kept_a_text_and_read_back(
    sign: str, rest: str
) -> None:
    said = sign + rest
    assert text_of(as_text(said)) == said
    assert as_text(said) == (said if NUMBER.fullmatch(said) else f"'{said}")


@given(st.text(max_size=5).filter(lambda said: said[:1] not in {*_SIGNS, "'"}))
def test_any_other_text_stays_as_it_is(said: str) -> None:
    assert as_text(said) == text_of(said) == said


def test_a_number_below_zero_stays_one() -> None:
    assert (as_text("-12.50"), as_text("+3"), as_text("-12.5x")) == ("-12.50", "+3", "'-12.5x")


def test_whatever_writes_csv_keeps_its_texts_from_being_formulas() -> None:
    writing = [
        path
        for path in (PROJECT / "services").rglob("*.py")
        if any(
            ast.unparse(one.func) in {"csv.writer", "csv.DictWriter"}
            for one in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(one, ast.Call)
        )
    ]
    assert len(writing) > 1
    for path in writing:
        assert "import as_text" in path.read_text(encoding="utf-8"), path
