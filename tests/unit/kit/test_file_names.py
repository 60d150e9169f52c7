"""What files are called leads nowhere else, is taken by every system, and is not too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.file_names import safe_name


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ("市城管局", "市城管局.xlsx"),
        ("农委/畜牧局", "农委_畜牧局.xlsx"),
        ("../../甲/乙局\\c:*", ".._.._甲_乙局_c__.xlsx".lstrip(".")),
        ("a\nb\u202ec", "a_b_c.xlsx"),
        ("..", "_.xlsx"),
        ("", "_.xlsx"),
        ("\ud800", "_.xlsx"),
    ],
)
def test_a_name_is_called_what_every_system_takes(said: str, called: str) -> None:
    assert safe_name(said, ".xlsx") == called


@given(st.text(max_size=400))
def test_no_name_leads_anywhere_or_is_too_long(said: str) -> None:
    called = safe_name(said, ".xlsx")
    assert not {"/", "\\", "\0", "\n", ":"} & set(called)
    assert called.strip(" .") == called
    assert len(called.encode()) <= 205
