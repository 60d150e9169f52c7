"""Whoever alters, removes, adds or swaps a row that the chain covers is found out, by number."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.canonical import (
    COLUMNS_OF,
    NO_LINK,
    ChainHead,
    LinkKind,
    link_digest,
)
from services.core.audit.proving import Proof, all_heads, verify, whole_chain
from services.core.audit.queries import chain_head
from services.core.audit.verifying import BreachKind
from services.core.kit.database import Database
from services.core.kit.sm3 import sm3
from tests.integration.audit.conftest import CITY, LINKS, SIGNED, TRUSTED
from tests.support.canonical_json import canonical_text

_TABLE = {"event": "event", "entry": "audit_entry"}
_OTHER_VALUE = {
    "id": "CAST('019aafc0-0000-7000-8000-00000000ffff' AS uuid)",
    "occurred_at": "occurred_at + interval '1 microsecond'",
    "city_code": "'410184'",
}
_OTHER_OF_JSON = (
    "jsonb_set({0}, '{{kind}}', '\"tests\"')",
    "{0} - 'scopes' - 'value' - 'kind'",
    "{0} || '{{\"more\": null}}'",
    "CAST(replace(replace(CAST({0} AS text), '1.50', '1.5'), ': \"', ': \" ') AS jsonb)",
)


@pytest.fixture
async def session(shared: Database) -> AsyncIterator[AsyncSession]:
    """A transaction that is undone at the end."""
    async with shared.sessions() as opened:
        yield opened
        await opened.rollback()


async def links(session: AsyncSession) -> list[Any]:
    found = await session.execute(text("SELECT * FROM audit_link ORDER BY number"))
    return list(found.all())


async def told(session: AsyncSession, **more: Any) -> tuple[BreachKind, int | None, Any]:
    """Return what is found first: its kind, its number and the row's id."""
    verdict = await verify(session, CITY, trusted=TRUSTED, **more)
    assert verdict.breach is not None, "nothing was found"
    return verdict.breach.kind, verdict.breach.number, verdict.breach.row_id


async def test_an_untouched_chain_is_whole_and_says_what_a_head_covers(
    session: AsyncSession,
) -> None:
    verdict: Proof = await verify(session, CITY, trusted=TRUSTED)
    assert (verdict.breach, verdict.chain.number, verdict.waiting) == (None, LINKS, 0)
    assert verdict.chain.last_signed is not None
    assert verdict.chain.last_signed.number == SIGNED
    assert [one.number for one in await all_heads(session, CITY)] == [SIGNED]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_row_altered_in_any_column_is_named(shared: Database, data: st.DataObject) -> None:
    async with shared.sessions() as session:
        link = data.draw(st.sampled_from(await links(session)))
        kind: LinkKind = link.kind
        column = data.draw(st.sampled_from(COLUMNS_OF[kind]))
        other = _OTHER_VALUE.get(column, f"coalesce({column}, '') || '\u200b'")
        if column in {"actor", "data"}:
            other = data.draw(st.sampled_from(_OTHER_OF_JSON)).format(column)
        changed = await session.scalar(
            text(
                f"WITH before AS (SELECT {column} AS value FROM {_TABLE[kind]} WHERE id = :id)"
                f" UPDATE {_TABLE[kind]} e SET {column} = {other} FROM before WHERE e.id = :id"
                f" RETURNING CAST(before.value AS text) <> CAST(e.{column} AS text)"
                " OR before.value IS NULL"
            ),
            {"id": link.row_id},
        )
        if changed:
            gone = column in {"id", "city_code"}
            assert await told(session) == (
                "removed" if gone else "altered", link.number, link.row_id
            )  # fmt: skip
        await session.rollback()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_link_altered_in_any_column_is_named(shared: Database, data: st.DataObject) -> None:
    async with shared.sessions() as session:
        link = data.draw(st.sampled_from(await links(session)))
        column = data.draw(st.sampled_from(["row_id", "position", "row_digest", "digest"]))
        other = {
            "row_id": "CAST('019aafc0-0000-7000-8000-00000000ffff' AS uuid)",
            "position": "position + 1",
        }.get(column, f"set_byte({column}, {data.draw(st.integers(0, 31))}, 7)")
        changed = await session.scalar(
            text(
                f"UPDATE audit_link SET {column} = {other} WHERE number = :number"
                f" RETURNING CAST({column} AS text) <> :before"
            ),
            {"number": link.number, "before": _as_text(getattr(link, column))},
        )
        if changed:
            kind, number, _ = await told(session)
            assert (kind, number) == ("link", link.number)
        await session.rollback()


