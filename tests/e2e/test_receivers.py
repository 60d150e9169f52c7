"""The receivers of docs/integrators/: what they take, what they refuse, what they remember."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st

from services.console.receiver_check.deliveries import Delivery, Maker
from services.core.webhooks.signing import SigningKey, new_key, read_key
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.owner import as_owner
from tests.support.receivers import (
    LANGUAGES,
    Program,
    in_each_language,
    program,
    ran,
    sample,
    serving,
)

FIRST = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "1614265330",
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    b'{"test": 2432232314}',
)
SECOND = (
    "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
    "1649367553",
    "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    b'{"email":"test@example.com","username":"test_user"}',
)
FOURTH = (
    "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    *FIRST[1:3],
    (
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFy"
        "mVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    ),
    FIRST[4],
)

SECRET = FIRST[0]
SYMMETRIC = read_key(SECRET) or new_key("v1")
ASYMMETRIC = new_key("v1a")
OLDER = new_key("v1")
KEYS = f"{SECRET} {ASYMMETRIC.public_text} {OLDER.text}"


async def sent(url: str, delivery: Delivery) -> int:
    """Post a delivery; return the status of the answer."""
    headers = [(name.encode(), value) for name, value in delivery.headers.items()]
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(url, content=delivery.body, headers=headers)
    return answer.status_code


def id_of(delivery: Delivery) -> str:
    return delivery.headers["webhook-id"].decode()


@in_each_language
async def test_published_vectors(language: str, tmp_path: Path) -> None:
    for secret, *headers, body in (FIRST, SECOND, FOURTH):
        code, printed = await ran(
            *(language, "verify", *headers),
            folder=tmp_path,
            given=body,
            settings={"WUFEI_WEBHOOK_SECRET": secret},
        )
        assert (code, printed[:19]) == (0, "the signature fits;"), printed


@in_each_language
async def test_a_space_less_and_the_vector_does_not_fit(language: str, tmp_path: Path) -> None:
    secret, *headers, body = FIRST
    code, printed = await ran(
        *(language, "verify", *headers),
        folder=tmp_path,
        given=body.replace(b" ", b""),
        settings={"WUFEI_WEBHOOK_SECRET": f"{FOURTH[0]} {secret}"},
    )
    assert (code, printed) == (1, "refused 401 no signature fits\n")


@in_each_language
@pytest.mark.parametrize("secret", ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2VzYW1l"])
async def test_what_is_no_secret_is_said_and_not_shown(
    language: str, secret: str, tmp_path: Path
) -> None:
    code, printed = await ran(
        *(language, "serve", "--port", "0"),
        folder=tmp_path,
        settings={"WUFEI_WEBHOOK_SECRET": secret},
    )
    assert code == 1
    assert "whsec_…" in printed or "WUFEI_WEBHOOK_SECRET" in printed
    assert not secret or secret not in printed


@pytest.fixture(scope="module", params=LANGUAGES)
async def receiver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Program]:
    """A receiver in each language that knows three secrets, for the tests that can share it."""
    folder = tmp_path_factory.mktemp("receiver")
    async with serving(request.param, folder, settings={"WUFEI_WEBHOOK_SECRET": KEYS}) as started:
        yield started


@pytest.mark.parametrize("key", [SYMMETRIC, ASYMMETRIC], ids=["v1", "v1a"])
async def test_what_wufei_signs_is_taken_once(receiver: Program, key: SigningKey) -> None:
    maker = Maker(key)
    first = maker.delivery("submission.approved")
    attempts = [
        first,
        maker.again(first, key, offset=-299),
        maker.again(first, new_key(key.kind), key),
        maker.again(first, key, new_key(key.kind)),
    ]
    assert [await sent(receiver.url, one) for one in attempts] == [204] * 4
    await receiver.says(f"repeated id={id_of(first)}", times=3)
    told = receiver.said(rf"handled position=\d+ type=submission\.approved id={id_of(first)}")
    assert len(told) == 1


async def test_each_of_the_secrets_it_knows_will_do(receiver: Program) -> None:
    maker = Maker(SYMMETRIC)
    for keys in ([OLDER], [SYMMETRIC, OLDER], [OLDER, new_key("v1")], [new_key("v1"), ASYMMETRIC]):
        assert await sent(receiver.url, maker.again(maker.delivery(), *keys)) == 204


async def test_what_is_not_right_is_refused(receiver: Program) -> None:
    maker = Maker(SYMMETRIC)
    right = maker.delivery()
    refused = [
        (400, maker.delivery(offset=-310)),
        (400, maker.delivery(offset=310)),
        (400, maker.of(b'{"type": "webhook.test"}')),
        (400, maker.of(right.body)),
        (400, maker.of(b"[" * 20_000)),
        (400, maker.of(b'{"data": {"position": 1e999999999}}')),
        (401, replace(right, body=right.body.replace(b":", b": ", 1))),
        (401, maker.again(right, new_key("v1"))),
        (401, right.signed_as(None)),
        (401, right.signed_as(b"v2" + right.signature[2:])),
        (401, right.signed_as(b"v1," * 33 + b" " + right.signature[:-1])),
    ]
    for status, delivery in refused:
        assert await sent(receiver.url, delivery) == status, delivery.body[:40]
    async with httpx.AsyncClient() as client:
        assert (await client.get(receiver.url)).status_code == 405
    assert await sent(receiver.url, right) == 204
    await receiver.says(f"handled .* id={id_of(right)}")


async def test_a_body_without_end_is_not_read(receiver: Program) -> None:
    large = replace(Maker(SYMMETRIC).delivery(), body=bytes(1024 * 1024 + 1))
    # It may break off before it was sent what is refused.
    with suppress(httpx.ReadError, httpx.WriteError):
        assert await sent(receiver.url, large) == 413
    await receiver.says("refused 413 the body is too large")


_header = (
    st.binary(max_size=60).map(lambda raw: bytes(one for one in raw if one > 0x20)) | st.none()
)


async def test_no_header_brings_it_down(receiver: Program) -> None:
    maker = Maker(SYMMETRIC)

    @settings(max_examples=40)
    @given(st.sampled_from(["id", "timestamp", "signature"]), _header)
    def statuses(name: str, value: bytes | None) -> None:
        delivery = maker.delivery().with_(f"webhook-{name}", value)
        headers = [(key.encode(), kept) for key, kept in delivery.headers.items()]
        answer = httpx.post(receiver.url, content=delivery.body, headers=headers)
        assert answer.status_code in {400, 401}

    await asyncio.to_thread(statuses)
    assert await sent(receiver.url, maker.delivery()) == 204


async def test_what_comes_late_is_told_so(receiver: Program) -> None:
    one, other = Maker(SYMMETRIC), Maker(SYMMETRIC)
    for maker, position in ((one, 109), (one, 108), (other, 107), (one, 110)):
        await sent(receiver.url, maker.delivery(position=position))
    await receiver.says("handled position=1[01][0-9] .*", times=4)
    told = receiver.said("handled position=1[01][0-9] .*")
    assert [line.endswith(" late") for line in told] == [False, True, False, False]


@in_each_language
async def test_what_was_handled_is_known_after_a_restart(language: str, tmp_path: Path) -> None:
    maker = Maker(SYMMETRIC)
    new, old = maker.delivery(position=3), maker.delivery(position=2)
    async with serving(language, tmp_path, settings={"WUFEI_WEBHOOK_SECRET": SECRET}) as receiver:
        assert await sent(receiver.url, new) == 204
    async with serving(language, tmp_path, settings={"WUFEI_WEBHOOK_SECRET": SECRET}) as receiver:
        assert [await sent(receiver.url, one) for one in (new, old)] == [204, 204]
        await receiver.says(f"repeated id={id_of(new)}")
        await receiver.says(rf"handled position=2 .* id={id_of(old)} late")


def test_what_could_not_be_handled_is_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sample()
    ledger = module.Ledger(str(tmp_path / "receiver.db"))
    delivery = Maker(SYMMETRIC).delivery(position=5)
    event = module.read_delivery(id_of(delivery), delivery.body)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the customer's database is away")

    with monkeypatch.context() as changed:
        changed.setattr(module, "handle", broken)
        with pytest.raises(RuntimeError):
            ledger.take(event)
    assert [ledger.take(event), ledger.take(event)] == [True, False]
    ledger.close()


def test_only_so_many_ids_are_remembered(tmp_path: Path) -> None:
    module = sample()
    ledger = module.Ledger(str(tmp_path / "receiver.db"), most=3)
    deliveries = [Maker(SYMMETRIC).delivery() for _ in range(5)]
    events = [module.read_delivery(id_of(one), one.body) for one in deliveries]
    assert all(ledger.take(event) for event in events)
    assert [ledger.take(event) for event in reversed(events)] == [False] * 3 + [True] * 2
    ledger.close()


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API at work on the module's database."""
    async with open_door(module_database_url) as opened:
        yield opened


