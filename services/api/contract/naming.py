"""Names schemas that recur, because code generators make one type of each name.

An enumeration is recognised by its values: equal lists share one name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.api.contract.schemas import Schema, schemas_in
from services.core.identity.rules import ROLES

_PREFIX = "#/components/schemas/"
_DECIMAL = "ExactDecimal"
_ENDS = ("MadeOut", "DetailOut", "Patch", "Out", "In")

_NAMES: Mapping[tuple[str, ...], str] = {
    ("official", "provisional"): "CalendarStatus",
    ("provisional", "final"): "DataStatus",
    ("green", "yellow", "red", "grey"): "Light",
    ("assigned", "accepted", "declined", "in_progress"): "MilestoneState",
    ("draft", "submitted", "returned", "approved"): "SubmissionState",
    ("open", "acknowledged", "snoozed", "resolved"): "AlertState",
    ("pending", "delivered", "failed", "cancelled"): "DeliveryState",
    ("active", "failing", "disabled"): "EndpointState",
    ("wufei-hmac", "wufei-hmac-sm3", "national", "tif"): "PartnerProfile",
    ("requested", "approved", "denied", "withdrawn"): "ExtensionState",
    ("at_least", "more_than", "at_most", "full_coverage"): "TargetKind",
    ("draft", "issued"): "PlanStatus",
    ("approved", "submitted"): "Basis",
    ("indicators", "tasks", "register"): "SheetKind",
    ("created", "updated", "unchanged", "rejected"): "WrittenRowOutcome",
    ("excellent", "good", "pass", "fail"): "Grade",
    ("unit", "lead", "office"): "RecipientOf",
    ("none", "narrative", "document"): "EvidenceRule",
    ("90", "95", "99"): "Confidence",
    (
        "answers-contradict",
        "too-few-answers",
        "group-too-small",
        "frame-incomplete",
    ): "SurveyRefusal",
    ("==", "<=", "<", ">="): "RowOperator",
    ("row", "month_before", "twelve_months"): "RowReach",
    ("broken", "unknown"): "FindingOutcome",
    ROLES[:4]: "Role",
    ("plan:read", "plan:write", "submissions:read", "submissions:write"): "Scope",
    ("mandatory", "optional", "self_selected"): "Selection",
    ("annual", "half_yearly", "quarterly", "monthly"): "Frequency",
    ("scored", "missing", "not_applicable", "not_assessable"): "ScoreState",
}
"""Names of enumerations that several schemas share, by their first four values."""


def name_what_is_shared(document: Schema) -> None:
    """Move decimals and enumerations to components of their own, in place."""
    schemas = document["components"]["schemas"]
    schemas[_DECIMAL] = {
        "description": "Exact decimal of at most 38 digits, as text or number.",
        "anyOf": next(_decimals(document))["anyOf"],
    }
    known: dict[tuple[str, ...], str] = {}
    for place, schema in list(_places(document)):
        values = schema.get("enum")
        if isinstance(values, list):
            name = _named(values, place, known, schemas)
            shape = {"type": schema.get("type", "string"), "enum": values}
            _refer(schema, name, shape, ("type", "enum"), schemas)
        elif _is_decimal(schema) and schema is not schemas[_DECIMAL]:
            schema.pop("default", None)  # generators cannot type it as text or number
            _refer(schema, _DECIMAL, schemas[_DECIMAL], ("anyOf",), schemas)
    document["components"]["schemas"] = dict(sorted(schemas.items()))


def _decimals(document: Schema) -> Iterator[Schema]:
    return (one for one in schemas_in(document) if _is_decimal(one))


def _is_decimal(schema: Schema) -> bool:
    kinds = [one.get("type") for one in schema.get("anyOf", ()) if isinstance(one, dict)]
    return kinds == ["string", "number"]


def _places(document: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every schema of bodies, responses and parameters with a name for its place."""
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _members(_without_end(name), schema)
    for operations in document["paths"].values():
        for operation in operations.values():
            yield from _members(_camel(operation["operationId"]), operation)
    for name, parameter in document["components"]["parameters"].items():
        yield from _members(name, parameter)


def _members(place: str, node: Any) -> Iterator[tuple[str, Schema]]:
    if isinstance(node, list):
        for one in node:
            yield from _members(place, one)
    elif isinstance(node, dict):
        yield place, node
        for name, one in node.items():
            if name == "properties":
                for member, schema in one.items():
                    yield from _members(place + _camel(member), schema)
            elif name not in {"example", "examples", "default", "enum"}:
                yield from _members(place, one)


def _named(
    values: list[Any], place: str, known: dict[tuple[str, ...], str], schemas: Schema
) -> str:
    """Return the component of an enumeration; a new one is named after its first place."""
    key = tuple(map(str, values))
    if key not in known:
        name = _NAMES.get(key[:4], place)
        while name in schemas:
            name += "Value"
        known[key] = name
    return known[key]


def _refer(
    schema: Schema, name: str, shape: Schema, members: tuple[str, ...], schemas: Schema
) -> None:
    """Replace a schema by a reference; its sibling members stay."""
    if name not in schemas:
        schemas[name] = {"description": _described(name), **shape}
    for member in (*members, "title"):  # derived titles are obsolete once named
        schema.pop(member, None)
    reference = {"$ref": _PREFIX + name}
    if schema:
        schema["allOf"] = [reference]
    else:
        schema.update(reference)


def _described(name: str) -> str:
    words = "".join(f" {one.lower()}" if one.isupper() else one for one in name).strip()
    return f"The values of: {words}."


def _without_end(name: str) -> str:
    for end in _ENDS:
        if name.endswith(end) and name != end:
            return name.removesuffix(end)
    return name


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.replace("-", "_").split("_"))
