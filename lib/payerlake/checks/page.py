"""The page of a validation: what was made, whether it keeps its rules, and each rule beside what was measured.

One HTML file that needs nothing else: no network, no script, no file beside it but those that it links to, which are
Great Expectations' own Data Docs. What it looks like stands in `page.html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from jinja2 import Environment, StrictUndefined, Template

from payerlake.checks.reports import Report, RuleReport
from payerlake.resources import resource
from payerlake.storage.manifest import Manifest

_LONG = 200  # characters; the shares of fifty states are more, the sentences of rules hardly ever
_SHOWN = 140  # of a text that is longer


def page(dataset: str, report: Report, made: Manifest, seconds: float) -> str:
    """The page as HTML, for `index.html` beside the folder `data_docs`.

    report: how the validation of `made` went, which took so many seconds. Broken rules come before all others. Data
    that break a rule raise nothing.
    """
    return _template().render(
        dataset=dataset,
        report=report,
        made=made,
        seconds=seconds,
        rules=[rule for suite in report.suites for rule in suite.rules],
        broken=[(suite, rule) for suite in report.suites for rule in _broken(suite.rules)],
        rows={table: next(iter(formats.values())).rows for table, formats in made.tables.items()},
        formats=sorted({name for formats in made.tables.values() for name in formats}),
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "counted": _counted,
        "finding": _finding,
        "number": _number,
        "part": _part,
        "shared_source": _shared_source,
        "split": _split,
        "state": _state,
        "verdict": _verdict,
    }
    return environment.from_string(resource("checks", "page.html").read_text(encoding="utf-8"))


def _broken(rules: Iterable[RuleReport]) -> list[RuleReport]:
    return [rule for rule in rules if not rule.success]


def _state(rules: Sequence[RuleReport]) -> str:
    """`unasked`, `broken` or `holds`. Where nothing was asked, nothing is known to hold."""
    if not rules:
        return "unasked"
    return "broken" if _broken(rules) else "holds"


def _verdict(rules: Sequence[RuleReport]) -> str:
    """The state in words: `all 372 rules hold`, `3 of 372 rules are broken`."""
    broken = len(_broken(rules))
    if not rules:
        return "no rule was asked"
    if not broken:
        return f"all {_number(len(rules))} rules hold" if len(rules) > 1 else "the one rule holds"
    return f"{_number(broken)} of {_counted(len(rules), 'rule')} {'is' if broken == 1 else 'are'} broken"


def _shared_source(rules: Iterable[RuleReport]) -> str:
    """The source that all of these rules have, as those of a contract do; empty where they differ."""
    sources = {rule.source for rule in rules}
    return sources.pop() if len(sources) == 1 else ""


def _finding(rule: RuleReport) -> str:
    """What was found, of a broken rule: its failure without the words that stand before it on the page."""
    return rule.failure.removeprefix(f"{rule.rule}: ").removeprefix("found ") or rule.measured


def _number(value: int) -> str:
    return f"{value:,}"


def _counted(value: int, what: str) -> str:
    """`1 rule`, `372 rules`."""
    return f"{_number(value)} {what}{'' if value == 1 else 's'}"


def _part(of: str) -> str:
    """The slice in words: `the whole` or `part 3 of 100`."""
    part, parts = of.split("/")
    return "the whole" if parts == "1" else f"part {_number(int(part))} of {_number(int(parts))}"


def _split(text: str) -> tuple[str, str]:
    """What of the text is always shown, and what is folded; of most texts nothing is."""
    if len(text) <= _LONG:
        return text, ""
    end = text.rfind(", ", 0, _SHOWN) + 1 or text.rfind(" ", 0, _SHOWN) + 1 or _SHOWN
    return text[:end], text[end:]
