"""Two cities with one plan, whose units have the same codes."""

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import neighbour

ONE, OTHER = "410183", "410184"


def elsewhere() -> PlanDocument:
    """Return the same plan of another city, whose units have the same codes."""
    plan = neighbour().model_dump(mode="json", exclude_none=True)
    return read_document({**plan, "code": "410184-2016", "city": {"code": OTHER, "name": "邻市"}})
