"""The message about an organization that a city does not have, with the closest names. Pure."""

from collections.abc import Mapping

from services.core.kit.errors import Fault
from services.core.kit.nearest import with_closest
from services.core.kit.text import Text

_SAID = Text("没有这个单位", "There is no such organization")


def unknown_organization(
    code: str,
    names: Mapping[str, tuple[str, ...]],
    place: str = "/organization_code",
    fault: str = "organization-not-found",
) -> Fault:
    """Return the fault of a code that no organization of the city has.

    `names` are the name and the aliases of the existing ones, by code.
    """
    shown = {
        known: f"{each}（{called[0]}）"
        for each, called in names.items()
        for known in (*called, each)
    }
    return Fault(place, fault, with_closest(_SAID, code, shown), code)
