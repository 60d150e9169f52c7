"""`make mutants`: mutate the pure rules with mutmut and the guards of SQL statements ourselves.

Fails where a mutant survives that `accepted.toml` does not name as equivalent. The run is
bounded: `SAMPLE` guards are drawn with `SEED`, which is printed, so that a run can be repeated.
"""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from random import Random, SystemRandom

from tests.mutation.guards import Guard, guards_of, survives

ROOT = Path(__file__).resolve().parents[2]
_ACCEPTED = Path(__file__).with_name("accepted.toml")
_GOAL = 95


@dataclass(frozen=True, slots=True)
class Tally:
    """How many mutants were killed of how many, and those that survived, each in words."""

    killed: int
    total: int
    survivors: tuple[str, ...]


def _mutmut(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def _accepted() -> set[tuple[str, str]]:
    """Return (place, changed line) of each mutant that changes nothing a caller can see."""
    entries = tomllib.loads(_ACCEPTED.read_text(encoding="utf-8"))["accepted"]
    return {(entry["where"], entry["line"]) for entry in entries}


def _changed_line(name: str) -> str:
    """Return the line that a mutant of mutmut put in."""
    lines = _mutmut("show", name).splitlines()
    added = [line[1:].strip() for line in lines if line.startswith("+") and line[1:2] != "+"]
    return " ".join(added)


def _rules(accepted: set[tuple[str, str]]) -> Tally:
    """Mutate the pure rules that pyproject.toml names, each against the tests that reach it."""
    subprocess.run([sys.executable, "-m", "mutmut", "run"], cwd=ROOT, check=True)
    outcomes = {
        name: outcome
        for name, _, outcome in (
            line.strip().partition(": ") for line in _mutmut("results", "--all", "1").splitlines()
        )
        if outcome
    }
    survivors = []
    for name in sorted(name for name, outcome in outcomes.items() if outcome != "killed"):
        where, line = name.rpartition("__mutmut_")[0], _changed_line(name)
        if (where, line) not in accepted:
            survivors.append(f"{outcomes[name]}: {where}: {line}")
    alive = sum(outcome != "killed" for outcome in outcomes.values())
    return Tally(len(outcomes) - alive, len(outcomes), tuple(survivors))


def _guards(drawn: list[Guard], accepted: set[tuple[str, str]]) -> Tally:
    """Drop one guard of a statement at a time, against the tests of its slice."""
    survivors = []
    alive = 0
    for number, guard in enumerate(drawn, start=1):
        lives = survives(guard)
        print(
            f"{number}/{len(drawn)} {'SURVIVED' if lives else 'killed'} {guard.where}", flush=True
        )
        alive += lives
        if lives and (guard.path, guard.text) not in accepted:
            survivors.append(f"survived: {guard.where}: {guard.text}")
    return Tally(len(drawn) - alive, len(drawn), tuple(survivors))


def main() -> int:
    """Run both kinds and print what survived."""
    seed = int(os.environ.get("SEED") or SystemRandom().randrange(10_000))
    sample = int(os.environ.get("SAMPLE") or 40)
    accepted = _accepted()
    everything = guards_of(ROOT)
    drawn = Random(seed).sample(everything, min(sample, len(everything)))
    print(f"{len(drawn)} of {len(everything)} guards, SEED={seed}", flush=True)
    tallies = [("guards", _guards(drawn, accepted)), ("rules", _rules(accepted))]
    failed = False
    for name, tally in tallies:
        share = 100 * tally.killed / max(tally.total, 1)
        print(f"{name}: {tally.killed} of {tally.total} killed, {share:.1f} %")
        print(*tally.survivors, sep="\n")
        failed |= bool(tally.survivors) or share < _GOAL
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
