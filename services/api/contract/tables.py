"""Documents the table formats (CSV, XLSX) that lists offer beside JSON."""

from typing import Any

from services.api.table_forms import Form

_EXAMPLES = {Form.CSV: "ListAsCsv", Form.XLSX: "ListAsWorkbook"}
_SCHEMAS = {
    Form.CSV: {"type": "string"},
    Form.XLSX: {"type": "string", "format": "binary"},
}


def offer_tables(operation: dict[str, Any]) -> None:
    """Document that a list also answers as tables."""
    content = operation["responses"]["200"]["content"]
    for form, example in _EXAMPLES.items():
        content[form.value] = {"schema": dict(_SCHEMAS[form]), "examples": {example: {}}}
