"""Who manages a webhook endpoint, who sees it, and who takes it over."""

from tests.support.api import XINMI, Door, a_submission
from tests.support.endpoints import NOBODY, PATH, URL, an_integrator, make_endpoint


async def test_who_may_not_manage_webhooks_is_refused(door: Door) -> None:
    for role, unit in (("leader", None), ("reporter", "UN15"), ("superior", None)):
        async with await door.as_(role, unit) as client:
            answers = [
                await client.post(PATH, json={"url": URL}),
                await client.get(PATH),
                await client.get(f"/webhook-deliveries/{NOBODY}"),
            ]
        assert {answer.status_code for answer in answers} == {403}
    async with await an_integrator(door, None, scopes=["webhooks:write"]) as deaf:
        answer = await deaf.post(PATH, json={"url": URL})
    assert answer.status_code == 403, "nobody hears by a webhook what it may not read"


async def test_an_endpoint_is_there_for_its_owner_and_the_office_only(door: Door) -> None:
    async with (
        await door.as_("office") as office,
        await an_integrator(door, "UN15") as one,
        await an_integrator(door, "UN15") as colleague,
        await an_integrator(door, "UN01") as stranger,
        await an_integrator(door, None) as system,
        await an_integrator(door, None) as other_system,
    ):
        of_unit, of_system = await make_endpoint(one), await make_endpoint(system)
        seen = {
            (name, made["id"]): (await client.get(f"{PATH}/{made['id']}")).status_code == 200
            for name, client in (
                ("office", office),
                ("one", one),
                ("colleague", colleague),
                ("stranger", stranger),
                ("system", system),
                ("other system", other_system),
            )
            for made in (of_unit, of_system)
        }
        hidden = [
            await stranger.patch(
                f"{PATH}/{of_unit['id']}", json={"url": URL}, headers={"If-Match": "*"}
            ),
            await other_system.post(f"{PATH}/{of_system['id']}/rotate-secret"),
            await stranger.delete(f"{PATH}/{of_unit['id']}"),
            await stranger.get(f"{PATH}/{of_unit['id']}/deliveries"),
        ]
        listed = await stranger.get(PATH)
        beyond = await one.post(PATH, json={"url": URL, "organization_code": "UN01"})
    assert {key for key, found in seen.items() if found} == {
        ("office", of_unit["id"]),
        ("office", of_system["id"]),
        ("one", of_unit["id"]),
        ("colleague", of_unit["id"]),
        ("system", of_system["id"]),
    }
    assert {answer.status_code for answer in hidden} == {404}
    assert listed.json()["items"] == []
    assert beyond.json()["errors"][0]["code"] == "organization-beyond-scope"


async def test_a_colleagues_key_takes_over_and_the_offices_does_not(door: Door) -> None:
    async with (
        await door.as_("office") as office,
        await an_integrator(door, "UN15") as first,
        await an_integrator(door, "UN15") as second,
    ):
        made = await make_endpoint(first)
        path = f"{PATH}/{made['id']}"
        by_office = await office.patch(path, json={"description": "x"}, headers={"If-Match": "*"})
        owner = made["owner"]["credential_id"]
        assert by_office.json()["owner"]["credential_id"] == owner
        async with door.client(door.admin_secret) as admin:
            assert (await admin.delete(f"/api-keys/{owner}")).status_code == 204
        async with await door.as_("reporter", "UN15") as unit:
            await unit.post(f"/plans/{XINMI}/submissions", json=a_submission(period="2021-01"))
        await door.react()
        lost = (await office.get(path)).json()
        refused = await office.post(f"{path}/enable")
        taken = await second.post(f"{path}/enable")
    assert (lost["state"], lost["state_reason"]) == ("disabled", "scope-lost")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook-scope-not-yours")
    assert taken.json()["state"] == "active"
    assert taken.json()["owner"]["credential_id"] != owner
