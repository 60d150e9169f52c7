"""A code that a document does not have is told with the one that was meant."""

from services.core.kit.errors import Fault
from services.core.kit.nearest import MOST_COMPARED
from services.core.plan.document import PlanDocument
from services.core.plan.document_faults import cross_check
from tests.support.api import xinmi


def _faults(**changes: object) -> dict[str, Fault]:
    return {one.code: one for one in cross_check(_changed(**changes))}


def _changed(**changes: object) -> PlanDocument:
    return xinmi().model_copy(update=changes)


def test_a_units_name_in_place_of_its_code_is_told_the_code() -> None:
    first, *others = xinmi().indicators
    owned = first.model_copy(update={"owners": ("市城管局",)})
    fault = _faults(indicators=(owned, *others))["unknown-organization"]
    assert fault.pointer == "/indicators/0/owners/0"
    assert "did you mean UN15" in fault.detail.en
    assert "是否想写 UN15" in fault.detail.zh


def test_a_groups_name_and_a_time_zone_are_told_the_nearest() -> None:
    first, *others = xinmi().indicators
    group = next(one for one in xinmi().groups if one.code == first.group)
    named = first.model_copy(update={"group": group.name})
    faults = _faults(indicators=(named, *others), time_zone="Asia/Shangai")
    assert f"did you mean {group.code}" in faults["unknown-group"].detail.en
    assert "did you mean Asia/Shanghai" in faults["unknown-time-zone"].detail.en


def test_a_document_of_unknown_codes_is_compared_only_so_often() -> None:
    first, *others = xinmi().indicators
    owned = first.model_copy(update={"owners": tuple(f"UN1{number}x" for number in range(50))})
    found = cross_check(_changed(indicators=(owned, *others)))
    told = [one.detail.en for one in found if one.code == "unknown-organization"]
    assert len(told) == 50
    assert sum("did you mean" in one for one in told) == MOST_COMPARED
