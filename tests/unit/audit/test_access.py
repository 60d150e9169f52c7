"""What is remembered of callers: each thing counted once, and never more than a bound of them."""

from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.core.audit.access import (
    MOST_A_MINUTE,
    MOST_TOKENS,
    AccessTally,
    Caller,
    Entries,
    NewEntry,
    by_city,
)
from services.core.kit.clock import Clock

NOW = Clock.true_now().replace(second=0, microsecond=0)
KEY = Caller("410183", UUID(int=7), "192.0.2.9", {"kind": "api_key"})
OWN = {"kind": "system", "name": "api"}


def nobody(address: str) -> Caller:
    return Caller(None, None, address, OWN)


def flat(entries: Entries) -> list[NewEntry]:
    return [one for some in entries.values() for one in some]


@given(calls=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b"]))))
def test_every_refusal_is_counted_by_who_code_and_minute(calls: list[tuple[int, str]]) -> None:
    tally = AccessTally(OWN)
    for who, code in calls:
        tally.refused(nobody(f"192.0.2.{who}"), NOW, status=401, code=code, path="/v1/me")
    assert tally.take(NOW) == {}, "the minute is under way"
    found = flat(tally.take(NOW + timedelta(minutes=1)))
    assert {(one.subject[1][-1], one.data["code"]): one.data["count"] for one in found} == {
        (str(who), code): calls.count((who, code)) for who, code in calls
    }
    assert tally.take(NOW + timedelta(hours=1)) == {}, "nothing twice"


def test_a_storm_of_addresses_is_counted_and_kept_within_the_bound() -> None:
    tally = AccessTally(OWN)
    for number in range(20 * MOST_A_MINUTE):
        tally.refused(nobody(f"2001:db8::{number:x}"), NOW, status=401, code="c", path="/v1/me")
        tally.taken_out(KEY, NOW, path=f"/v1/{number}", form="text/csv")
    found = flat(tally.take(NOW, everything=True))
    for action in ("request.refused", "file.downloaded"):
        of_action = [one for one in found if one.action == action]
        assert len(of_action) == MOST_A_MINUTE + 1
        assert sum(int(str(one.data["count"])) for one in of_action) == 20 * MOST_A_MINUTE
        assert [one.subject for one in of_action if one.subject[0] == "others"] == [
            ("others", "others")
        ]


def test_a_key_is_new_once_a_day_from_each_network_and_asked_again_each_hour() -> None:
    tally, key = AccessTally(OWN), UUID(int=7)
    noon = NOW.replace(hour=12, minute=0)
    calls = ((0, "a"), (1, "a"), (1, "b"), (59, "b"), (61, "a"))
    seen = [tally.is_new_use(key, one, noon + timedelta(minutes=late)) for late, one in calls]
    assert seen == [True, False, True, False, True]
    for network, later in (("n", 0), ("n", 1), ("m", 0), ("n", 25)):
        tally.used(KEY, noon + timedelta(hours=later), network)
    found = flat(tally.take(NOW))
    assert [one.data["network"] for one in found] == ["n", "m", "n"]


def test_each_token_has_an_entry_until_there_are_too_many() -> None:
    tally = AccessTally(OWN)
    for _ in range(MOST_TOKENS + 50):
        tally.issued(KEY, NOW, scopes=["plan:read"], seconds=600)
    found = flat(tally.take(NOW, everything=True))
    assert len(found) == MOST_TOKENS + 1
    assert found[-1].data["count"] == 50


def test_what_names_no_city_that_is_there_goes_to_the_first() -> None:
    entry = NewEntry("key.changed", ("k", "1"), OWN, {}, NOW)
    found = by_city({"410183": [entry], "none": [entry], None: [entry]}, ["410100", "410183"])
    assert {city: len(some) for city, some in found.items()} == {"410100": 2, "410183": 1}
    assert by_city({None: [entry]}, []) == {}
