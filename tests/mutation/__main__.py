"""`make mutants`: mutate the pure rules with mutmut, and drop guards ourselves.

Fails where fewer than 95 % are killed of those that `accepted.toml` does not name as equivalent,
or where one survives in identity, submissions, feed, kit or the doors. Settings are environment
variables: `PACKAGES=identity,api` takes these alone, `SAMPLE=40` draws so many guards (`all`:
every one) with `SEED`, which is printed so that a run can be repeated, `KINDS=guards` leaves out
the pure rules, and `HANDS=2` says how many run at a time.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import Self

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from typing_extensions import override

from tests.mutation.guards import guards_of, package_of
from tests.mutation.trying import Verdict, trials

ROOT = Path(__file__).resolve().parents[2]
_ACCEPTED = Path(__file__).with_name("accepted.toml")
_GOAL = 95
_VERDICTS = {
    "killed": Verdict.KILLED,
    "caught by type check": Verdict.KILLED,
    "timeout": Verdict.SLOW,
}
"""By mutmut's words; in all others it lived."""


@dataclass(slots=True)
class Tally:
    """Of a package: how many mutants were killed, of how many; the survivors in words.

    `slow` of the killed were noticed only because their tests did not come to an end.
    """

    killed: int = 0
    slow: int = 0
    accepted: int = 0
    survivors: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return how many percent were killed of those that change something."""
        all_of_them = self.killed + len(self.survivors)
        return 100 * self.killed / all_of_them if all_of_them else 100.0

    def __iadd__(self, other: "Tally") -> Self:
        """Add another package's."""
        self.killed += other.killed
        self.slow += other.slow
        self.accepted += other.accepted
        self.survivors += other.survivors
        return self

    @override
    def __str__(self) -> str:
        """Return the figures in one line."""
        total = self.killed + len(self.survivors)
        return (
            f"{self.killed:>5} of {total:>5} killed {self.share:6.1f} %,"
            f" {self.slow} by time alone, {self.accepted} accepted"
        )


Outcome = tuple[str, str, str, Verdict]
"""A mutant's package; where and what it is, as `accepted.toml` names it; what became of it."""


def _accepted() -> set[tuple[str, str]]:
    """Return (where, line) of each mutant that changes nothing anybody can see."""
    entries = tomllib.loads(_ACCEPTED.read_text(encoding="utf-8"))["accepted"]
    return {(entry["where"], entry["line"]) for entry in entries}


def _rules(packages: set[str], hands: int) -> Iterator[Outcome]:
    """Mutate the pure rules that pyproject.toml names, each against the tests that reach it."""
    os.chdir(ROOT)  # mutmut finds its records from where it is
    chosen = {package_of(str(file)) for file in walk_mutatable_files()} & packages
    if packages and not chosen:
        return
    _forget_survivors()
    _renew_what_is_no_code()
    _mutmut(hands, *map(_names_of, sorted(chosen)))
    if slow := [name for _, _, name, verdict in _records(packages) if verdict is Verdict.SLOW]:
        _mutmut(1, *slow)  # whether it hangs, or the machine was busy
    for package, file, name, verdict in _records(packages):
        where = name.rpartition("__mutmut_")[0]
        lives = verdict is Verdict.SURVIVED
        yield package, where, _changed_line(name, file) if lives else "", verdict


def _renew_what_is_no_code() -> None:
    """Let the copy hold the tests and the data that there are: mutmut takes only code anew."""
    copy = ROOT / "mutants"
    if not copy.exists():
        return
    shutil.rmtree(copy / "tests", ignore_errors=True)
    for file in (ROOT / "services").rglob("*"):
        if file.is_file() and file.suffix not in {".py", ".pyc"}:
            kept = copy / file.relative_to(ROOT)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, kept)


def _mutmut(hands: int, *names: str) -> None:
    """Try the mutants of these names, or without names all whose fate is not known."""
    programs = Path(sys.executable).parent
    path = f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(hands), *names]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, check=True)


def _names_of(package: str) -> str:
    """Return the pattern by which mutmut knows the mutants of a package."""
    whole = package in {"api", "worker", "outgoing"}
    return f"services.{package}.*" if whole else f"services.core.{package}.*"


def _forget_survivors() -> None:
    """Let what lived, or only took long, be tried again: mutmut sees no change of the tests."""
    for file in walk_mutatable_files():
        data = SourceFileMutationData(path=file)
        data.load()
        for name, code in data.exit_code_by_key.items():
            if status_by_exit_code[code] not in {"killed", "caught by type check"}:
                data.exit_code_by_key[name] = None
        if data.exit_code_by_key:
            data.save()


def _records(packages: set[str]) -> Iterator[tuple[str, Path, str, Verdict]]:
    """Yield of each mutant its package, file, name, and what became of it."""
    for file in walk_mutatable_files():
        data = SourceFileMutationData(path=file)
        data.load()
        package = package_of(str(file))
        if packages and package not in packages:
            continue
        for name, code in data.exit_code_by_key.items():
            status = status_by_exit_code[code]
            if status != "no tests":  # what only a session runs: its guards are dropped instead
                yield package, file, name, _VERDICTS.get(status, Verdict.SURVIVED)


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
    for number, trial in enumerate(trials(drawn, ROOT, hands), start=1):
        guard = trial.guard
        print(
            f"{number}/{count} {trial.verdict} {guard.where} {guard.within}: {guard.words}"
            f" [{trial.noticed_by}]",
            flush=True,
        )
        yield guard.package, f"{guard.path}:{guard.within}", guard.words, trial.verdict


def _tallies(outcomes: Iterable[Outcome], accepted: set[tuple[str, str]]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = defaultdict(Tally)
    for package, where, line, verdict in outcomes:
        tally = tallies[package]
        if verdict is not Verdict.SURVIVED:
            tally.killed += 1
            tally.slow += verdict is Verdict.SLOW
        elif (where, line) in accepted:
            tally.accepted += 1
        else:
            tally.survivors.append(f"{where}: {line}")
    return tallies


def _report(kind: str, tallies: dict[str, Tally]) -> bool:
    """Print the share by package and what survived; return whether all is well."""
    whole = Tally()
    for package, tally in sorted(tallies.items()):
        print(f"{kind} {package:<16} {tally}")
        whole += tally
    print(f"{kind} {'all':<16} {whole}; these survived:")
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
