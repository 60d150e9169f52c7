"""Whatever a name is made of, it is one part of a path that any system takes."""

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.imports.layout import bundle
from services.core.kit.file_names import LONGEST, as_file_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../甲/乙局.xlsx", "_.._甲_乙局.xlsx"),
        ('c:\\乙*"<>|?.xlsx', "c__乙______.xlsx"),
        ("行一\n行二.csv", "行一_行二.csv"),
        (" .. ", "_"),
        ("", "_"),
        ("01表-2026-AX-农委.xlsx", "01表-2026-AX-农委.xlsx"),
    ],
)
def test_no_name_leads_anywhere(name: str, safe: str) -> None:
    assert as_file_name(name) == safe


def test_a_name_that_is_too_long_keeps_its_ending_and_its_last_letter_whole() -> None:
    made = as_file_name("局" * 190 + ".xlsx")
    assert made == "局" * 83 + ".xlsx"
    assert as_file_name("x" * 300) == "x" * LONGEST


def test_forms_of_units_lie_in_the_root_of_their_archive() -> None:
    made = bundle([("01表-AX-../../甲/乙局.xlsx", b"a"), ("01表-AY-丙局.xlsx", b"b")])
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert archive.namelist() == ["01表-AX-.._.._甲_乙局.xlsx", "01表-AY-丙局.xlsx"]


@given(st.text(max_size=400))
def test_every_text_makes_a_name(text: str) -> None:
    made = as_file_name(text)
    assert len(made.encode()) <= LONGEST
    assert not set('\\/:*?"<>|') & set(made)
    assert made not in {"", ".", ".."}
    assert as_file_name(made) == made
