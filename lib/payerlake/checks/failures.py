"""A result in words: what was measured, what is allowed, and in one sentence what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from payerlake.checks.reports import RuleReport
from payerlake.checks.runner import Result

_EXAMPLES = 3
_VALUES = 12  # of a distribution that is shown


def report(result: Result) -> RuleReport:
    """The result as it is shown."""
    return RuleReport(
        rule=result.check.rule,
        source=str(result.check.meta["source"]),
        success=result.success,
        values=_examined(result),
        measured=_measured(result),
        allowed=_allowed(result.check.kwargs, result.check.meta),
        failure="" if result.success else f"{result.check.rule}: {_finding(result)}",
    )


def _examined(result: Result) -> int:
    """Rows where it is about nulls, else values that are none."""
    found = result.found or {}
    return int(found.get("element_count", result.values) - found.get("missing_count", 0))


def _measured(result: Result) -> str:
    found = result.found
    if found is None:
        return "could not be computed"
    if "unexpected_count" in found:
        return f"{found['unexpected_count']:,} of {_examined(result):,} break it"
    if "observed_partition" in found.get("details", {}):
        observed = found["details"]["observed_partition"]
        return f"divergence {_figure(found['observed_value'])}: {_shares(observed)}"
    return _figure(found["observed_value"])


def _allowed(kwargs: Mapping[str, Any], meta: Mapping[str, Any]) -> str:
    documented = meta.get("share", meta.get("figure"))
    if "threshold" in kwargs:
        return f"at most {_figure(kwargs['threshold'])}: {_shares(kwargs['partition_object'])}"
    if "column_list" in kwargs:
        return ", ".join(kwargs["column_list"])
    if "column" in kwargs and not _limits(kwargs):
        return "0 may break it"
    return _limits(kwargs) + (f", documented {_figure(documented)}" if documented is not None else "")


def _finding(result: Result) -> str:
    if result.found is None:
        return f"could not be computed: {result.error}"
    found, kwargs = result.found, result.check.kwargs
    examples = found.get("partial_unexpected_list", [])
    if "unexpected_count" in found:
        shown = _examples(examples)
        return f"{found['unexpected_count']:,} unexpected of {_examined(result):,}{f', e.g. {shown}' if shown else ''}"
    if "threshold" in kwargs:
        return f"undocumented values: {_examples(examples)}" if examples else _distribution(found, kwargs)
    limits = _limits(kwargs)
    return f"found {_figure(found['observed_value'])}{f', allowed {limits}' if limits else ''}"


def _examples(values: Iterable[Any]) -> str:
    texts = [str(value) for value in values if value is not None]
    return ", ".join(dict.fromkeys(texts[:_EXAMPLES]))


def _distribution(found: Mapping[str, Any], kwargs: Mapping[str, Any]) -> str:
    observed, documented = (found["details"][f"{side}_partition"] for side in ("observed", "expected"))
    shares = ", ".join(
        f"{value} {weight:.4f} (documented {expected:.4f})"
        for value, weight, expected in zip(*observed.values(), documented["weights"], strict=True)
    )
    return f"divergence {_figure(found['observed_value'])}, allowed {kwargs['threshold']:.6g}: {shares}"


def _shares(partition: Mapping[str, Any]) -> str:
    pairs = list(zip(partition["values"], partition["weights"], strict=True))
    more = f" and {len(pairs) - _VALUES} more" if len(pairs) > _VALUES else ""
    return ", ".join(f"{value} {weight:.4f}" for value, weight in pairs[:_VALUES]) + more


def _limits(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    return "" if low is None and high is None else f"{_figure(low)} to {_figure(high)}"


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "any" if value is None else str(value)
