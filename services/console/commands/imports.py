"""`wufei import`: sends a sheet to the API, shows its progress, and prints the result."""

import time
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from services.console.calling import api_client, no_answer, refusal
from services.console.errors import ConsoleError
from services.console.language import terminal_language
from services.core.kit.text import Language, Text

_LOOK_EVERY_SECONDS = 0.3
_SHOWN_FAULTS = 20
_ENDS = {"succeeded", "failed", "cancelled"}

_JUDGING = Text("检查 {file}", "Judging {file}")
_WRITING = Text("写入", "Writing")
_BEGUN = Text("导入 {import_id}；Ctrl-C 取消", "Import {import_id}; Ctrl-C cancels it")
_COUNTED = Text(
    "{rows} 行：新增 {created}，改动 {updated}，不变 {unchanged}；空白 {blank}，忽略 {ignored}",
    "{rows} rows: {created} new, {updated} changed, {unchanged} unchanged; {blank} blank,"
    " {ignored} ignored",
)
_FAULTS = Text("{faults} 个问题，没有写入任何内容", "{faults} faults; nothing is written")
_MORE = Text("……另有 {more} 个", "… and {more} more")
_TRY = Text(
    "没有问题，没有保留任何内容；加上 --yes 写入",
    "No fault, and nothing was kept; with --yes it is written",
)
_WRITTEN = Text("已全部写入", "All of it is written")
_KEPT_NOTHING = Text("已取消：没有保留任何内容", "Cancelled: nothing was kept")
_TOO_LATE = Text("来不及取消：已全部写入", "Too late to cancel: all of it is written")
_MARKED = Text("标注副本：{path}", "The marked copy: {path}")


def run(arguments: Namespace) -> int:
    """Send a file; 1 if it has faults or is refused."""
    language: Language = arguments.language or terminal_language()
    try:
        content = arguments.file.read_bytes()
    except OSError as error:
        raise ConsoleError(f"cannot read {arguments.file}: {error.strerror}") from None
    with api_client(arguments.url, language) as client:
        return _Import(client, language).run(arguments, content)


class _Import:
    """An import."""

    def __init__(self, client: httpx.Client, language: Language) -> None:
        self._client = client
        self._language = language
        self._console = Console(highlight=False, soft_wrap=True)

    def run(self, arguments: Namespace, content: bytes) -> int:
        """Send the file and follow it to its end."""
        asked = {
            "period": arguments.period,
            "organization_code": arguments.organization,
            "sheet": arguments.sheet,
            "register": arguments.register,
            "score_sheet": arguments.score_sheet,
            "draft": "true" if arguments.draft else None,
            "file_name": arguments.file.name,
        }
        begun = self._ask(
            "POST",
            f"plans/{arguments.plan}/imports",
            content=content,
            params={name: one for name, one in asked.items() if one is not None},
        )
        judged = self._follow(begun, _JUDGING.format(file=arguments.file.name))
        if judged is None:
            return 1
        found = self._ask("GET", f"imports/{begun['request']['import_id']}")
        if found["faults"]:
            return self._tell_faults(found, arguments.marked)
        self._say(_COUNTED, **{name: found[name] for name in _counted(found)})
        if not arguments.yes:
            # A file that is only checked would otherwise count as one that waits to be confirmed.
            self._ask("POST", f"imports/{found['id']}/discard")
            self._say(_TRY)
            return 0
        written = self._follow(self._ask("POST", f"imports/{found['id']}/confirm"), _WRITING)
        if written is None or written["state"] != "succeeded":
            for one in [] if written is None else written["errors"]:
                self._console.print(self._line(one), markup=False)
            return 1
        self._say(_WRITTEN)
        return 0

    def _follow(self, operation: Mapping[str, Any], words: Text) -> dict[str, Any] | None:
        """Show a bar until an operation ends, and return it; None: it was cancelled."""
        path = f"operations/{operation['id']}"
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
        )
        try:
            self._say(_BEGUN, import_id=operation["request"]["import_id"])
            with Progress(*columns, console=self._console) as bar:
                task = bar.add_task(words.in_(self._language), total=None, said="")
                while True:
                    now: dict[str, Any] = self._ask("GET", path)
                    _show(bar, task, now)
                    if now["state"] in _ENDS:
                        return now
                    time.sleep(_LOOK_EVERY_SECONDS)
        except KeyboardInterrupt:
            self._cancel(path)
            return None

    def _cancel(self, path: str) -> None:
        answer = self._send("POST", f"{path}/cancel")
        writes = answer.is_error and self._ask("GET", path)["kind"] == "import-write"
        self._say(_TOO_LATE if writes else _KEPT_NOTHING)

    def _tell_faults(self, found: Mapping[str, Any], marked: Path | None) -> int:
        listed = self._ask(
            "GET", f"imports/{found['id']}/faults", params={"page_size": _SHOWN_FAULTS}
        )
        for one in listed["items"]:
            self._console.print(self._line(one), markup=False)
        if (more := found["faults"] - len(listed["items"])) > 0:
            self._say(_MORE, more=more)
        self._say(_FAULTS, faults=found["faults"])
        if marked is not None:
            self._keep_marked(f"imports/{found['id']}/marked.xlsx", marked)
        return 1

    def _keep_marked(self, path: str, marked: Path) -> None:
        copy = self._send("GET", path)
        if copy.is_error:
            raise refusal(copy)
        try:
            marked.write_bytes(copy.content)
        except OSError as error:
            raise ConsoleError(f"cannot write {marked}: {error.strerror}") from None
        self._say(_MARKED, path=marked)

    def _line(self, fault: Mapping[str, Any]) -> str:
        words = fault["detail"]
        if isinstance(words, dict):  # an operation has both languages
            words = words["zh" if self._language == "zh-CN" else "en"]
        place = fault.get("cell") or fault.get("row") or "-"
        return f"{place}  {fault['code']}  {words}"

    def _ask(self, method: str, path: str, **sent: Any) -> Any:
        """Return the answer of the API.

        Raises:
            ConsoleError: it refuses, or does not answer.
        """
        answer = self._send(method, path, **sent)
        if answer.is_error:
            raise refusal(answer)
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else {}

    def _send(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Return the answer of the API, even if it refuses.

        Raises:
            ConsoleError: it does not answer.
        """
        try:
            return self._client.request(method, path, **sent)
        except httpx.TransportError as error:
            raise no_answer(self._client, error) from None

    def _say(self, words: Text, **values: object) -> None:
        self._console.print(words.format(**values).in_(self._language), markup=False)
        self._console.file.flush()


def _counted(found: Mapping[str, Any]) -> list[str]:
    names = ("rows", "created", "updated", "unchanged", "blank", "ignored")
    return [name for name in names if name in found]


def _show(bar: Progress, task: TaskID, operation: Mapping[str, Any]) -> None:
    progress = operation["progress"]
    total = progress.get("total") or progress.get("rows") or None
    done = progress.get("done", progress.get("written", 0))
    if operation["state"] == "succeeded" and total is not None:
        done = total
    said = f"{progress.get('rows', 0)}"
    if rate := progress.get("rows_per_second"):
        said += f" ({rate}/s)"
    bar.update(task, total=total, completed=done, said=said)
