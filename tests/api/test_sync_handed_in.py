"""A device hands in the figure that its user saw, and never another."""

from typing import Any

import pytest

from tests.support.api import Door
from tests.support.device import Device, a_creation, a_write

_OFFICE = {"note": "办公室的说明"}


@pytest.mark.parametrize(
    ("changed", "outcome", "stands"),
    [
        pytest.param({"value": "99"}, "refused", "draft", id="another-figure"),
        pytest.param(
            {"value": None, "not_applicable_reason": "停用"}, "refused", "draft", id="another-form"
        ),
        pytest.param({"value": "99", **_OFFICE}, "refused", "draft", id="both"),
        pytest.param(_OFFICE, "merged", "submitted", id="remarks-alone"),
    ],
)
@pytest.mark.parametrize("edits_first", [False, True])
async def test_a_figure_that_nobody_saw_is_not_handed_in(
    door: Door, changed: dict[str, Any], outcome: str, stands: str, *, edits_first: bool
) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        made = a_creation(draft=True, value="30")
        subject = made["submission_id"]
        await device.sync(made)
        edit = await office.patch(
            f"/submissions/{subject}", json=changed, headers={"If-Match": "*"}
        )
        assert edit.status_code == 200, edit.text
        said = {"source": "手机的来源"}
        writes = [a_write("submission.edit", subject, base_version=1, data=said)] * edits_first
        handed = a_write("submission.submit", subject, base_version=1)
        told = await device.sync(*writes, handed)
        read = (await unit.get(f"/submissions/{subject}")).json()
        last = told["results"][-1]
        assert (last["outcome"], read["state"]) == (outcome, stands), told["results"]
        if outcome == "merged":
            return
        assert last["refusal"]["code"] == "stale-version"
        # Shown as it is now, and pressed again, it is handed in.
        version = int(read["etag"].rsplit(".", 1)[1].strip('"'))
        again = a_write("submission.submit", subject, base_version=version)
        (result,) = (await device.sync(again))["results"]
        assert result["outcome"] == "applied", result
