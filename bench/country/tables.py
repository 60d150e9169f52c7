"""The tables of a simulation, and what in it went wrong."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from bench.country.stages import Simulated, Stage

_MILLION = 1_000_000
_LARGEST = 8


def of(simulated: Simulated) -> Iterator[Table]:
    """Yield every table that there is something for."""
    if simulated.stages:
        yield _costs(simulated.stages)
        yield _days(simulated.stages)
        yield _sizes(simulated.stages[-1])
    if simulated.worked:
        yield _worked(simulated)
    if simulated.deadline is not None:
        yield _deadline(simulated)


def faults(simulated: Simulated) -> list[str]:
    """Return what may not be: answers of 500 and more, none at all, and values that are lost."""
    found = []
    heards = [(f"{stage.cities} cities", stage.day.heard) for stage in simulated.stages]
    heards += [(f"{one.processes} of each process", one.heard) for one in simulated.worked]
    if (deadline := simulated.deadline) is not None:
        heards += [("deadline", deadline.few), ("deadline", deadline.many)]
        taken = deadline.few.statuses[201] + deadline.many.statuses[201]
        if deadline.stored < taken:
            found.append(f"deadline: {taken} were acknowledged, {deadline.stored} are stored")
    for where, heard in heards:
        failed = sum(number for status, number in heard.statuses.items() if status >= 500)
        if failed or heard.unanswered:
            found.append(f"{where}: {failed} answers of 5xx, {heard.unanswered} without an answer")
        if refused := {one for one in heard.statuses if 400 <= one < 500}:
            found.append(f"{where}: refused with {sorted(refused)}")
    return found


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    return table


def _costs(stages: Sequence[Stage]) -> Table:
    table = _table(
        "What one thing costs, ms of CPU (how it grew)",
        *("cities", "values", "submission", "recompute of a city", "evaluation of a city"),
    )
    first = stages[0].costs
    for stage in stages:
        shown = [
            f"{now:.1f} ({now / then:.2f})"
            for now, then in (
                (stage.costs.submission, first.submission),
                (stage.costs.recompute, first.recompute),
                (stage.costs.evaluation, first.evaluation),
            )
        ]
        table.add_row(str(stage.cities), f"{stage.values:,}", *shown)
    return table


def _days(stages: Sequence[Stage]) -> Table:
    table = _table(
        "A working day by one API and one worker (ms: half of the callers / 99 of 100)",
        *("cities", "asked /s", "report", "approve", "board", "list", "lag s"),
        *("to the board", "to the receiver", "worker CPU an event"),
    )
    for stage in stages:
        heard = stage.day.heard
        table.add_row(
            str(stage.cities),
            f"{heard.rate:.0f}",
            *(
                _pair((heard.quantile(0.5, kind), heard.quantile(0.99, kind)))
                for kind in ("submission", "approval", "board", "list")
            ),
            f"{stage.day.lag:.1f}",
            _pair(stage.day.to_board),
            _pair(stage.day.to_receiver),
            f"{stage.day.worker_cpu:.1f}",
        )
    return table


def _pair(times: tuple[float, float]) -> str:
    return f"{times[0]:,.0f} / {times[1]:,.0f}"


def _sizes(stage: Stage) -> Table:
    total = sum(stage.bytes.values())
    table = _table(
        f"Size with {stage.values:,} values", "table", "MB", "GB for a million values", "share"
    )
    largest = sorted(stage.bytes, key=lambda name: -stage.bytes[name])[:_LARGEST]
    for name in [*largest, "all"]:
        size = total if name == "all" else stage.bytes[name]
        table.add_row(
            name,
            f"{size / 1e6:,.1f}",
            f"{size / stage.values * _MILLION / 1e9:.2f}",
            f"{100 * size / total:.0f} %",
        )
    return table


def _worked(simulated: Simulated) -> Table:
    table = _table(
        "Processes of each sort, all cities (how it grew)",
        *("processes", "events followed /s", "cores", "ms of CPU an event", "requests /s"),
        *("ms of CPU a request", "wait ms"),
    )
    first = simulated.worked[0]
    for one in simulated.worked:
        table.add_row(
            str(one.processes),
            f"{one.events:,.0f} ({one.events / first.events:.2f})",
            f"{one.cores:.2f}",
            f"{one.event_cpu:.2f} ({one.event_cpu / first.event_cpu:.2f})",
            f"{one.heard.rate:,.0f} ({one.heard.rate / first.heard.rate:.2f})",
            f"{one.request_cpu:.2f} ({one.request_cpu / first.request_cpu:.2f})",
            _pair((one.heard.quantile(0.5), one.heard.quantile(0.99))),
        )
    return table


def _deadline(simulated: Simulated) -> Table:
    deadline = simulated.deadline
    assert deadline is not None
    table = _table(
        "The minute before a deadline: reports at one rate",
        *("submitters", "reports", "/s", "half waited ms", "99 of 100", "5xx", "stored"),
    )
    for name, heard in (("16", deadline.few), ("all", deadline.many)):
        table.add_row(
            name,
            f"{sum(heard.statuses.values()):,}",
            f"{heard.rate:.0f}",
            f"{heard.quantile(0.5):.1f}",
            f"{heard.quantile(0.99):.1f}",
            str(sum(number for status, number in heard.statuses.items() if status >= 500)),
            f"{deadline.stored:,}" if name == "all" else "",
        )
    return table