def _as_text(value: Any) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("number", [1, 6, SIGNED, LINKS])
async def test_a_row_that_is_deleted_is_named(session: AsyncSession, number: int) -> None:
    link = (await links(session))[number - 1]
    await session.execute(
        text(f"DELETE FROM {_TABLE[link.kind]} WHERE id = :id"), {"id": link.row_id}
    )
    assert await told(session) == ("removed", number, link.row_id)


async def test_a_link_that_is_deleted_is_named(session: AsyncSession) -> None:
    await session.execute(text("DELETE FROM audit_link WHERE number = 4"))
    assert await told(session) == ("removed", 4, None)


@pytest.mark.parametrize(("one", "other"), [(1, 2), (6, 9), (3, 13)])
async def test_rows_that_are_swapped_are_named(session: AsyncSession, one: int, other: int) -> None:
    ids = {link.number: (link.kind, link.row_id) for link in await links(session)}
    (kind, first), (same, second) = ids[one], ids[other]
    if kind != same:
        pytest.fail("rows of one table are swapped")
    spare = "019aafc0-0000-7000-8000-00000000ffff"
    for old, new in ((first, spare), (second, first), (spare, second)):
        await session.execute(
            text(f"UPDATE {_TABLE[kind]} SET id = :new WHERE id = :old"), {"old": old, "new": new}
        )
    assert await told(session) == ("swapped", one, first)


async def test_links_that_are_swapped_are_named(session: AsyncSession) -> None:
    first = (await links(session))[6].row_id
    for old, new in ((7, -1), (9, 7), (-1, 9)):
        await session.execute(
            text("UPDATE audit_link SET number = :new WHERE number = :old"),
            {"old": old, "new": new},
        )
    assert await told(session) == ("swapped", 7, first)


async def test_numbers_of_the_log_that_are_swapped_are_named(session: AsyncSession) -> None:
    first = next(link for link in await links(session) if link.position == 2)
    for old, new in ((2, -1), (3, 2), (-1, 3)):
        await session.execute(
            text("UPDATE event_position SET position = :new WHERE position = :old"),
            {"old": old, "new": new},
        )
    assert await told(session) == ("swapped", first.number, first.row_id)


@pytest.mark.parametrize("table", ["event", "audit_entry"])
async def test_a_row_that_is_added_is_named(session: AsyncSession, table: str) -> None:
    added = "019aafc0-0000-7000-8000-00000000ffff"
    await session.execute(
        text(f"CREATE TEMPORARY TABLE made ON COMMIT DROP AS SELECT * FROM {table} LIMIT 1;")
    )
    await session.execute(text("UPDATE made SET id = :id"), {"id": added})
    await session.execute(text(f"INSERT INTO {table} SELECT * FROM made"))
    kind, number, row_id = await told(session)
    assert (kind, number, str(row_id)) == ("added", None, added)


async def _cut(session: AsyncSession, number: int) -> None:
    """Cut everything off after a link, as whoever owns the database can."""
    last = (await links(session))[number - 1]
    for statement in (
        "DELETE FROM event USING audit_link l WHERE row_id = id AND number > :number",
        "DELETE FROM audit_entry USING audit_link l WHERE row_id = id AND number > :number",
        "DELETE FROM event_position p WHERE NOT EXISTS (SELECT FROM event WHERE id = p.event_id)",
        "UPDATE log_head SET position = (SELECT count(*) FROM event_position)",
        "UPDATE reader_cursor SET position = (SELECT count(*) FROM event_position)",
        "DELETE FROM audit_link WHERE number > :number",
    ):
        given = {"number": number} if ":number" in statement else {}
        await session.execute(text(statement), given)
    await session.execute(
        text("UPDATE audit_head SET number = :number, digest = :digest"),
        {"number": number, "digest": last.digest},
    )


async def test_a_chain_that_is_cut_behind_a_signed_head_is_named(session: AsyncSession) -> None:
    await _cut(session, SIGNED - 1)
    assert await told(session) == ("cut", SIGNED, None)


async def test_a_chain_that_is_cut_after_the_signed_head_is_found_by_one_noted_elsewhere(
    session: AsyncSession,
) -> None:
    noted = await chain_head(session, CITY)
    assert noted is not None
    await _cut(session, SIGNED)
    assert (await verify(session, CITY, trusted=TRUSTED)).breach is None
    assert await told(session, noted=[noted]) == ("cut", SIGNED + 1, None)
    assert await told(session, noted=[ChainHead(3, noted.digest)]) == ("head", 3, None)


