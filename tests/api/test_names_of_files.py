"""Files that are called after units and after what was sent: a name is no path."""

import io
import re
import zipfile
from urllib.parse import unquote

import httpx

from tests.support.api import XINMI, Door, xinmi
from tests.support.imports import checked, csv_of, row_of

ODD = '../../甲/乙局\\c:*"<>|?' + "很长的名称" * 30
UNIT, KEEPER = "UN15", "UN22"


def called(answer: httpx.Response) -> str:
    """Return what an answer's file is called, as a browser reads it."""
    assert answer.status_code == 200, answer.text
    found = re.fullmatch(
        r"attachment; filename\*=UTF-8''([A-Za-z0-9._~%-]+)", answer.headers["Content-Disposition"]
    )
    assert found is not None, answer.headers["Content-Disposition"]
    return unquote(found[1])


def is_a_name(name: str) -> bool:
    """Return whether every system takes it for a file in the folder where it stands."""
    return not re.search(r'[\\/:*?"<>|\x00-\x1f]', name) and len(name.encode()) <= 255


async def test_a_unit_s_name_leads_to_no_other_folder(door: Door) -> None:
    document = xinmi()
    units = tuple(
        one.model_copy(update={"name": f"{ODD}{one.code}"}) if one.code in {UNIT, KEEPER} else one
        for one in document.organizations
    )
    await door.load(document.model_copy(update={"organizations": units}))
    await door.forget_everything()
    base = f"/plans/{XINMI}"
    async with await door.as_("office") as office:
        of_unit = {"organization_code": UNIT}
        for name in ("indicators", "tasks"):
            period = {"period": "2024"} if name == "indicators" else {}
            bundle = await office.get(f"{base}/templates/{name}.zip", params=period)
            entries = zipfile.ZipFile(io.BytesIO(bundle.content)).namelist()
            assert all(is_a_name(one) for one in entries), entries
            one = await office.get(f"{base}/templates/{name}.xlsx", params={**period, **of_unit})
            assert is_a_name(called(one))
            assert f"-{UNIT}-" in called(one)
        form = await office.get(
            f"{base}/registers/GREEN-FACTORY/form.xlsx", params={"organization_code": KEEPER}
        )
        assert is_a_name(called(form))


async def test_a_marked_copy_is_called_after_the_file_and_leads_nowhere(door: Door) -> None:
    content = csv_of(row_of("U08", "2025", "much", 单位=UNIT))
    found = await checked(door, content, file_name='../../x/é"表.csv')
    async with await door.as_("reporter", UNIT) as unit:
        copy = await unit.get(f"/imports/{found['id']}/marked.xlsx")
    assert is_a_name(called(copy))
    assert called(copy).endswith("-标注.xlsx")
