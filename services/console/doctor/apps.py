"""Checks whether any government app is set up for sign-in."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.doctor.findings import Finding
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.text import Text
from services.core.people.queries import standing_providers


async def apps(session: AsyncSession) -> Finding:
    """Say which apps people may sign in by; none is fine, and the initial state."""
    found = []
    for city_code in await city_codes(session):
        with in_city(city_code):
            standing = await standing_providers(session, city_code)
        found += [f"{one.code} ({one.family}, {city_code})" for one in standing]
    if not found:
        said = Text(
            "没有接入政务应用登录，用户凭密码登录",
            "none is set up: people sign in by their passwords",
        )
        return Finding("sign-in apps", said)
    return Finding("sign-in apps", Text("、".join(found), ", ".join(found)))
