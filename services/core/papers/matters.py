"""The forms on one matter: 督办单 (what is to be done) and 反馈单 (what was done). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.core.papers.blocks import (
    PaperBlock,
    PaperHead,
    PaperText,
    Run,
    note,
    paragraph,
    ruled_form,
    signature,
    title,
)
from services.core.papers.figures import FigureBook
from services.core.papers.sentences import NONE, day_name
from services.core.papers.typesetting import in_brackets

_LONGEST = 800
_CHECKED = "□事实清楚　□问题解决　□合法合规　□格式规范\n\n核查人：　　　　　　　　　年　　月　　日"
_STATES: Mapping[str, str] = {
    "assigned": "已交办，未签收",
    "accepted": "已签收",
    "declined": "未接受",
    "in_progress": "办理中",
    "completed": "已申请销号，待核查",
    "closed": "已销号",
    "returned": "核查退回",
    "cancelled": "已取消",
    "owed": "未报送",
    "handed_in": "已报送",
    "waived": "已免报",
    "open": "未办结",
    "resolved": "已办结",
}


@dataclass(frozen=True, slots=True)
class PaperMatter:
    """The state of a milestone, an owed value or an alert on a day.

    `late` is whether it is late then, by `days` working days. `reply_by` is the unit's deadline to
    answer. `done`, `problems` and `next_steps` are the unit's own words, `answer` its reaction to
    the alert, `percent` its reported progress, `files` the number of its files; None: nothing that
    could have files. `calls`: it has no due date and needs action as long as it is open, as a red
    light does.
    """

    about: str
    name: str
    source: str
    unit: str
    unit_name: str
    state: str
    due_date: date | None
    original_due_date: date | None
    days: int
    late: bool
    today: date
    reply_by: date
    position: int
    period: str | None = None
    indicator: str | None = None
    percent: str | None = None
    done: str | None = None
    problems: str | None = None
    next_steps: str | None = None
    promised: date | None = None
    answer: str | None = None
    files: int | None = None
    calls: bool = False

    @property
    def is_supervised(self) -> bool:
        """Whether it needs urging: it is late, or needs action without a due date."""
        return self.late or self.calls


def supervision(
    matter: PaperMatter, texts: Mapping[str, str], head: PaperHead, day: str | None
) -> PaperText:
    """Return the 督办单 of a matter."""
    writer = _Form(matter)
    blocks = [
        title("督办单"),
        paragraph(f"{matter.unit_name}：", indent=False),
        paragraph(texts["opening"]),
        ruled_form(
            [
                ("督办事项", [matter.name]),
                ("事项来源", [matter.source]),
                ("承办单位", [matter.unit_name]),
                ("办理期限", writer.due()),
                ("当前状态", writer.state()),
                ("承诺时间", [writer.promised()]),
                ("办理情况", [_words(matter.done or matter.answer)]),
                ("督办要求", [texts["demand"]]),
                ("反馈期限", [f"请于{day_name(matter.reply_by)}前填写反馈单，加盖公章后报送。"]),
            ]
        ),
        signature(texts["issuer"], day),
        _note(),
    ]
    return _whole(f"督办单{in_brackets(matter.name)}", writer, blocks, head)


def feedback(
    matter: PaperMatter, texts: Mapping[str, str], head: PaperHead, day: str | None
) -> PaperText:
    """Return the 反馈单 of a matter, with the ledger's facts and room for the rest."""
    writer = _Form(matter)
    blocks = [
        title("督办事项反馈单"),
        paragraph(texts["opening"], indent=False),
        ruled_form(
            [
                ("督办事项", [matter.name]),
                ("事项来源", [matter.source]),
                ("承办单位", [matter.unit_name]),
                ("办理期限", writer.due()),
                ("当前状态", writer.state()),
                ("办理情况", [_words(matter.done or matter.answer)]),
                ("存在问题", [_words(matter.problems)]),
                ("下一步措施", [_words(matter.next_steps)]),
                ("预计完成", [writer.promised()]),
                ("佐证材料", [writer.files()]),
                ("承办单位意见", ["\n\n负责人签字（盖章）：　　　　　　　　　年　　月　　日"]),
                (
                    "核查意见",
                    [_CHECKED],
                ),
            ]
        ),
        signature(matter.unit_name, day),
        _note(),
    ]
    return _whole(f"反馈单{in_brackets(matter.name)}", writer, blocks, head)


def _whole(name: str, writer: "_Form", blocks: list[PaperBlock], head: PaperHead) -> PaperText:
    matter = writer.matter
    return PaperText(title=name, head=head, blocks=blocks, book=writer.book, as_of=matter.today)


def _note() -> PaperBlock:
    return note("一事一单。逾期天数按工作日计，期限当日24时前为按期。“—”为账目中没有。")


def _words(said: str | None) -> str:
    """Return somebody's words, truncated to fit the form."""
    if not said:
        return NONE
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}……（全文见系统）"


class _Form:
    """Writes the lines of a form, and numbers the figures in them."""

    def __init__(self, matter: PaperMatter) -> None:
        self.matter = matter
        self.book = FigureBook(matter.period or str(matter.today.year))

    def _note(self, name: str, label: str, shown: str, fact: str | None) -> Run:
        matter = self.matter
        number = self.book.note(
            f"matter/{name}", label, shown, {name: fact}, indicator=matter.indicator
        )
        return shown, number

    def due(self) -> list[Run | str]:
        """Return the due date, and by how much it has passed."""
        matter = self.matter
        if matter.due_date is None:
            return [NONE]
        said: list[Run | str] = [
            self._note("due_date", "办理期限", day_name(matter.due_date), str(matter.due_date))
        ]
        original = matter.original_due_date
        if original is not None and original != matter.due_date:
            run = self._note("original_due_date", "原定期限", day_name(original), str(original))
            said += ["（原定", run, "）"]
        if matter.late:
            # A fact must not change every day: that it is late is a fact, the number of days is
            # not.
            days = self._note("late", "已逾期", f"{matter.days}个工作日", "yes")
            said += ["，截至", day_name(matter.today), "已逾期", days]
        return said

    def state(self) -> list[Run | str]:
        """Return the state, and the progress that the unit reports."""
        matter = self.matter
        said: list[Run | str] = [
            self._note("state", "当前状态", _STATES.get(matter.state, matter.state), matter.state)
        ]
        if matter.percent is not None:
            shown = f"{matter.percent}%"
            said += ["，完成", self._note("percent", "完成比例", shown, matter.percent)]
        return said

    def promised(self) -> Run:
        """Return the date by which the unit promised completion."""
        promised = self.matter.promised
        shown = "未承诺" if promised is None else day_name(promised)
        return self._note(
            "promised", "承诺完成时间", shown, None if promised is None else str(promised)
        )

    def files(self) -> Run:
        """Return the number of files of evidence; "nothing that could have files" is not 0."""
        files = self.matter.files
        shown, fact = (NONE, None) if files is None else (f"{files}件", str(files))
        return self._note("files", "佐证材料", shown, fact)
