"""`wufei webhook check`: tests whether a receiver accepts valid deliveries and refuses others."""

import asyncio
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence

from rich.cells import set_cell_size

from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.console.receiver_check.cases import Expected, cases
from services.console.receiver_check.deliveries import Maker
from services.console.receiver_check.player import Answer, Failure, Result, open_player
from services.core.kit.text import Language, Text
from services.core.webhooks.addresses import TargetUrl, read_url
from services.core.webhooks.signing import SigningKey, read_key

SECRET = "WUFEI_WEBHOOK_SECRET"  # noqa: S105 (the variable's name)

_MOST_TIMEOUTS = 3
_CLOCKS_APART = 5
_SERVER_ERROR = 500
_REDIRECT = range(300, 400)

_EXPECTED: dict[Expected, Text] = {
    "taken": Text("2xx", "2xx"),
    "refused": Text("4xx", "4xx"),
    "answered": Text("2xx 或 4xx", "2xx or 4xx"),
}
_FAILURES: dict[Failure, Text] = {
    "timeout": Text("没有及时回答", "no answer in time"),
    "connect": Text("连接不上", "no connection"),
    "tls": Text("证书不可信", "no trusted connection"),
    "cut": Text("连接中断", "the connection is cut"),
}
_MEANS: dict[Failure, Text] = {
    "timeout": Text(
        "须在 15 秒内回答：先保存并回 2xx，再慢慢处理",
        "answer within 15 s: keep the event, answer 2xx, and work it off afterwards",
    ),
    "connect": Text(
        "没有程序在监听，或被防火墙挡住", "nothing listens there, or a firewall is between"
    ),
    "tls": Text(
        "核对证书的域名、有效期和签发机构（--ca-file）",
        "check the certificate's names, its dates and who issued it (--ca-file)",
    ),
    "cut": Text(
        "接收方没有回答就断开了连接：多半是程序出错",
        "the receiver broke the connection without an answer: it probably failed",
    ),
}
_REDIRECTED = Text(
    "不跟随重定向：登记最终地址", "redirects are not followed: register the final URL"
)
_CLOSED = Text(
    "410 会立即停用端点并取消等待的投递：只在不再需要时使用",
    "410 disables the endpoint at once and cancels what waits: for the end of it only",
)
_BROKE = Text("接收方自己出错了，看它的日志", "the receiver failed by itself: see its log")
_TRIPPED = Text(
    "伪造或读不懂的应回 400 或 401，接收方却出错了",
    "it fails at what is to be refused with 400 or 401",
)
_LATER = Text("接收方要求稍后再来：无法判断", "it asks to come again later: nothing can be said")


def check(arguments: Namespace) -> int:
    """Run every case against a receiver, print its result; 1 if one is wrong."""
    target = read_url(arguments.url)
    if not isinstance(target, TargetUrl):
        raise ConsoleError(f"this is no URL of a receiver ({target})")
    language: Language = arguments.language or terminal_language()
    print(Text("接收方 {url}", "Receiver {url}").format(url=target.shown).in_(language))
    return asyncio.run(_check(arguments, _key(arguments.secret), language))


async def _check(arguments: Namespace, key: SigningKey, language: Language) -> int:
    results: list[Result] = []
    maker = Maker(key)
    async with open_player(
        arguments.url, seconds=arguments.timeout, ca_file=arguments.ca_file
    ) as player:
        for case in cases(key):
            results.append(await player.play(case, maker))
            _print(results[-1], language)
            if _hopeless(results):
                print(Text("其余不再检查", "The rest is not played").in_(language))
                break
    _print_clock(results, language)
    faults = sum(one.wrong is not None for one in results)
    said = Text("共 {all} 项，{faults} 项不符", "{all} cases, {faults} not right")
    print(said.format(all=len(results), faults=faults).in_(language))
    return 1 if faults else 0


def _key(given: str | None) -> SigningKey:
    """Return the key of the option or of the environment; neither is ever printed."""
    key = read_key((given or os.environ.get(SECRET, "")).strip())
    if key is None:
        raise ConsoleError(f"give the receiver's secret, whsec_… or whsk_…, in {SECRET}")
    return key


def _hopeless(results: Sequence[Result]) -> bool:
    """Return whether no receiver answers at all."""
    first = results[0].answers[0]
    late = [one for one in results if one.wrong is not None and one.wrong.failure == "timeout"]
    return first.status is None or len(late) >= _MOST_TIMEOUTS


def _print(result: Result, language: Language) -> None:
    case = result.case
    mark = (Text("通过", "ok") if result.wrong is None else Text("不符", "FAULT")).in_(language)
    name = set_cell_size(case.name.in_(language), 44)
    expected = set_cell_size(_EXPECTED[case.expected].in_(language), 12)
    print(f"{set_cell_size(mark, 7)}{name}{expected}{_found(result.answers, language)}")
    if result.wrong is not None:
        print(f"       └ {_meaning(result, result.wrong).in_(language)}")


def _found(answers: Sequence[Answer], language: Language) -> str:
    counted = Counter(
        str(one.status) if one.failure is None else _FAILURES[one.failure].in_(language)
        for one in answers
    )
    return ", ".join(f"{what} ×{times}" if times > 1 else what for what, times in counted.items())


def _meaning(result: Result, wrong: Answer) -> Text:
    """Return the meaning of a wrong answer: a general one, or that of the case."""
    if wrong.failure is not None and not (result.case.slowly and wrong.failure == "timeout"):
        return _MEANS[wrong.failure]
    match wrong.status:
        case int(status) if status in _REDIRECT:
            return _REDIRECTED
        case 408 | 429:
            return _LATER
        case 410:
            return _CLOSED
        case int(status) if status >= _SERVER_ERROR and result.case.expected != "answered":
            return _BROKE if result.case.expected == "taken" else _TRIPPED
        case _:
            return result.case.means


def _print_clock(results: Sequence[Result], language: Language) -> None:
    """Print by how much the receiver's clock is wrong, if it states the time."""
    clock = next((one.clock for result in results for one in result.answers if one.clock), 0)
    if abs(clock) > _CLOCKS_APART:
        said = Text(
            "接收方的时钟与本机相差 {by} 秒", "The receiver's clock differs from ours by {by} s"
        )
        print(said.format(by=f"{clock:+}").in_(language))
