"""Checks partners: which may send unsigned requests from any address."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.console.doctor.findings import Finding
from services.core.gateways.profiles import PROFILES
from services.core.gateways.queries import partners_from_anywhere
from services.core.gateways.service import MOST_PARTNERS
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.text import Text

_WEAK = frozenset(name for name, one in PROFILES.items() if not one.signs_all)
_NAMED = 5


async def partners(session: AsyncSession) -> Finding:
    """Name the partners without networks whose profile does not sign the whole request.

    New ones cannot be made; older ones, from before that rule, still work.
    """
    names = []
    for city_code in await city_codes(session):
        with in_city(city_code):
            found = await partners_from_anywhere(session, city_code, _WEAK, most=MOST_PARTNERS)
        names += [f"{one.name} ({one.app_id}, {one.profile})" for one in found]
    if not names:
        said = Text(
            "签名不保护全部请求内容的，都限定了网段",
            "all whose profile does not sign all of a request have networks",
        )
        return Finding("partners", said)
    named, more = ", ".join(names[:_NAMED]), " …" if len(names) > _NAMED else ""
    said = Text(
        f"{len(names)} 个的签名不保护全部请求内容，又没有限定网段：{named}{more}",
        f"{len(names)} sign not all of a request and have no networks: {named}{more}",
    )
    todo = Text(
        "看到其请求的人可以从任何地方以它的名义发送别的内容：PATCH /v1/partners/{id}，"
        "在 allowed_networks 中填写对方的网段",
        "whoever sees a request of theirs can send another as theirs, from anywhere: PATCH"
        " /v1/partners/{id} with the partner's networks in `allowed_networks`",
    )
    return Finding("partners", said, reminds=True, todo=todo)
