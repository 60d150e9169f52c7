"""What a simulation showed: its stages, how fast processes were, and the deadline."""

from dataclasses import dataclass, field

from bench.country.costs import Costs
from bench.country.load import Day, Deadline
from bench.country.traffic import Heard


@dataclass(frozen=True, slots=True)
class Stage:
    """What so many cities showed: costs, a working day, and bytes by table."""

    cities: int
    values: int
    costs: Costs
    day: Day
    bytes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Worked:
    """How fast so many processes of each sort were: events a second, answers, and CPU.

    `cores` is how many processors the workers and their connections had.
    """

    processes: int
    events: float
    event_cpu: float
    cores: float
    heard: Heard
    request_cpu: float


@dataclass
class Simulated:
    """All that a simulation showed."""

    stages: list[Stage] = field(default_factory=list)
    worked: list[Worked] = field(default_factory=list)
    deadline: Deadline | None = None
