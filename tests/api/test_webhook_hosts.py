"""What is sealed for one host of a webhook goes to no other."""

from tests.support.api import Door
from tests.support.endpoints import PATH, URL, make_endpoint

ELSEWHERE = (
    "https://evil.example.org/hooks",
    "https://data.example.org:8443/hooks",
    "https://data.example.org.evil.example.org/",
)


async def test_headers_for_one_host_are_sent_to_no_other(door: Door) -> None:
    """Whoever changes the address does not know them, and the receiver there shall not."""
    match = {"If-Match": "*"}
    async with await door.as_("office") as office:
        made = await make_endpoint(office, headers={"X-Token": "of-this-host"})
        path = f"{PATH}/{made['id']}"
        for url in ELSEWHERE:
            refused = await office.patch(path, json={"url": url}, headers=match)
            assert refused.status_code == 422, refused.text
            assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
                ("/headers", "headers-given-anew")
            ]
            both = await office.patch(path, json={"url": url, "rate_per_minute": -1}, headers=match)
            assert {one["pointer"] for one in both.json()["errors"]} == {
                "/headers",
                "/rate_per_minute",
            }
        same = {"url": "https://DATA.example.org:443/another/path"}
        kept = await office.patch(path, json=same, headers=match)
        assert list(kept.json()["headers"]) == ["X-Token"]
        anew = {"url": ELSEWHERE[0], "headers": {"X-Other": "of-that-host"}}
        given = await office.patch(path, json=anew, headers=match)
        assert list(given.json()["headers"]) == ["X-Other"]
        none = await office.patch(path, json={"url": URL, "headers": {}}, headers=match)
        assert none.json()["headers"] == {}
        assert (await office.patch(path, json={"url": ELSEWHERE[1]}, headers=match)).is_success
