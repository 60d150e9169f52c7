"""How far a credential sees. Which role has which reach is a table in `identity.rules`.

What a reach means for the rows of a table is said in `plan.visibility`, where it is known who
leads what.
"""

from enum import Enum


class Reach(Enum):
    """What of a plan a credential sees."""

    WHOLE_PLAN = "everything in the plan"
    LED = "what concerns its unit, and what its unit leads"
    OWN = "what concerns its unit"
    APPROVED = "what was approved, of the whole plan"
    NOTHING = "nothing"
