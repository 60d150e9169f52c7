"""What must hold within the checks of a plan document, and between them and its other parts."""

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
from services.core.plan.document import PlanDocument
from services.core.plan.findings import Codes, Findings
from services.core.plan.standing_checks import opening_code


def check_entry_checks(
    document: PlanDocument, codes: Mapping[str, Codes], findings: Findings
) -> None:
    """Add the faults of a plan's rules, balances and built-in checks."""
    findings.add_repeats("duplicate-code", list(_codes(document)))
    check_rules("/check_rules", document.check_rules, codes, findings)
    for index, balance in enumerate(document.balances):
        _check_balance(f"/balances/{index}", balance, codes["indicator"], findings)
    for place, checks in _stated(document):
        _check_built_in(place, checks, findings)


def faults_of_trial(
    rules: Iterable[CheckRule], balances: Iterable[Balance], document: PlanDocument
) -> list[Fault]:
    """Return what is wrong with rules and balances that are tried beside a plan's document.

    Pointers begin with `/rules` and `/balances`.
    """
    indicators = {one.code for one in document.indicators}
    units = {one.code for one in document.organizations}
    codes = {
        "indicator": Codes("indicator", frozenset(indicators), complete=True),
        "organization": Codes("organization", frozenset(units), complete=True),
    }
    findings = Findings(lambda _place: False)
    check_rules("/rules", rules, codes, findings)
    for index, balance in enumerate(balances):
        _check_balance(f"/balances/{index}", balance, codes["indicator"], findings)
    return findings.faults


def check_rules(
    place: str, rules: Iterable[CheckRule], codes: Mapping[str, Codes], findings: Findings
) -> None:
    """Add the faults that each rule of a list has by itself; `place` is the list's pointer."""
    for index, rule in enumerate(rules):
        at = f"{place}/{index}"
        _check_demand(at, rule, findings)
        _not_negative(f"{at}/tolerance", rule.tolerance, findings)
        if rule.operator in PAIRS and rule.tolerance:
            rests_on = [f"{at}/operator"]
            findings.add("tolerance-of-a-pair", f"{at}/tolerance", plain(rule.tolerance), rests_on)
        for side, terms in (("left", rule.left), ("right", rule.right)):
            for number, term in enumerate(terms):
                _check_term(f"{at}/{side}/{number}", term, rule, codes, findings)
        _check_asked(at, rule, findings)


def _codes(document: PlanDocument) -> Iterator[tuple[str, str]]:
    for index, rule in enumerate(document.check_rules):
        yield f"/check_rules/{index}/code", rule.code
    for index, balance in enumerate(document.balances):
        yield f"/balances/{index}/code", balance.code
        if balance.opening is not None:
            yield f"/balances/{index}/code", opening_code(balance)


def _check_term(
    place: str, term: CheckTerm, rule: CheckRule, codes: Mapping[str, Codes], findings: Findings
) -> None:
    if (term.indicator is None) is (term.constant is None):
        findings.add("term-of-one", place, None, [f"{place}/indicator", f"{place}/constant"])
        return
    if term.indicator is None:
        if rule.operator in PAIRS:
            findings.add(
                "constant-in-a-pair", f"{place}/constant", plain(term.constant or Decimal(0))
            )
        said = term.model_fields_set & {"part", "at", "organization"}
        for name in sorted(said):
            findings.add("not-of-a-constant", f"{place}/{name}", getattr(term, name))
    findings.add_unknown(f"{place}/indicator", term.indicator, codes["indicator"])
    findings.add_unknown(f"{place}/organization", term.organization, codes["organization"])


def _check_asked(place: str, rule: CheckRule, findings: Findings) -> None:
    """Add a fault where no figure that is reported would have the rule asked."""
    terms = [one for one in (*rule.left, *rule.right) if one.indicator is not None]
    own = [one for one in terms if one.organization is None] or terms
    if all(one.at != "this_period" for one in own):
        findings.add("never-asked", place, rule.code, [f"{place}/left", f"{place}/right"])


def _check_balance(place: str, balance: Balance, indicators: Codes, findings: Findings) -> None:
    _check_demand(place, balance, findings)
    _not_negative(f"{place}/tolerance", balance.tolerance, findings)
    findings.add_unknown(f"{place}/opening", balance.opening, indicators)
    findings.add_unknown(f"{place}/closing", balance.closing, indicators)
    findings.add_unknown_among(f"{place}/inflows", balance.inflows, indicators)
    findings.add_unknown_among(f"{place}/outflows", balance.outflows, indicators)
    if not (balance.inflows or balance.outflows):
        findings.add("nothing-flows", f"{place}/inflows", None, [f"{place}/outflows"])


def _stated(document: PlanDocument) -> Iterator[tuple[str, EntryChecks]]:
    yield "/entry_checks", document.entry_checks
    for index, indicator in enumerate(document.indicators):
        if indicator.entry_checks is not None:
            yield f"/indicators/{index}/entry_checks", indicator.entry_checks


def _check_built_in(place: str, checks: EntryChecks, findings: Findings) -> None:
    against = [
        (f"{place}/changes/{index}/against", one.against)
        for index, one in enumerate(checks.changes)
    ]
    findings.add_repeats("repeated-reference", against)
    for index, change in enumerate(checks.changes):
        _check_change(f"{place}/changes/{index}", change, findings)
    if checks.outlier is None:
        return
    at, outlier = f"{place}/outlier", checks.outlier
    _check_demand(at, outlier, findings)
    if outlier.threshold <= 0:
        findings.add("threshold-not-positive", f"{at}/threshold", plain(outlier.threshold))
    if outlier.least > outlier.window:
        findings.add("least-above-window", f"{at}/least", outlier.least, [f"{at}/window"])


def _check_change(place: str, change: ChangeCheck, findings: Findings) -> None:
    _check_demand(place, change, findings)
    if change.percent is None and change.absolute is None:
        findings.add("bound-required", f"{place}/percent", None, [f"{place}/absolute"])
    _not_negative(f"{place}/percent", change.percent, findings)
    _not_negative(f"{place}/absolute", change.absolute, findings)


def _check_demand(place: str, demand: Demand, findings: Findings) -> None:
    if demand.needs_justification and demand.importance == "block":
        rests_on = [f"{place}/importance"]
        at = f"{place}/needs_justification"
        findings.add("justification-of-a-block", at, value=True, rests_on=rests_on)


def _not_negative(place: str, number: Decimal | None, findings: Findings) -> None:
    if number is not None and number < 0:
        findings.add("negative-bound", place, plain(number))
