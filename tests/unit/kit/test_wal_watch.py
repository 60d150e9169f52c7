"""Places in the write-ahead log, and the addresses of replicas."""

import pytest
from pydantic import SecretStr

from services.core.kit.server_address import checked_replicas, server_name
from services.core.kit.wal_watch import _at_a_record


@pytest.mark.parametrize(
    ("inserted", "replayed"),
    [
        (8192 + 24, 8192),  # the next record begins after the header of its page
        (16 * 1024 * 1024 + 40, 16 * 1024 * 1024),  # or of its segment
        (8192 + 48, 8192 + 48),
        (8192, 8192),
        (0, 0),
    ],
)
def test_what_a_primary_inserts_next_is_where_a_replica_has_replayed_all(
    inserted: int, replayed: int
) -> None:
    assert _at_a_record(inserted) == replayed


def test_each_address_names_one_replica() -> None:
    one = "postgresql://wufei:secret@first:5432/wufei"
    several = SecretStr(f"{one} postgresql://wufei:secret@second/wufei?sslmode=require")
    assert checked_replicas(several) is several
    assert server_name(one) == "first:5432"
    for wrong, said in (
        ("postgresql://wufei@first,second/wufei", "separate the addresses of several by spaces"),
        (f"{one} mysql://second", "must have the form postgresql://"),
    ):
        with pytest.raises(ValueError, match=said):
            checked_replicas(SecretStr(wrong))
