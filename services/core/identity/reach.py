"""How far a credential sees. `identity.rules` has the table of roles and their reach.

`plan.visibility` turns a reach into a condition on rows, because it knows who leads what.
"""

from enum import Enum


class Reach(Enum):
    """The part of a plan that a credential sees."""

    WHOLE_PLAN = "everything in the plan"
    LED = "what concerns its unit, and what its unit leads"
    OWN = "what concerns its unit"
    APPROVED = "what was approved, of the whole plan"
    NOTHING = "nothing"
