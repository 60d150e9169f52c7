"""Quotas: what a process may take of what all share, and what is told of it."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.api.main import create_contract_app
from services.api.quotas import Bucket, Quota, granted
from services.api.routing import ExactRoute

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@given(
    most=st.integers(1, 5000),
    asked=st.lists(st.integers(0, 3), min_size=1, max_size=200),
)
def test_all_processes_together_take_the_quota_and_no_more(most: int, asked: list[int]) -> None:
    quota, counted, taken = Quota("reads", most), 0, 0
    for _process in [*asked, *range(25)]:
        counted += quota.step
        taken += granted(quota, counted, quota.step)
    assert taken == min(most, quota.step * (len(asked) + 25)) or most - taken < quota.step
    assert taken <= most
    assert granted(quota, most + quota.step, quota.step) == 0


def test_what_is_told_is_written_as_structured_fields() -> None:
    quota = Quota("reads", 30000)
    bucket = Bucket(quota, NOW + timedelta(seconds=41.2), left=140, elsewhere=29000)
    assert quota.policy == (b"ratelimit-policy", b'"reads";q=30000;w=60')
    assert bucket.shown(NOW) == b'"reads";r=29140;t=42'
    assert bucket.seconds(NOW + timedelta(minutes=2)) == 1
    for left in (0, -3):
        used_up = Bucket(quota, NOW + timedelta(seconds=41), left=left)
        assert used_up.shown(NOW) == b'"reads";r=0;t=41'


def _routes() -> list[ExactRoute]:
    routes = create_contract_app().router.routes
    return [one for one in routes if isinstance(one, ExactRoute)]


OF_MANY = re.compile(
    r"/(batch|sheet|sync|imports|evidence-archives)$"
    r"|/(form|form\.xlsx|marked\.xlsx|templates/\{name\}\.(xlsx|zip))$"
    r"|/batch/previews/|/imports/\{import_id\}/confirm$"
    r"|/submissions/(approve|return|submit|withdraw)$"
)
"""Paths of tables, forms, imports and batches: each request of them is the work of many."""

READ_OF_ONE = {"get_sync"}


def test_what_is_the_work_of_many_is_heavy_and_nothing_else_is() -> None:
    of_many = {one.name for one in _routes() if OF_MANY.search(one.path)} - READ_OF_ONE
    assert len(of_many) > 15
    assert {one.name for one in _routes() if one.sort == "heavy"} == of_many


def test_the_rest_is_counted_by_whether_it_changes_anything() -> None:
    sorts = {one.name: one.sort for one in _routes()}
    assert (sorts["who_am_i"], sorts["create_api_key"]) == ("reads", "writes")
