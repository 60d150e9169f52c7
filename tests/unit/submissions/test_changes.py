"""What each verb makes of a submission: its state, its authors, its figures."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from services.core.identity.actor import Actor
from services.core.submissions.authorship import Authors, SubmissionRow, authors_of
from services.core.submissions.changes import edited, form_after, moved, signed
from services.core.submissions.creation import access_to
from services.core.submissions.rules import SubmissionVerb, allowed_actions, has_right, state_allows
from tests.unit.submissions.builders import (
    LEAD,
    NOW,
    TOWN,
    a_row,
    after,
    an_actor,
    indicator,
    place,
)

CLERK = an_actor("reporter", TOWN, number=1)
COLLEAGUE = an_actor("reporter", TOWN, number=2)
OFFICE = an_actor("office", number=3)
OTHER_OFFICE = an_actor("office", number=4)
LEADER_OF_IT = an_actor("lead", LEAD, number=5)


def test_a_clerks_draft_that_the_office_hands_in_is_by_both() -> None:
    draft = a_row(CLERK, state="draft", submitted_at=None)
    row = after(draft, (OFFICE, "submit"))
    assert authors_of(row).keys == (CLERK.credential_id, OFFICE.credential_id)
    assert (row["reported_by"], row["on_behalf"]) == (OFFICE.credential_id, True)
    refused = (OFFICE, an_actor("lead", TOWN, number=9))
    assert not any(has_right(one, "approve", place(row)) for one in refused)
    assert has_right(LEADER_OF_IT, "approve", place(row))
    assert has_right(OTHER_OFFICE, "approve", place(row))


def test_what_the_office_changed_and_the_clerk_handed_in_is_by_both() -> None:
    draft = a_row(CLERK, state="draft", value=Decimal(1), submitted_at=None)
    changed = {
        **draft,
        **_edited_columns(draft, {"value": Decimal(2)}, OFFICE),
    }
    row = after(changed, (COLLEAGUE, "submit"))
    assert set(authors_of(row).keys) == {one.credential_id for one in (CLERK, OFFICE, COLLEAGUE)}
    assert (row["reported_by"], row["on_behalf"]) == (COLLEAGUE.credential_id, True)
    assert not has_right(OFFICE, "approve", place(row))
    assert has_right(OTHER_OFFICE, "approve", place(row))


def test_a_returned_revision_keeps_its_authors() -> None:
    row = after(a_row(CLERK), (OFFICE, "return"), (OTHER_OFFICE, "submit"))
    assert authors_of(row).keys == (CLERK.credential_id, OTHER_OFFICE.credential_id)
    assert authors_of(row).organizations == (TOWN,)


def test_a_correction_is_by_those_who_make_it() -> None:
    approved = after(a_row(CLERK), (OFFICE, "approve"))
    reopened = after(approved, (OFFICE, "reopen"))
    assert authors_of(reopened).keys == (), "it says nothing yet"
    assert (reopened["revision"], reopened["approved_revision"]) == (2, 1)
    row = after(reopened, (OFFICE, "submit"))
    assert authors_of(row).keys == (OFFICE.credential_id,)
    assert row["on_behalf"] is True
    again = after(reopened, (CLERK, "submit"))
    assert authors_of(again).keys == (CLERK.credential_id,)
    assert again["on_behalf"] is False
    assert has_right(OFFICE, "approve", place(again))


@pytest.mark.parametrize(
    "word",
    [
        {"value": Decimal(40)},
        {"numerator": Decimal(1), "denominator": Decimal(4), "value": Decimal(25)},
        {"level": "A"},
        {"not_applicable_reason": "本地无此类企业"},
        {"value": Decimal(40), "note": "口径见附表"},
        {"value": Decimal(40), "source": "统计年报"},
    ],
)
def test_what_a_correction_takes_over_is_still_by_whoever_wrote_it(word: dict[str, Any]) -> None:
    reopened = after(a_row(OFFICE, **word), (LEADER_OF_IT, "approve"), (OTHER_OFFICE, "reopen"))
    assert authors_of(reopened).keys == (OFFICE.credential_id,)
    row = after(reopened, (CLERK, "submit"))
    assert set(authors_of(row).keys) == {OFFICE.credential_id, CLERK.credential_id}
    assert not has_right(OFFICE, "approve", place(row))
    assert not has_right(OFFICE, "return", place(row))
    assert "approve" not in allowed_actions(OFFICE, place(row))
    assert has_right(OTHER_OFFICE, "approve", place(row)), "reopening writes nothing"


def _edited_columns(row: SubmissionRow, changes: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    form = form_after(row, changes)
    return edited(row, changes, form, indicator=indicator(), actor=actor)


def _edited(row: SubmissionRow, actor: Actor, **changes: object) -> SubmissionRow:
    return {**row, **_edited_columns(row, changes, actor)}


def test_who_wrote_only_what_a_correction_replaced_is_no_author_of_it() -> None:
    first = a_row(OFFICE, value=Decimal(40), note="初报")
    reopened = after(first, (LEADER_OF_IT, "approve"), (OTHER_OFFICE, "reopen"))
    half = _edited(reopened, CLERK, value=Decimal(41))
    assert not has_right(OFFICE, "approve", place(after(half, (CLERK, "submit")))), "its note"
    whole = after(_edited(half, CLERK, note="更正"), (CLERK, "submit"))
    assert authors_of(whole).keys == (CLERK.credential_id,)
    assert has_right(OFFICE, "approve", place(whole))
    taken_out = after(_edited(half, CLERK, note=None), (CLERK, "submit"))
    assert has_right(OFFICE, "approve", place(taken_out))


def test_what_is_written_as_it_was_stays_its_writers() -> None:
    reopened = after(
        a_row(OFFICE, value=Decimal(40)), (LEADER_OF_IT, "approve"), (OFFICE, "reopen")
    )
    same = _edited(reopened, CLERK, value=Decimal("40.0"), note="复核无误")
    assert not has_right(OFFICE, "approve", place(after(same, (CLERK, "submit"))))


def test_who_wrote_a_word_is_known_over_any_number_of_corrections() -> None:
    row = a_row(OFFICE, value=Decimal(40), note="初报")
    for _ in range(3):
        row = after(row, (LEADER_OF_IT, "approve"), (LEADER_OF_IT, "reopen"), (CLERK, "submit"))
    assert set(authors_of(row).keys) == {OFFICE.credential_id, CLERK.credential_id}
    assert authors_of(after(row, (LEADER_OF_IT, "approve"), (LEADER_OF_IT, "reopen"))).keys == (
        OFFICE.credential_id,
    )


def test_who_signed_with_an_older_release_is_an_author_still() -> None:
    reopened = after(
        a_row(OFFICE, value=Decimal(40)), (LEADER_OF_IT, "approve"), (OFFICE, "reopen")
    )
    by_the_older = {**reopened, "note": "补充", "authors": [CLERK.credential_id]}
    row = after(_edited(by_the_older, COLLEAGUE, value=Decimal(41)), (COLLEAGUE, "submit"))
    assert not has_right(replace(CLERK, role="office"), "approve", place(row))


def test_a_unit_whose_word_is_carried_over_does_not_approve_it_by_another_key() -> None:
    row = after(
        a_row(CLERK, value=Decimal(40)),
        (LEADER_OF_IT, "approve"),
        (OFFICE, "reopen"),
        (OFFICE, "submit"),
    )
    of_the_unit = an_actor("lead", TOWN, number=9)
    leads = replace(place(row), leads=(LEAD, TOWN))
    assert not has_right(of_the_unit, "approve", leads)
    assert has_right(LEADER_OF_IT, "approve", leads)


def test_a_correction_of_what_the_office_reported_is_the_units_own() -> None:
    behalf = after(a_row(OFFICE), (LEADER_OF_IT, "approve"), (OFFICE, "reopen"))
    assert behalf["on_behalf"] is True, "the figure that counts is the office's"
    assert after(behalf, (CLERK, "submit"))["on_behalf"] is False


def test_after_a_correction_nothing_is_falsified_any_more() -> None:
    false = after(a_row(CLERK), (OFFICE, "approve"), (OFFICE, "falsify"))
    assert (false["state"], false["falsified"]) == ("approved", True)
    assert not state_allows("falsify", place(false))
    assert allowed_actions(OFFICE, place(false)) == ["reopen"]
    assert after(false, (OFFICE, "reopen"))["falsified"] is False


def test_whoever_reported_before_authors_were_kept_is_the_author() -> None:
    row = a_row(CLERK)
    assert authors_of(row).keys == (CLERK.credential_id,)
    assert authors_of(row).organizations == (TOWN,)
    assert authors_of(a_row(OFFICE)).organizations == ()


@pytest.mark.parametrize(
    ("verb", "actor", "state", "reported_by", "on_behalf"),
    [
        ("submit", CLERK, "draft", CLERK, False),
        ("submit", OFFICE, "draft", OFFICE, True),
        ("withdraw", OFFICE, "submitted", CLERK, False),
        ("approve", OFFICE, "submitted", CLERK, False),
        ("return", OFFICE, "submitted", CLERK, False),
        ("reopen", OFFICE, "approved", CLERK, False),
        ("falsify", OFFICE, "approved", CLERK, False),
    ],
)
def test_who_reported_changes_with_handing_in_alone(
    verb: SubmissionVerb, actor: Actor, state: str, reported_by: Actor, *, on_behalf: bool
) -> None:
    row = after(a_row(CLERK, state=state), (actor, verb))
    assert row["reported_by"] == reported_by.credential_id
    assert row["on_behalf"] is on_behalf


def test_who_edits_reported_it() -> None:
    row = a_row(CLERK, state="draft", value=Decimal(1))
    assert signed(row, OFFICE)["reported_by"] == OFFICE.credential_id
    assert signed(row, OFFICE)["on_behalf"] is True
    assert signed(row, OFFICE)["reported_by_organization"] is None
    assert signed(row, LEADER_OF_IT)["reported_by_organization"] == LEAD
    assert signed(row, COLLEAGUE)["on_behalf"] is False


@pytest.mark.parametrize(
    ("verb", "state", "submitted", "decided"),
    [
        ("submit", "returned", NOW, None),
        ("approve", "submitted", None, NOW),
        ("return", "submitted", None, NOW),
        ("withdraw", "submitted", None, None),
    ],
)
def test_a_verb_notes_when_it_was_handed_in_or_decided(
    verb: SubmissionVerb, state: str, submitted: object, decided: object
) -> None:
    row = after(a_row(CLERK, state=state, submitted_at=None), (OFFICE, verb))
    assert (row["submitted_at"], row["decided_at"]) == (submitted, decided)
    assert row["reason"] == "理由"


def test_an_edit_of_one_part_of_a_ratio_computes_it_anew() -> None:
    row = a_row(
        CLERK, state="draft", numerator=Decimal(1), denominator=Decimal(4), value=Decimal(25)
    )
    changed = _edited_columns(row, {"numerator": Decimal(2)}, CLERK)
    assert (changed["numerator"], changed["denominator"]) == (Decimal(2), Decimal(4))
    assert changed["value"] == Decimal(50)


def test_a_ratio_yields_to_a_value_once_its_parts_are_cleared() -> None:
    row = a_row(
        CLERK, state="draft", numerator=Decimal(1), denominator=Decimal(4), value=Decimal(25)
    )
    cleared = {"numerator": None, "denominator": None, "value": Decimal(30)}
    changed = _edited_columns(row, cleared, CLERK)
    assert (changed["numerator"], changed["value"]) == (None, Decimal(30))
    assert form_after(row, {}).value is None, "the value is computed, not reported"


def test_an_edit_leaves_alone_what_it_does_not_name() -> None:
    row = a_row(CLERK, state="draft", value=Decimal(30), note="附表三", data_status="provisional")
    changed = _edited_columns(row, {"note": None}, CLERK)
    assert changed["value"] == Decimal(30)
    assert changed["note"] is None
    assert "data_status" not in changed


def test_an_edit_that_changes_nothing_is_none_and_one_of_many_is_one() -> None:
    row = a_row(CLERK, state="draft", value=Decimal(30), note="附表三")
    same = {"value": Decimal(30), "note": "附表三"}
    assert _edited_columns(row, same, OFFICE) == {}
    other = {"value": Decimal(31), "note": "附表三"}
    changed = _edited_columns(row, other, OFFICE)
    assert (changed["value"], changed["reported_by"]) == (Decimal(31), OFFICE.credential_id)
    everything: dict[str, object] = {
        "numerator": Decimal(1),
        "denominator": Decimal(2),
        "value": None,
        "note": "新",
        "source": "台账",
        "data_status": "provisional",
        "not_applicable_reason": None,
        "level": None,
    }
    assert _edited_columns(row, everything, OFFICE)["numerator"] == 1


def test_others_whose_words_an_edit_takes_over_are_its_authors_too() -> None:
    row, others = a_row(CLERK, value=Decimal(1)), Authors((UUID(int=7),), ("UN07",))
    changes = {"value": Decimal(2)}
    columns = edited(
        row,
        changes,
        form_after(row, changes),
        indicator=indicator(),
        actor=OFFICE,
        beside=others,
    )
    assert UUID(int=7) in authors_of({**row, **columns}).keys
    assert "UN07" in authors_of({**row, **columns}).organizations


def test_what_is_handed_in_again_is_decided_no_more() -> None:
    returned = after(a_row(CLERK), (OFFICE, "return"))
    assert returned["decided_at"] == NOW
    assert after(returned, (CLERK, "submit"))["decided_at"] is None


@pytest.mark.parametrize(
    ("approved_revision", "state", "correcting"),
    [(None, "draft", False), (None, "approved", False), (1, "approved", False),
     (1, "returned", True), (1, "submitted", True)],
)  # fmt: skip
def test_a_correction_is_what_follows_an_approved_revision(
    approved_revision: int | None, state: str, *, correcting: bool
) -> None:
    row = a_row(CLERK, approved_revision=approved_revision, state=state)
    access = access_to(row, ("UN05",), "closed")
    assert access.correcting is correcting
    assert access.period_state == "closed"
    assert access.leads == ("UN05",)


@pytest.mark.parametrize("given", [list, json.dumps])
def test_the_files_of_an_approved_revision_stay(given: Any) -> None:
    files = given([{"id": "1", "type": "pdf"}, {"id": "2", "type": "png"}])
    kept = [{"id": "1", "type": "pdf", "kept": True}, {"id": "2", "type": "png", "kept": True}]
    row = a_row(CLERK, files=files)
    assert moved(row, "approve", actor=OFFICE, reason=None, now=NOW)["files"] == kept
    assert "files" not in moved(a_row(CLERK), "approve", actor=OFFICE, reason=None, now=NOW)
