"""Why a file cannot be read as a sheet: one error, with a stable code and advice for each cause."""

from services.core.kit.errors import DomainError, Fault, RefusalKind
from services.core.kit.text import Text


class SheetRefused(DomainError):
    """The file is not read as a sheet; the fault says why, and what to send instead."""

    code = "sheet-refused"
    kind = RefusalKind.INVALID
    title = Text("该文件不能作为表格读取", "The file cannot be read as a sheet")


_SAVE_AS = Text(
    "请用 Excel 或 WPS 打开，另存为“Excel 工作簿（*.xlsx）”后再上传",
    'open it in Excel or WPS, save it as "Excel Workbook (*.xlsx)", and send that',
)


def _with(why: Text, then: Text = _SAVE_AS) -> Text:
    return Text(f"{why.zh}：{then.zh}", f"{why.en}: {then.en}")


_SMALLER = Text("请拆成几个文件上传", "send it in several files")

CAUSES = {
    "empty-file": Text("文件是空的", "The file is empty"),
    "not-a-sheet": _with(
        Text(
            "内容不是 XLSX 工作簿，也不是 CSV 文本",
            "Its content is neither an XLSX workbook nor CSV text",
        )
    ),
    "old-workbook": _with(
        Text("这是旧格式（.xls 或 .et）", "It is of an old format (.xls or .et)"),
    ),
    "encrypted-workbook": _with(
        Text("工作簿设有打开密码", "The workbook is encrypted"),
        Text("请取消密码、保存后再上传", "take the password off, save it, and send that"),
    ),
    "binary-workbook": _with(Text("这是 .xlsb 工作簿", "It is an .xlsb workbook")),
    "open-document": _with(Text("这是 .ods 表格", "It is an .ods sheet")),
    "workbook-with-macros": _with(
        Text("工作簿含有宏，不予接收", "It holds macros, which are not taken")
    ),
    "external-links": _with(
        Text("工作簿引用了其他文件或数据源", "It takes values from other files or sources"),
        Text(
            "请在“数据—编辑链接”中断开链接、粘贴为数值后再上传",
            "break the links (Data, Edit Links), paste the values, and send that",
        ),
    ),
    "inflates-too-far": Text(
        "压缩内容展开后过大，不予读取", "What it holds compressed is too much, and is not read"
    ),
    "damaged-workbook": _with(Text("工作簿已损坏或不完整", "The workbook is damaged or not whole")),
    "document-type": Text(
        "工作簿的 XML 带有文档类型声明（DTD），不予读取",
        "Its XML declares a document type (DTD), and is not read",
    ),
    "too-many-sheets": Text("工作表过多", "It has too many sheets"),
    "too-many-rows": _with(Text("行数过多", "It has too many rows"), _SMALLER),
    "too-many-cells": _with(Text("单元格过多", "It has too many cells"), _SMALLER),
    "too-much-text": _with(Text("文字过多", "It holds too much text"), _SMALLER),
    "too-many-merged": Text(
        "合并单元格过多，请取消合并", "Too many cells are merged: unmerge them"
    ),
    "cell-outside": Text(
        "单元格 {value} 离表格太远，请删除该单元格后再上传",
        "The cell {value} lies far outside the table: delete it and send the sheet again",
    ),
    "cell-too-long": Text("一个单元格至多 32767 个字符", "A cell holds at most 32,767 characters"),
    "line-too-long": Text(
        "第 {value} 行过长，请检查引号是否成对",
        "Line {value} is too long: see whether its quotes are closed",
    ),
    "quote-not-closed": Text(
        "文件在第 {value} 行开始的引号内结束：请补上引号，或重新导出完整的文件",
        "It ends within quotes that line {value} opened: close them, or export the whole file anew",
    ),
    "unknown-encoding": Text(
        "文字既不是 UTF-8 也不是 GB18030：请另存为“CSV（UTF-8）”后再上传",
        'Its text is neither UTF-8 nor GB18030: save it as "CSV UTF-8" and send that',
    ),
    "no-such-sheet": Text(
        "工作簿中没有这个工作表；可选：{value}", "It has no such sheet; it has: {value}"
    ),
    "sheet-not-chosen": Text(
        "工作簿有几个可见的工作表，请用 sheet 写明读取哪一个：{value}",
        "It has several visible sheets; say in `sheet` which one is read: {value}",
    ),
}
"""By its code, why a file is refused and what to do about it."""


def refused(code: str, value: object = None, *, pointer: str = "") -> SheetRefused:
    """Return the refusal of a file for a cause of `CAUSES`; `value` is what caused it."""
    words = CAUSES[code].format(value=value)
    return SheetRefused(faults=[Fault(pointer, code, words, value)])
