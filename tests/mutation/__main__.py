"""`make mutants`: mutate the pure rules with mutmut, and drop guards ourselves.

Fails where fewer than 95 % are killed of those that `accepted.toml` does not name as equivalent,
or where one survives in identity, submissions, feed, kit or the doors. Settings are environment
variables: `PACKAGES=identity,api` takes these alone, `SAMPLE=40` draws so many guards (`all`:
every one) with `SEED`, which is printed so that a run can be repeated, `KINDS=guards` leaves out
the pure rules, and `HANDS=2` says how many run at a time.
"""

import os
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

from tests.mutation.guards import guards_of, package_of
from tests.mutation.trying import survivals

ROOT = Path(__file__).resolve().parents[2]
_ACCEPTED = Path(__file__).with_name("accepted.toml")
_GOAL = 95
_KILLED = {"killed", "timeout", "caught by type check"}


@dataclass(slots=True)
class Tally:
    """Of a package: how many mutants were killed, of how many; the survivors in words."""

    killed: int = 0
    accepted: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return how many percent were killed of those that change something."""
        all_of_them = self.killed + len(self.survivors)
        return 100 * self.killed / all_of_them if all_of_them else 100.0


Outcome = tuple[str, str, str, bool]
"""A mutant's package; where and what it is, as `accepted.toml` names it; and whether it lived."""


def _accepted() -> set[tuple[str, str]]:
    """Return (where, line) of each mutant that changes nothing anybody can see."""
    entries = tomllib.loads(_ACCEPTED.read_text(encoding="utf-8"))["accepted"]
    return {(entry["where"], entry["line"]) for entry in entries}


def _rules(packages: set[str], hands: int) -> Iterator[Outcome]:
    """Mutate the pure rules that pyproject.toml names, each against the tests that reach it."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [str(programs / "mutmut"), "run", "--max-children", str(hands)]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True)
    os.chdir(ROOT)  # mutmut finds its records from where it is
    for file in walk_mutatable_files():
        data = SourceFileMutationData(path=file)
        data.load()
        package = package_of(str(file))
        for name, code in data.exit_code_by_key.items():
            if packages and package not in packages:
                continue
            if status_by_exit_code[code] == "no tests":
                continue  # what only a session runs: its guards are dropped instead
            lives = status_by_exit_code[code] not in _KILLED
            where = name.rpartition("__mutmut_")[0]
            yield package, where, _changed_line(name, file) if lives else "", lives


def _changed_line(name: str, file: Path) -> str:
    """Return the lines that a mutant of mutmut put in, as one."""
    lines = get_diff_for_mutant(name, path=file).splitlines()
    return " ".join(line[1:].strip() for line in lines if line[:1] == "+" and line[:3] != "+++")


def _guards(packages: set[str], hands: int) -> Iterator[Outcome]:
    """Drop one guard at a time, against the tests of its package."""
    everything = [one for one in guards_of(ROOT) if not packages or one.package in packages]
    sample, seed = os.environ.get("SAMPLE") or "40", os.environ.get("SEED")
    seed = seed or str(SystemRandom().randrange(10_000))
    count = len(everything) if sample == "all" else min(int(sample), len(everything))
    drawn = Random(seed).sample(everything, count)
    print(f"{count} of {len(everything)} guards, SEED={seed}", flush=True)
    for number, (guard, lives) in enumerate(survivals(drawn, ROOT, hands), start=1):
        if lives:
            print(
                f"{number}/{count} survived {guard.where} {guard.within}: {guard.words}", flush=True
            )
        yield guard.package, f"{guard.path}:{guard.within}", guard.words, lives


def _tallies(outcomes: Iterable[Outcome], accepted: set[tuple[str, str]]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for package, where, line, lives in outcomes:
        tally = tallies[package]
        if not lives:
            tally.killed += 1
        elif (where, line) in accepted:
            tally.accepted += 1
        else:
            tally.survivors.append(f"{where}: {line}")
    return tallies


def _report(kind: str, tallies: dict[str, Tally]) -> bool:
    """Print the share by package and what survived; return whether all is well."""
    whole = Tally(sum(one.killed for one in tallies.values()))
    for package, tally in sorted(tallies.items()):
        total = tally.killed + len(tally.survivors)
        print(f"{kind} {package:<16} {tally.killed:>5} of {total:>5} killed {tally.share:6.1f} %")
        whole.survivors += tally.survivors
        whole.accepted += tally.accepted
    print(f"{kind}: {whole.share:.1f} % killed, {whole.accepted} accepted; these survived:")
    print(*sorted(whole.survivors), sep="\n", flush=True)
    clean = all(not tally.survivors for package, tally in tallies.items() if _held_whole(package))
    return clean and whole.share >= _GOAL


def _held_whole(package: str) -> bool:
    """Return whether no mutant of a package may survive."""
    return package in {"identity", "submissions", "feed", "kit"} or package.startswith("api")


def main() -> int:
    """Run both kinds and print what survived."""
    packages = {one for one in os.environ.get("PACKAGES", "").split(",") if one}
    hands = int(os.environ.get("HANDS") or 2)
    kinds = os.environ.get("KINDS") or "rules,guards"
    accepted = _accepted()
    well = True
    for kind, tried in (("rules", _rules), ("guards", _guards)):
        if kind in kinds.split(","):
            well &= _report(kind, _tallies(tried(packages, hands), accepted))
    return int(not well)


if __name__ == "__main__":
    sys.exit(main())
