"""The plan document's schema as components of the contract."""

from typing import Any

from services.core.plan.document import PlanDocument

COMPONENT = "PlanDocument"
REFERENCE = f"#/components/schemas/{COMPONENT}"
PARTS = "#/components/schemas/Plan"
"""The prefix of a reference to a part."""


def plan_document_schemas() -> dict[str, Any]:
    """Return the schema of a plan document and of its parts, with names that begin with `Plan`."""
    whole = PlanDocument.model_json_schema(mode="validation", ref_template=PARTS + "{model}")
    parts = whole.pop("$defs")
    return {COMPONENT: whole, **{f"Plan{name}": part for name, part in parts.items()}}
