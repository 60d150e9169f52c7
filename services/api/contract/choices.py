"""Documents a field's possible values in the contract without validating our own output."""

from collections.abc import Sequence

from pydantic import WithJsonSchema


def one_of(choices: Sequence[str], *, nullable: bool = False) -> WithJsonSchema:
    """Return the annotation of a text field with these documented values."""
    schema: dict[str, object] = {"type": "string", "enum": list(choices)}
    return WithJsonSchema({"anyOf": [schema, {"type": "null"}]} if nullable else schema)
