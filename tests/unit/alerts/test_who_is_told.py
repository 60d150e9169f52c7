"""Who is told of what, and when a red light may go out."""

from datetime import datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from services.core.alerts.context import EvaluationContext
from services.core.alerts.escalation import recipients
from services.core.alerts.lights import light_decisions
from services.core.alerts.rule_set import RuleSet
from tests.unit.alerts.builders import a_rule_set, china
from tests.unit.scoring.builders import a_state, an_indicator


def test_a_function_that_nobody_fills_is_still_told() -> None:
    rules = a_rule_set(posts=[], office="UN05")
    levels = range(len(rules.ladder))
    for level in levels:
        told = recipients(rules, level, "UN01", "UN02")
        functions = {
            (each.of, each.function)
            for rung in rules.ladder[: level + 1]
            for each in rung.recipients
        }
        assert len(told) == len(functions)
        assert {each["filled_by"] for each in told} == {None}
    unit = next(each for each in rules.ladder[0].recipients if each.of == "unit")
    post = {"organization_code": "UN01", "function": unit.function, "filled_by": "张三"}
    filled = recipients(a_rule_set(posts=[post], office="UN05"), 0, "UN01", "UN02")
    assert "张三" in {each["filled_by"] for each in filled}


def ground_at(hour: int, rules: RuleSet) -> EvaluationContext:
    """The ground of an evaluation at an hour of a working day in Shanghai."""
    now = datetime(2026, 1, 14, hour, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    return EvaluationContext.of(a_state(an_indicator()), (rules, 1), china(), now, first=False)


@pytest.mark.parametrize(("hour", "level"), list(product([2, 7, 10, 15, 22], [1, 3])))
def test_red_lights_keep_quiet_hours_below_the_top_level(hour: int, level: int) -> None:
    plain = a_rule_set()
    given = plain.rules.model_copy(
        update={"light_red": plain.rules.light_red.model_copy(update={"level": level})}
    )
    rules = plain.model_copy(update={"rules": given})
    ground = ground_at(hour, rules)
    opens = plain.window.opens <= f"{hour:02}:30" < plain.window.closes
    decided = list(light_decisions(ground, {"R01": ("红", "red")}, {}))
    assert bool(decided) is (opens or level == rules.top_level)
