"""What a validation found: rules in suites in a report, as `results.json`, the page and the command line show them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RuleReport:
    """How one rule went.

    values: how many were looked at. measured and allowed: what was found and what the rule allows, as a reader is to
    see them, with the documented figure where there is one. failure: one sentence where it is broken, else empty.
    """

    rule: str
    source: str
    success: bool
    values: int
    measured: str
    allowed: str
    failure: str


@dataclass(frozen=True)
class SuiteReport:
    """How one suite went. rows: of its batch; rules: those that were asked; skipped: those not, with the reason."""

    name: str
    success: bool
    seconds: float
    rows: int
    rules: tuple[RuleReport, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """How a dataset went. not_run: suites that lack a table, each with what it needs."""

    success: bool
    suites: tuple[SuiteReport, ...]
    not_run: tuple[str, ...]

    @property
    def failures(self) -> tuple[str, ...]:
        """`SUITE: RULE: what was found`, of every rule that is broken."""
        return tuple(f"{suite.name}: {rule.failure}" for suite in self.suites for rule in suite.rules if rule.failure)

    @property
    def skipped(self) -> tuple[str, ...]:
        """`SUITE: RULE: why`, of every rule that was not asked."""
        return tuple(f"{suite.name}: {reason}" for suite in self.suites for reason in suite.skipped)

    @property
    def evaluated(self) -> int:
        """The rules that were asked."""
        return sum(len(suite.rules) for suite in self.suites)
