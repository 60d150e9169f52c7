"""Checks the work: workers, readers that are behind, queues, and what needs a person soon."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.doctor.apps import apps
from services.console.doctor.findings import Finding
from services.console.doctor.partners import partners
from services.console.doctor.parts import parts
from services.console.doctor.sealing import sealing
from services.console.doctor.servers import judged_clock
from services.core.calendars.queries import cities_without
from services.core.calendars.rules import CALENDAR, NOTICE_MONTH, TIME_ZONE
from services.core.connectors.queries import connector_queues
from services.core.connectors.use import ConnectorQueue, total_of
from services.core.events.queries import SILENT_AFTER, Beat, log_standing, worker_beats
from services.core.followers import READERS
from services.core.identity.queries import city_codes, keys_expiring
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.core.kit.ids import made_at
from services.core.kit.operations import unfinished
from services.core.kit.sealing import Seal
from services.core.kit.text import Text
from services.core.webhooks.queue_stats import longest_unattended, queue_stats

_BEHIND_AFTER = timedelta(seconds=60)
_LONG_BEGUN = timedelta(hours=1)
_EXPIRES_WITHIN = timedelta(days=14)
_NAMED = 5
"""Most items that are named; the rest are counted."""


async def work(url: str, seal: Seal | None = None) -> AsyncIterator[Finding]:
    """Yield the findings on a database's work; `seal` unseals connectors' secrets."""
    async with (
        connect(url, size=1, application_name="wufei-doctor") as database,
        database.sessions() as session,
    ):
        for finding in _workers(await worker_beats(session)):
            yield finding
        yield await _log(session)
        async for finding in _webhooks(session):
            yield finding
        yield await _connectors(session)
        yield await _operations(session)
        yield await _keys(session)
        yield await sealing(session, seal)
        yield await _calendar(session)
        yield await partners(session)
        yield await apps(session)
        yield await parts(session)


def _workers(heard: Sequence[Beat]) -> Iterator[Finding]:
    """Tell running workers from those that are gone or stuck, by their heartbeats."""
    start = Text("启动 worker：wufei worker", "start a worker: `wufei worker`")
    if not heard:
        said = Text("这里从来没有 worker 工作过", "no worker was ever at work here")
        yield Finding("work goes on", said, good=False, todo=start)
        return
    now = Clock.true_now()
    at_work = [one for one in heard if now - one.at < SILENT_AFTER]
    seconds = max(0.0, (now - heard[0].at).total_seconds())
    said = Text(
        f"{len(at_work)} 个在工作，上次有动静是 {seconds:.0f} 秒前",
        f"{len(at_work)} at work, the last sign of it {seconds:.0f} s ago",
    )
    yield Finding("work goes on", said, good=bool(at_work), todo=None if at_work else start)
    ahead = [one.clock_ahead_seconds for one in at_work if one.clock_ahead_seconds is not None]
    worst = max(ahead, key=abs, default=0.0)
    told = Text(
        f"一个 worker 的时钟比数据库快 {worst:.1f} 秒",
        f"a worker's clock is {worst:.1f} s before the database's",
    )
    finding = judged_clock(told, worst)
    if finding.todo is not None:
        yield finding


async def _log(session: AsyncSession) -> Finding:
    standing = await log_standing(session, readers=READERS)
    now = Clock.true_now()
    late = {
        reader: made_at(behind.oldest)
        for reader, behind in standing.behind.items()
        if now - made_at(behind.oldest) > _BEHIND_AFTER
    }
    if not late:
        said = Text(
            f"{standing.position} 个事件，没有谁落后一分钟",
            f"{standing.position} events, and nobody is a minute behind",
        )
        return Finding("log", said)
    names = sorted(late, key=lambda reader: late[reader])
    zh = "、".join(f"{one} 自 {_instant(late[one])}" for one in names)
    en = ", ".join(f"{one} since {_instant(late[one])}" for one in names)
    todo = Text(
        "没有 worker 在工作则启动它；否则在 worker 的日志中找 `reader stuck`，"
        "它写明城市、事件和原因",
        "start a worker where none is at work; otherwise look for `reader stuck` in its log: it"
        " names the city, the event and the cause",
    )
    return Finding("log", Text(f"落后：{zh}", f"behind: {en}"), good=False, todo=todo)


async def _webhooks(session: AsyncSession) -> AsyncIterator[Finding]:
    standing = await queue_stats(session)
    due, waiting = sum(one.due for one in standing), sum(one.queued for one in standing)
    unattended = await longest_unattended(session)
    said = Text(f"{waiting} 个在等，{due} 个到期", f"{waiting} wait, {due} of them are due")
    if unattended is not None and unattended > _BEHIND_AFTER.total_seconds():
        for_long = Text(
            f"{said.zh}；最久的到期 {unattended:.0f} 秒而无人处理",
            f"{said.en}; the longest for {unattended:.0f} s, and nobody attends to it",
        )
        todo = Text(
            "把 WUFEI_SECRET_KEY 给一个 worker；在它的日志中找 `webhook sending off` 和"
            " `work failed`",
            "give a worker WUFEI_SECRET_KEY; look for `webhook sending off` and `work failed` in"
            " its log",
        )
        yield Finding("deliveries", for_long, good=False, todo=todo)
    else:
        yield Finding("deliveries", said)
    states = Counter(one.state for one in standing)
    disabled = [str(one.endpoint_id) for one in standing if one.state == "disabled"]
    told = Text(
        f"{len(standing)} 个，{states['failing']} 个在失败，{len(disabled)} 个停用",
        f"{len(standing)}, {states['failing']} of them failing, {len(disabled)} disabled",
    )
    if not disabled:
        yield Finding("endpoints", told)
        return
    named, more = ", ".join(disabled[:_NAMED]), " …" if len(disabled) > _NAMED else ""
    todo = Text(
        "看 state_reason，修好接收方，再 POST …/enable 和 …/replay",
        "read `state_reason`, mend the receiver, then POST …/enable and …/replay",
    )
    seen = Text(f"{told.zh}：{named}{more}", f"{told.en}: {named}{more}")
    yield Finding("endpoints", seen, reminds=True, todo=todo)


async def _connectors(session: AsyncSession) -> Finding:
    """Check the reporting to superiors, and say so if no platform is provisioned."""
    queues: list[ConnectorQueue] = []
    for city_code in await city_codes(session):
        with in_city(city_code):
            queues += await connector_queues(session, city_code)
    ready = [one for one in queues if one.provisioned]
    if not ready:
        said = Text(
            f"{len(queues)} 个上报通道；尚未开通任何上级平台，包括郑州市平台",
            f"{len(queues)} connectors; no superior's platform is provisioned, Zhengzhou's neither",
        )
        return Finding("reports", said)
    numbers = total_of(queues)
    told = Text(
        f"{len(queues)} 个上报通道，{len(queues) - len(ready)} 个尚未开通；"
        f"{sum(one.waiting for one in queues)} 条在等，{numbers.get('unmapped', 0)} 条缺少代码，"
        f"{numbers.get('refused', 0)} 条被退回，{numbers.get('failed', 0)} 条没有答复",
        f"{len(queues)} connectors, {len(queues) - len(ready)} of them unprovisioned;"
        f" {sum(one.waiting for one in queues)} wait, {numbers.get('unmapped', 0)} lack a code,"
        f" {numbers.get('refused', 0)} were refused, {numbers.get('failed', 0)} never answered",
    )
    closed = [one.name for one in queues if one.state_reason in {"failing", "gone"}]
    refused = [one for one in queues if one.secret_refused_since is not None]
    if refused:
        return _secret_refused(told, refused)
    lacking = any(numbers.get(one) for one in ("unmapped", "refused", "failed"))
    if not closed and not lacking:
        return Finding("reports", told)
    named = "".join(f"; {name}" for name in closed[:_NAMED])
    todo = Text(
        "看 GET /v1/connectors/{id}/items?state=…；补映射，或 POST …/items/retry；"
        "停用的修好后 enable",
        "read GET /v1/connectors/{id}/items?state=…; add codes, or POST …/items/retry; enable what"
        " was closed once it is mended",
    )
    seen = Text(f"{told.zh}{named}", f"{told.en}{named}")
    return Finding("reports", seen, reminds=True, todo=todo)


def _secret_refused(told: Text, refused: Sequence[ConnectorQueue]) -> Finding:
    """Name superiors that accept only the former secret, which ends soon."""
    names = [(one.name, one.secret_refused_since) for one in refused[:_NAMED]]
    since = [(name, _instant(at)) for name, at in names if at is not None]
    zh = "、".join(f"{name} 自 {at}" for name, at in since)
    en = ", ".join(f"{name} since {at}" for name, at in since)
    todo = Text(
        "核对新密钥：可能录入有误，或上级尚未更换；在旧密钥失效之前再 POST …/rotate-secret",
        "see whether the new secret was mistyped, or the superior has not changed over; POST"
        " …/rotate-secret again before the former one ends",
    )
    seen = Text(f"{told.zh}；不接受新密钥：{zh}", f"{told.en}; the new secret is refused: {en}")
    return Finding("reports", seen, reminds=True, todo=todo)


async def _operations(session: AsyncSession) -> Finding:
    before = Clock.true_now() - _LONG_BEGUN
    names = []
    for city_code in await city_codes(session):
        with in_city(city_code):
            begun = await unfinished(session, city_code, before=before)
        names += [f"{one.kind} {one.id} ({city_code}, {one.state})" for one in begun]
    if not names:
        said = Text("没有超过一小时未完成的", "none has been unfinished for an hour")
        return Finding("operations", said)
    named, more = ", ".join(names[:_NAMED]), " …" if len(names) > _NAMED else ""
    said = Text(
        f"{len(names)} 个一小时以前开始而未完成：{named}{more}",
        f"{len(names)} begun over an hour ago and unfinished: {named}{more}",
    )
    todo = Text(
        "先看 worker 是否在工作、日志是否落后；不再需要的可以取消",
        "see first whether a worker is at work and follows the log; cancel what nobody needs",
    )
    return Finding("operations", said, reminds=True, todo=todo)


async def _keys(session: AsyncSession) -> Finding:
    now = Clock.true_now()
    soon = []
    for city_code in await city_codes(session):
        with in_city(city_code):
            ending = await keys_expiring(session, city_code, now=now, before=now + _EXPIRES_WITHIN)
        soon += [
            f"{one.name} ({one.role}, {city_code}) {_instant(one.expires_at or now)}"
            for one in ending
        ]
    if not soon:
        return Finding("keys", Text("两周之内没有到期的", "none expires within two weeks"))
    named, more = ", ".join(soon[:_NAMED]), " …" if len(soon) > _NAMED else ""
    said = Text(f"{len(soon)} 个即将到期：{named}{more}", f"{len(soon)} expire soon: {named}{more}")
    todo = Text(
        "另做一个交给持有人：POST /v1/api-keys，或 wufei key create",
        "give its holder another one: POST /v1/api-keys, or `wufei key create`",
    )
    return Finding("keys", said, reminds=True, todo=todo)


async def _calendar(session: AsyncSession) -> Finding:
    """Check that next year's working days are loaded; from November on it is time to do so."""
    today = Clock().today(TIME_ZONE)
    lacking = await cities_without(session, CALENDAR, today.year + 1)
    if not lacking or today.month < NOTICE_MONTH:
        said = Text(f"{CALENDAR} 不缺通知", f"{CALENDAR} awaits no notice")
        return Finding("calendar", said)
    said = Text(f"{CALENDAR} 缺 {today.year + 1} 年", f"{CALENDAR} lacks {today.year + 1}")
    todo = Text(
        "载入年度通知，见 docs/operations.zh-CN.md",
        "load the yearly notice, see docs/operations.md",
    )
    return Finding("calendar", said, reminds=True, todo=todo)


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
