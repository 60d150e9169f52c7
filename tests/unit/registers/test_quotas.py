"""How many rows are named of how many that are wanted: of units and of the city."""

from typing import Any

from services.core.plan.register_entries import Register
from services.core.registers.quotas import lines_of, wanted_of, whole_number

CHOICES = [{"code": "a", "name": "学校"}, {"code": "b", "name": "景区"}]


def a_register(*numbers: dict[str, Any]) -> Register:
    return Register.model_validate(
        {
            "code": "T",
            "name": "细胞",
            "columns": [
                {
                    "code": "kind",
                    "name": "类别",
                    "type": "choice",
                    "required": True,
                    "choices": CHOICES,
                }
            ],
            "key": ["kind"],
            "measures": [{"code": "named", "name": "数", "kind": "count"}],
            "quota": {"by": "kind", "measure": "named", "numbers": list(numbers)},
        }
    )


def told(register: Register, counted: Any, units: set[str] | None) -> list[tuple[Any, ...]]:
    assert register.quota is not None
    found = lines_of(register, register.quota, 2025, counted, units)
    return [(one.choice, one.organization_code, one.named, one.wanted, one.over) for one in found]


def test_units_add_up_to_the_city_and_what_goes_beyond_is_told() -> None:
    register = a_register(
        {"year": 2025, "choice": "a", "unit": "UN15", "wanted": 2},
        {"year": 2025, "choice": "a", "unit": "UN05", "wanted": 1},
        {"year": 2026, "choice": "a", "unit": "UN05", "wanted": 9},
    )
    counted = {("a", None): 4, ("a", "UN15"): 1, ("a", "UN05"): 3}
    assert told(register, counted, None) == [
        ("a", None, 4, 3, 1),
        ("a", "UN05", 3, 1, 2),
        ("a", "UN15", 1, 2, 0),
        ("b", None, 0, None, 0),
    ]
    assert told(register, counted, {"UN15"}) == [("a", "UN15", 1, 2, 0)]
    assert register.quota is not None
    assert whole_number(register.quota, 2025) == 3
    assert whole_number(register.quota, 2024) is None


def test_the_citys_own_number_counts_before_the_sum() -> None:
    register = a_register(
        {"year": 2025, "choice": "a", "wanted": 5},
        {"year": 2025, "choice": "a", "unit": "UN15", "wanted": 2},
        {"year": 2025, "choice": "b", "wanted": 0},
    )
    assert register.quota is not None
    assert wanted_of(register.quota, 2025) == {
        ("a", None): 5,
        ("a", "UN15"): 2,
        ("b", None): 0,
    }
    assert whole_number(register.quota, 2025) == 5
    assert told(register, {("b", None): 1, ("b", "UN10"): 1}, None)[2:] == [
        ("b", None, 1, 0, 1),
        ("b", "UN10", 1, None, 0),
    ]