@asynccontextmanager
async def listening(door: Door) -> AsyncIterator[str]:
    """Let the API listen on this machine; yield its address."""
    server = uvicorn.Server(
        uvicorn.Config(
            door.app, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=0
        )
    )
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


_periods = (f"2021-{month:02}" for month in range(1, 13))


async def _report(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as clerk:
        made = await clerk.post(
            f"/plans/{XINMI}/submissions", json=a_submission(period=next(_periods))
        )
    assert made.status_code == 201, made.text
    await door.react()


async def _feed(door: Door) -> list[tuple[int, str]]:
    async with await door.as_("office") as office:
        answer = (await office.get("/events", params={"limit": 1000})).json()
    return [(item["position"], item["id"]) for item in answer["items"]]


@in_each_language
async def test_it_catches_up_by_the_feed(language: str, door: Door, tmp_path: Path) -> None:
    await _report(door)
    events = await _feed(door)
    position, known = events[-1]
    async with listening(door) as url:
        reading = {"WUFEI_URL": f"{url}/", "WUFEI_KEY": await door.new_key("office")}
        reading["WUFEI_WEBHOOK_SECRET"] = SECRET
        code, printed = await ran(language, "catch-up", folder=tmp_path, settings=reading)
        assert code == 0, printed
        told = [line.split(" ") for line in printed.splitlines()[:-1]]
        seen = [(int(line[1].partition("=")[2]), line[3].partition("=")[2]) for line in told]
        assert seen == events
        assert printed.splitlines()[-1] == f"feed read to position={position}"
        again = await ran(language, "catch-up", folder=tmp_path, settings=reading)
        assert again == (0, f"feed read to position={position}\n")
        async with serving(language, tmp_path, reading) as receiver:
            assert await sent(receiver.url, _as_delivery(known, position)) == 204
            await receiver.says(f"repeated id={known}")


def _as_delivery(event_id: str, position: int) -> Delivery:
    """Return what a webhook would bring of an event of the feed."""
    maker = Maker(SYMMETRIC)
    message = json.loads(maker.delivery().body)
    message["data"] |= {"id": event_id, "position": position}
    return maker.of(json.dumps(message).encode(), message_id=event_id)


@in_each_language
async def test_it_follows_the_feed(language: str, door: Door, tmp_path: Path) -> None:
    await _report(door)
    events = await _feed(door)
    async with listening(door) as url:
        reading = {"WUFEI_URL": url, "WUFEI_KEY": await door.new_key("office")}
        async with program(
            language, "catch-up", "--follow", folder=tmp_path, settings=reading
        ) as follower:
            await follower.says("handled .*", times=len(events))
            submitted = r"handled .* type=submission\.submitted .*"
            known = len(follower.said(submitted))
            await _report(door)
            await follower.says(submitted, times=known + 1)


@in_each_language
async def test_it_says_what_the_feed_has_no_more(language: str, door: Door, tmp_path: Path) -> None:
    await _report(door)
    held = door.held
    events = await _feed(door)
    oldest = events[-1][0] + 1
    door.app.state.resources = replace(held, feed_kept=timedelta())
    try:
        async with listening(door) as url:
            reading = {"WUFEI_URL": url, "WUFEI_KEY": await door.new_key("office")}
            printed = await ran(language, "catch-up", folder=tmp_path, settings=reading)
    finally:
        door.app.state.resources = held
    gap = f"feed gap: nothing before position={oldest} is kept; copy anew\n"
    assert printed == (0, f"{gap}feed read to position={oldest - 1}\n")


@in_each_language
async def test_it_begins_anew_where_the_ledger_was_restored_from_an_older_backup(
    language: str, door: Door, tmp_path: Path
) -> None:
    await _report(door)
    events = await _feed(door)
    async with listening(door) as url:
        reading = {"WUFEI_URL": url, "WUFEI_KEY": await door.new_key("office")}
        read = await ran(language, "catch-up", folder=tmp_path, settings=reading)
        await _lose_last(door, 2)
        kept = events[-1][0] - 2
        printed = await ran(language, "catch-up", folder=tmp_path, settings=reading)
        again = await ran(language, "catch-up", folder=tmp_path, settings=reading)
    assert read[1].endswith(f"feed read to position={kept + 2}\n")
    gap = f"feed gap: nothing before position={kept + 1} is kept; copy anew\n"
    assert printed == (0, f"{gap}feed read to position={kept}\n")
    assert again == (0, f"feed read to position={kept}\n")


async def _lose_last(door: Door, number: int) -> None:
    """Leave the log as a backup has it that was taken before the last of its events."""
    pool = door.held.database.pool
    head = "UPDATE log_head SET position = position - $1 RETURNING position"
    left = await pool.fetchval(head, number)
    dsn = door.held.database.dsn
    await as_owner(dsn, "DELETE FROM event_position WHERE position > $1", left)
