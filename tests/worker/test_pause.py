"""How long a step in trouble is left alone."""

import pytest

from services.worker.reactor import pause_after


@pytest.mark.parametrize(
    ("times", "seconds"), [(1, 1), (2, 2), (6, 32), (7, 60), (20, 60), (10_000, 60)]
)
def test_a_step_that_fails_is_tried_again_within_a_minute(times: int, seconds: float) -> None:
    assert pause_after(times) == seconds
