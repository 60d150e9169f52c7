"""Which checks of a plan apply to which figure. Pure, and computed once per plan version.

A balance is expanded into rules, so that one procedure judges both.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from services.core.plan.check_entries import Balance, CheckRule, CheckTerm, EntryChecks
from services.core.plan.document import Indicator, PlanDocument
from services.core.plan.plausibility import is_share

RuleKind = Literal["rule", "balance"]

_NONE = EntryChecks()


@dataclass(frozen=True, slots=True)
class StandingRule:
    """A rule of the plan, and the kind of entry that it came from.

    It is checked whenever a figure of `asked_of` is reported: by the named unit, or by any (None).
    """

    kind: RuleKind
    rule: CheckRule
    asked_of: frozenset[tuple[str, str | None]]

    def concerns(self, indicator_code: str, organization_code: str) -> bool:
        """Return whether the rule is checked when this unit reports this indicator."""
        return not self.asked_of.isdisjoint(
            {(indicator_code, None), (indicator_code, organization_code)}
        )


@dataclass(frozen=True, slots=True)
class StandingChecks:
    """The checks of a plan: its rules in order, those of each indicator, and the built-in checks.

    `built_in` lacks an indicator without built-in checks; `compared` lacks one whose figures no
    check compares with others.
    """

    rules: tuple[StandingRule, ...]
    by_indicator: Mapping[str, tuple[StandingRule, ...]]
    built_in: Mapping[str, EntryChecks]
    compared: frozenset[str]


def standing_checks(document: PlanDocument) -> StandingChecks:
    """Return the checks of a plan."""
    rules = tuple(_rules(document))
    built_in = {
        one.code: checks
        for one in document.indicators
        if (checks := _built_in(one, document)) != _NONE
    }
    terms = (term for one in rules for term in (*one.rule.left, *one.rule.right))
    named = {term.indicator for term in terms if term.indicator is not None}
    return StandingChecks(rules, by_indicator(rules), built_in, frozenset(named | set(built_in)))


def by_indicator(rules: tuple[StandingRule, ...]) -> Mapping[str, tuple[StandingRule, ...]]:
    """Return rules by the indicators whose figures trigger them."""
    found: dict[str, list[StandingRule]] = defaultdict(list)
    for one in rules:
        for code in {code for code, _ in one.asked_of}:
            found[code].append(one)
    return {code: tuple(listed) for code, listed in found.items()}


def standing(rule: CheckRule, kind: RuleKind = "rule") -> StandingRule:
    """Return a rule with the figures that trigger it."""
    return StandingRule(kind, rule, _asked_of(rule))


def _rules(document: PlanDocument) -> Iterator[StandingRule]:
    for rule in document.check_rules:
        yield standing(rule)
    for balance in document.balances:
        for rule in rules_of_balance(balance):
            yield standing(rule, "balance")


def _asked_of(rule: CheckRule) -> frozenset[tuple[str, str | None]]:
    """Return the figures that trigger a rule: those of the reporting unit and the current period.

    Figures of other periods or of named units are only looked up, and do not trigger it, unless all
    its figures are of named units.
    """
    terms = [one for one in (*rule.left, *rule.right) if one.indicator is not None]
    own = [one for one in terms if one.organization is None]
    return frozenset(
        (one.indicator, one.organization)
        for one in own or terms
        if one.indicator is not None and one.at == "this_period"
    )


def opening_code(balance: Balance) -> str:
    """Return the code of the rule that compares an opening with the closing before it."""
    return f"{balance.code}.opening"


def rules_of_balance(balance: Balance) -> Iterator[CheckRule]:
    """Yield the rules that a balance expands to."""
    carried = CheckTerm(indicator=balance.closing, at="previous_period")
    opening = carried if balance.opening is None else CheckTerm(indicator=balance.opening)
    flows = [CheckTerm(indicator=one) for one in balance.inflows]
    flows += [CheckTerm(indicator=one, times=Decimal(-1)) for one in balance.outflows]
    shared = {name: getattr(balance, name) for name in _SHARED}
    yield CheckRule(
        code=balance.code,
        left=(opening, *flows),
        operator="==",
        right=(CheckTerm(indicator=balance.closing),),
        **shared,
    )
    if balance.opening is not None:
        yield CheckRule(
            code=opening_code(balance), left=(opening,), operator="==", right=(carried,), **shared
        )


_SHARED = (
    *("name", "name_en", "missing", "tolerance"),
    *("importance", "needs_justification", "advice"),
)


def _built_in(indicator: Indicator, document: PlanDocument) -> EntryChecks:
    """Return an indicator's own built-in checks, else the plan's.

    The plan's check of a part within its whole is left out for an indicator that is not a share.
    """
    if indicator.entry_checks is not None:
        return indicator.entry_checks
    default = document.entry_checks
    if default.part_within_whole is None or is_share(indicator):
        return default
    return default.model_copy(update={"part_within_whole": None})
