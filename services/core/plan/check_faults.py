"""Validates the checks of a plan document, by themselves and against its other parts."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from services.core.kit.decimals import plain
from services.core.kit.errors import Fault
from services.core.plan.check_entries import (
    PAIRS,
    Balance,
    ChangeCheck,
    CheckRule,
    CheckTerm,
    Demand,
    EntryChecks,
)
from services.core.plan.checks_in_force import opening_code
from services.core.plan.collected_faults import Codes, Faults
from services.core.plan.document import PlanDocument


def check_entry_checks(document: PlanDocument, codes: Mapping[str, Codes], faults: Faults) -> None:
    """Add the faults of a plan's rules, balances and built-in checks."""
    faults.add_repeats("duplicate-code", list(_codes(document)))
    check_rules("/check_rules", document.check_rules, codes, faults)
    for index, balance in enumerate(document.balances):
        _check_balance(f"/balances/{index}", balance, codes["indicator"], faults)
    for place, checks in _stated(document):
        _check_built_in(place, checks, faults)


def faults_of_trial(
    rules: Iterable[CheckRule], balances: Iterable[Balance], document: PlanDocument
) -> list[Fault]:
    """Return the faults of rules and balances that are tried out beside a plan's document.

    Pointers begin with `/rules` and `/balances`.
    """
    indicators = {one.code for one in document.indicators}
    units = {one.code for one in document.organizations}
    codes = {
        "indicator": Codes("indicator", frozenset(indicators), complete=True),
        "organization": Codes("organization", frozenset(units), complete=True),
    }
    faults = Faults(lambda _place: False)
    check_rules("/rules", rules, codes, faults)
    for index, balance in enumerate(balances):
        _check_balance(f"/balances/{index}", balance, codes["indicator"], faults)
    return faults.faults


def check_rules(
    place: str, rules: Iterable[CheckRule], codes: Mapping[str, Codes], faults: Faults
) -> None:
    """Add the faults of each rule of a list by itself; `place` is the list's pointer."""
    for index, rule in enumerate(rules):
        at = f"{place}/{index}"
        _check_demand(at, rule, faults)
        _not_negative(f"{at}/tolerance", rule.tolerance, faults)
        if rule.operator in PAIRS and rule.tolerance:
            rests_on = [f"{at}/operator"]
            faults.add("tolerance-of-a-pair", f"{at}/tolerance", plain(rule.tolerance), rests_on)
        for side, terms in (("left", rule.left), ("right", rule.right)):
            for number, term in enumerate(terms):
                _check_term(f"{at}/{side}/{number}", term, rule, codes, faults)
        _check_asked(at, rule, faults)


def _codes(document: PlanDocument) -> Iterator[tuple[str, str]]:
    for index, rule in enumerate(document.check_rules):
        yield f"/check_rules/{index}/code", rule.code
    for index, balance in enumerate(document.balances):
        yield f"/balances/{index}/code", balance.code
        if balance.opening is not None:
            yield f"/balances/{index}/code", opening_code(balance)


def _check_term(
    place: str, term: CheckTerm, rule: CheckRule, codes: Mapping[str, Codes], faults: Faults
) -> None:
    if (term.indicator is None) is (term.constant is None):
        faults.add("term-of-one", place, None, [f"{place}/indicator", f"{place}/constant"])
        return
    if term.indicator is None:
        if rule.operator in PAIRS:
            faults.add(
                "constant-in-a-pair", f"{place}/constant", plain(term.constant or Decimal(0))
            )
        said = term.model_fields_set & {"part", "at", "organization"}
        for name in sorted(said):
            faults.add("not-of-a-constant", f"{place}/{name}", getattr(term, name))
    faults.add_unknown(f"{place}/indicator", term.indicator, codes["indicator"])
    faults.add_unknown(f"{place}/organization", term.organization, codes["organization"])


def _check_asked(place: str, rule: CheckRule, faults: Faults) -> None:
    """Add a fault if no reported figure would ever trigger the rule."""
    terms = [one for one in (*rule.left, *rule.right) if one.indicator is not None]
    own = [one for one in terms if one.organization is None] or terms
    if all(one.at != "this_period" for one in own):
        faults.add("never-asked", place, rule.code, [f"{place}/left", f"{place}/right"])


def _check_balance(place: str, balance: Balance, indicators: Codes, faults: Faults) -> None:
    _check_demand(place, balance, faults)
    _not_negative(f"{place}/tolerance", balance.tolerance, faults)
    faults.add_unknown(f"{place}/opening", balance.opening, indicators)
    faults.add_unknown(f"{place}/closing", balance.closing, indicators)
    faults.add_unknown_among(f"{place}/inflows", balance.inflows, indicators)
    faults.add_unknown_among(f"{place}/outflows", balance.outflows, indicators)
    if not (balance.inflows or balance.outflows):
        faults.add("nothing-flows", f"{place}/inflows", None, [f"{place}/outflows"])


def _stated(document: PlanDocument) -> Iterator[tuple[str, EntryChecks]]:
    yield "/entry_checks", document.entry_checks
    for index, indicator in enumerate(document.indicators):
        if indicator.entry_checks is not None:
            yield f"/indicators/{index}/entry_checks", indicator.entry_checks


def _check_built_in(place: str, checks: EntryChecks, faults: Faults) -> None:
    against = [
        (f"{place}/changes/{index}/against", one.against)
        for index, one in enumerate(checks.changes)
    ]
    faults.add_repeats("repeated-reference", against)
    for index, change in enumerate(checks.changes):
        _check_change(f"{place}/changes/{index}", change, faults)
    if checks.outlier is None:
        return
    at, outlier = f"{place}/outlier", checks.outlier
    _check_demand(at, outlier, faults)
    if outlier.threshold <= 0:
        faults.add("threshold-not-positive", f"{at}/threshold", plain(outlier.threshold))
    if outlier.least > outlier.window:
        faults.add("least-above-window", f"{at}/least", outlier.least, [f"{at}/window"])


def _check_change(place: str, change: ChangeCheck, faults: Faults) -> None:
    _check_demand(place, change, faults)
    if change.percent is None and change.absolute is None:
        faults.add("bound-required", f"{place}/percent", None, [f"{place}/absolute"])
    _not_negative(f"{place}/percent", change.percent, faults)
    _not_negative(f"{place}/absolute", change.absolute, faults)


def _check_demand(place: str, demand: Demand, faults: Faults) -> None:
    if demand.needs_justification and demand.importance == "block":
        rests_on = [f"{place}/importance"]
        at = f"{place}/needs_justification"
        faults.add("justification-of-a-block", at, value=True, rests_on=rests_on)


def _not_negative(place: str, number: Decimal | None, faults: Faults) -> None:
    if number is not None and number < 0:
        faults.add("negative-bound", place, plain(number))
