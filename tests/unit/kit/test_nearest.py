"""Which known name was meant, and how many are offered."""

from services.core.kit.nearest import closest, nearest

_KNOWN = ("abcd1", "abcd2", "abcd3", "abcd4", "other")


def test_no_more_names_are_offered_than_asked_for() -> None:
    for most in (1, 2, 4):
        assert len(closest("ABCD", _KNOWN, most=most)) == most


def test_the_nearest_is_one_name_or_none() -> None:
    assert nearest("othr", _KNOWN) == "other"
    assert nearest("zzz", _KNOWN) is None
