"""The sample client at its edges: texts, sizes, and what is written while it syncs."""

from pathlib import Path
from types import ModuleType

import pytest

from tests.support.api import Door
from tests.support.doors import own_door as door
from tests.support.offline_client import Phone, client_module
from tests.support.reported import a_period

__all__ = ["client_module", "door"]  # fixtures


async def test_what_no_ledger_can_keep_stops_nothing(
    door: Door, client_module: ModuleType, tmp_path: Path
) -> None:
    secret = await door.new_key("reporter", "UN15")
    phone = Phone(client_module, tmp_path / "phone.db", door, secret)
    await phone.sync()
    note = "半个\ud83d字符\0，一个整的\ud83d\ude00"
    mine = phone.client.report("U08", "UN15", a_period(), value="1", note=note, draft=True)
    await phone.sync()
    await door.react()
    await phone.sync()
    assert phone.client.things("submission")[mine]["note"] == "半个�字符，一个整的😀"


async def test_more_than_one_call_takes_goes_in_several(
    door: Door, client_module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MOST_BYTES", 30_000)
    secret = await door.new_key("reporter", "UN15")
    phone = Phone(client_module, tmp_path / "phone.db", door, secret)
    await phone.sync()
    mine = phone.client.report("U08", "UN15", a_period(), value="1", draft=True)
    for number in range(9):
        phone.client.edit(mine, note=f"{number}" + "长" * 1500)
    assert 1 <= len(phone.client._next_writes()) < 9
    await phone.sync()
    await door.react()
    await phone.sync()
    assert phone.client.waiting() == []
    assert phone.client.results() == {}
    assert phone.client.things("submission")[mine]["note"] == "8" + "长" * 1500


async def test_what_is_written_while_an_edit_is_merged_is_no_conflict_with_oneself(
    door: Door, client_module: ModuleType, tmp_path: Path
) -> None:
    secret = await door.new_key("reporter", "UN15")
    phone = Phone(client_module, tmp_path / "phone.db", door, secret)
    await phone.sync()
    mine = phone.client.report("U08", "UN15", a_period(), value="50", note="初稿", draft=True)
    await phone.sync()
    await door.react()
    await phone.sync()
    async with await door.as_("office") as office:
        changed = await office.patch(
            f"/submissions/{mine}", json={"note": "办公室"}, headers={"If-Match": "*"}
        )
        assert changed.status_code == 200, changed.text
    phone.client.edit(mine, value="51")

    def meanwhile() -> str:
        typing = client_module.OfflineClient(str(tmp_path / "phone.db"))
        if len(typing.waiting()) == 1:
            typing.edit(mine, value="52")
            typing.edit(mine, note="手机")
        return "never"

    await phone.sync(meanwhile)
    await door.react()
    await phone.sync()
    (result,) = phone.client.results().values()
    assert result["outcome"] == "conflict", "the note alone, which the office had changed"
    known = phone.client.things("submission")[mine]
    assert (known["value"], known["note"]) == ("52", "办公室")


async def test_a_place_that_was_taken_already_is_known_by_either_id(
    door: Door, client_module: ModuleType, tmp_path: Path
) -> None:
    secret = await door.new_key("reporter", "UN15")
    first, second = (
        Phone(client_module, tmp_path / f"{name}.db", door, secret) for name in ("a", "b")
    )
    for phone in (first, second):
        await phone.sync()
    place = ("U08", "UN15", a_period())
    known = first.client.report(*place, value="7", draft=True)
    await first.sync()
    mine = second.client.report(*place, value="7", draft=True)
    await second.sync()
    await door.react()
    await second.sync()
    second.client.edit(mine, value="8")
    await second.sync()
    await door.react()
    await first.sync()
    assert second.client.results() == {}
    assert first.client.things("submission")[known]["value"] == "8"
