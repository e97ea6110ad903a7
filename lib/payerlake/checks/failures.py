"""A broken rule in one short sentence: what was found, of how many, with examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

_EXAMPLES = 3


def sentence(result: ExpectationValidationResult) -> str:
    """`RULE: N unexpected of M, e.g. …`, or what was measured and what is allowed."""
    stated = result.expectation_config
    if stated is None or stated.meta is None:
        raise ValueError("a result without its expectation; runs always keep it")
    return f"{stated.meta['rule']}: {_finding(result, stated.kwargs)}"


def _finding(result: ExpectationValidationResult, kwargs: Mapping[str, Any]) -> str:
    errors = [error for error in _errors(result.exception_info) if error]
    if errors:
        return f"could not be computed: {errors[0]}"
    found = result.result
    if "unexpected_count" in found:
        return _unexpected(found)
    if "details" in found and "observed_partition" in found["details"]:
        return _distribution(found, kwargs)
    return f"found {_figure(found.get('observed_value', 'nothing'))}{_allowed(kwargs)}"


def _errors(info: Mapping[str, Any]) -> list[str]:
    """Messages of an exception, or of exceptions by metric; Great Expectations has both forms."""
    if "exception_message" in info:
        return [_first_line(info["exception_message"])]
    return [_first_line(one["exception_message"]) for one in info.values() if hasattr(one, "keys")]


def _first_line(message: str | None) -> str:
    return (message or "").strip().partition("\n")[0]


def _unexpected(found: Mapping[str, Any]) -> str:
    examined = found["element_count"] - found.get("missing_count", 0)
    examples = [str(value) for value in found.get("partial_unexpected_list", []) if value is not None]
    shown = ", ".join(dict.fromkeys(examples[:_EXAMPLES]))
    return f"{found['unexpected_count']:,} unexpected of {examined:,}{f', e.g. {shown}' if shown else ''}"


def _distribution(found: Mapping[str, Any], kwargs: Mapping[str, Any]) -> str:
    observed = found["details"]["observed_partition"]
    documented = found["details"]["expected_partition"]["weights"]
    alone = [
        str(value)
        for value, weight, expected in zip(observed["values"], observed["weights"], documented, strict=True)
        if weight and not expected
    ]
    if alone:
        return f"undocumented values: {', '.join(alone[:_EXAMPLES])}"
    shares = ", ".join(
        f"{value} {weight:.4f} (documented {expected:.4f})"
        for value, weight, expected in zip(observed["values"], observed["weights"], documented, strict=True)
    )
    return f"divergence {found['observed_value']}, allowed {kwargs['threshold']:.6g}: {shares}"


def _allowed(kwargs: Mapping[str, Any]) -> str:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    if low is None and high is None:
        return ""
    return f", allowed {_figure(low)} to {_figure(high)}"


def _figure(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "any" if value is None else str(value)