async def test_links_cut_off_without_their_head_are_named(session: AsyncSession) -> None:
    await session.execute(text("DELETE FROM audit_link WHERE number > 12"))
    assert await told(session) == ("cut", 13, None)


@pytest.mark.parametrize(
    "change",
    [
        "number = number - 1",
        "digest = set_byte(digest, 3, 7)",
        "kept_from = '019aafc0-0000-7000-8000-00000000ffff'",
        "day = day - 1",
        "made_at = made_at + interval '1 second'",
        "signature = set_byte(signature, 9, 7)",
        "public_key = set_byte(public_key, 9, 7)",
    ],
)
async def test_a_signed_head_that_is_altered_is_named(session: AsyncSession, change: str) -> None:
    await session.execute(text(f"UPDATE audit_checkpoint SET {change}"))
    kind, number, _ = await told(session)
    assert (kind, number) == ("head", SIGNED - ("number" in change))


async def test_whoever_makes_the_whole_chain_anew_has_no_key_to_sign_it(
    session: AsyncSession,
) -> None:
    verdict = await verify(session, CITY, trusted=frozenset({bytes(32)}))
    assert verdict.breach is not None
    assert (verdict.breach.kind, verdict.breach.number) == ("head", SIGNED)


_REMADE = {
    "unsigned": "UPDATE audit_checkpoint SET digest = :digest, signature = NULL, public_key = NULL",
    "without heads": "DELETE FROM audit_checkpoint",
}


@pytest.mark.parametrize("heads", _REMADE)
async def test_a_chain_that_is_made_anew_without_signatures_is_no_better(
    session: AsyncSession, heads: str
) -> None:
    await session.execute(
        text(
            "UPDATE audit_entry SET data = data || CAST('{\"forged\": true}' AS jsonb)"
            " WHERE subject_id = 'key 0'"
        )
    )
    for table in _TABLE.values():
        await session.execute(
            text(
                f"UPDATE {table} SET occurred_at = occurred_at - interval '3 days'"
                " WHERE id = (SELECT row_id FROM audit_link WHERE number = 1)"
            )
        )
    digests = await made_anew(session)
    await session.execute(text(_REMADE[heads]), {"digest": digests[SIGNED - 1]})
    assert (await verify(session, CITY)).breach is None, "nobody is trusted to have signed it"
    assert await told(session) == ("unsigned", SIGNED if heads == "unsigned" else None, None)


async def made_anew(session: AsyncSession) -> list[bytes]:
    """Write every link anew over the rows as they are, as whoever owns the tables can."""
    digest, digests = NO_LINK, []
    rows = [one async for some in whole_chain(session, CITY) for one in some]
    for one in rows:
        assert one.row is not None
        link = one.link._replace(row_digest=sm3(one.row))
        digest = link_digest(CITY, digest, link)
        digests.append(digest)
        await session.execute(
            text(
                "UPDATE audit_link SET row_digest = :row, digest = :digest WHERE number = :number"
            ),
            {"row": link.row_digest, "digest": digest, "number": link.number},
        )
    await session.execute(text("UPDATE audit_head SET digest = :digest"), {"digest": digest})
    return digests


async def test_a_chain_of_its_first_days_may_have_no_head_yet(session: AsyncSession) -> None:
    await session.execute(text("DELETE FROM audit_checkpoint"))
    assert (await verify(session, CITY, trusted=TRUSTED)).breach is None


async def test_what_is_hashed_is_the_text_that_jsonb_has(session: AsyncSession) -> None:
    seen = 0
    async for rows in whole_chain(session, CITY):
        for one in rows:
            assert one.row is not None
            said = one.row.decode()
            same = await session.scalar(text("SELECT CAST(CAST(:t AS jsonb) AS text)"), {"t": said})
            assert same == said
            assert canonical_text(said) == said
            seen += 1
    assert seen == LINKS


_TEXT = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]))
_NUMBER = "<number>"
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(-(10**9), 10**9, places=3).map(lambda one: f"{_NUMBER}{one}{_NUMBER}")
    | _TEXT,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(_TEXT, each),
    max_leaves=12,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.dictionaries(st.sampled_from(["a", "bb", "列", "zz", "ccc"]), _JSON))
async def test_whoever_has_a_row_as_json_makes_the_same_bytes(
    shared: Database, value: dict[str, Any]
) -> None:
    said = json.dumps(value, ensure_ascii=False)
    said = said.replace(f'"{_NUMBER}', "").replace(f'{_NUMBER}"', "")
    async with shared.sessions() as session:
        kept = await session.scalar(text("SELECT CAST(CAST(:t AS jsonb) AS text)"), {"t": said})
    assert canonical_text(said) == kept
