"""What a page token belongs to: a list, its filters, and who may go on with it."""

from services.core.identity.actor import Actor


def of_list(actor: Actor, name: str, **filters: object) -> dict[str, object]:
    """Return what the tokens of a list are made for.

    Another caller of the same reach may go on where the first one stopped: a new key goes on
    where the one before it was replaced.
    """
    reach = [actor.city_code, actor.role, actor.organization_code, actor.plan_code]
    return {"list": name, "reach": reach, **filters}
