"""Runs a suite with Great Expectations: its expectations, its metrics, its results; one Spark job a batch.

This is the one module that imports Great Expectations' engine, which takes three seconds: import it where it is used.

Left to itself, Great Expectations 1.24 on Spark counts the rows in a job of its own before every bundle of
aggregates, takes a job for the values of each column, and asks for a sample of unexpected values once an expectation
even where it has just counted none. `OneScanEngine` orders the same metrics better.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# Read when Great Expectations is imported: nothing may leave the machine.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import numpy as np
import pandas as pd
from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.exceptions import ExpectationNotFoundError
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.execution_engine.execution_engine import MetricComputationConfiguration
from great_expectations.execution_engine.sparkdf_batch_data import SparkDFBatchData
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.registry import get_expectation_impl, get_metric_provider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validation_graph import ExpectationValidationGraph, MetricEdge, ValidationGraph
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.checks import tolerances
from payerlake.checks.keys import quoted
from payerlake.checks.suites import Check, Suite
from payerlake.errors import BadInput

_SAMPLES = ".unexpected_values"
_ROW_COUNT = "table.row_count"
_VALUE_COUNTS = "column.value_counts"
_UNEXPECTED = ".unexpected_count.aggregate_fn"
_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 5}

# Without a handler Python prints warnings to the screen; the root logger's handlers, if any, still get them.
for _name in ("great_expectations", "py.warnings"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Evaluation:
    """The result of a suite, the rows of its main batch, and the rules skipped, each with the reason."""

    result: ExpectationSuiteValidationResult
    rows: int
    skipped: tuple[str, ...]


class OneScanEngine(SparkDFExecutionEngine):
    """Spark engine that bundles all aggregates of a batch into one job, and samples only where there is something."""

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[MetricConfiguration],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Resolve the cheapest kind of what is ready: what takes no job, every aggregate, values, samples."""
        ready, known = list(metrics_to_resolve), metrics or {}
        counted = [metric for metric in ready if metric.metric_name.endswith(_UNEXPECTED)]
        if counted:
            return {metric.id: _unexpected(metric, known) for metric in counted}
        samples = [metric for metric in ready if metric.metric_name.endswith(_SAMPLES)]
        values = [metric for metric in ready if self._is_plain_count_of_values(metric)]
        aggregates = [metric for metric in ready if self._is_aggregate(metric)]
        direct = [metric for metric in ready if metric not in (*samples, *values, *aggregates)]
        if direct or aggregates:
            return super().resolve_metrics(direct or aggregates, known, runtime_configuration)
        if values:
            return self._value_counts(values)
        none: dict[Any, Any] = {metric.id: [] for metric in samples if known.get(_count_of(metric).id) == 0}
        wanted = [metric for metric in samples if metric.id not in none]
        return none | (super().resolve_metrics(wanted, known, runtime_configuration) if wanted else {})

    def resolve_metric_bundle(self, metric_fn_bundle: Iterable[MetricComputationConfiguration]) -> dict[Any, Any]:
        """All aggregates of a batch in one job, however each expectation spells that it means every row."""
        return super().resolve_metric_bundle([_spelt_alike(one) for one in metric_fn_bundle])

    def _value_counts(self, metrics: Sequence[MetricConfiguration]) -> dict[Any, Any]:
        """How often each value of each column occurs: all columns of one batch in one job, by grouping sets."""
        batch = metrics[0].metric_domain_kwargs["batch_id"]
        wanted = {m.metric_domain_kwargs["column"]: m for m in metrics if m.metric_domain_kwargs["batch_id"] == batch}
        frame = self.get_domain_records(domain_kwargs=_domain(batch))
        # In SQL, since the method of the same name is younger than Spark 3.5.
        columns, sets = (", ".join(form.format(quoted(name)) for name in wanted) for form in ("{}", "({})"))
        query = f"SELECT {columns}, count(*) FROM {{frame}} GROUP BY GROUPING SETS ({sets})"
        rows = frame.sparkSession.sql(query, frame=frame).collect()
        counts = [sorted((row[i], row[-1]) for row in rows if row[i] is not None) for i in range(len(wanted))]
        return {metric.id: _series(found) for metric, found in zip(wanted.values(), counts, strict=True)}

    def _is_plain_count_of_values(self, metric: MetricConfiguration) -> bool:
        """Whether it counts the values of a column that exists, in every row, as the divergence of categories asks."""
        if metric.metric_name != _VALUE_COUNTS or metric.metric_domain_kwargs.get("row_condition"):
            return False
        frame = self.get_domain_records(domain_kwargs=_domain(metric.metric_domain_kwargs["batch_id"]))
        return metric.metric_domain_kwargs["column"] in frame.columns

    def _is_aggregate(self, metric: MetricConfiguration) -> bool:
        return get_metric_provider(metric.metric_name, self)[1] is None

    def ignores_the_count(self, metric: MetricConfiguration) -> bool:
        """Whether it is an aggregate or a part of one: each asks for the number of rows first, and none uses it."""
        return metric.metric_name.endswith((".condition", ".aggregate_fn")) or self._is_aggregate(metric)


def expectations(suite: Suite) -> list[Expectation]:
    """The suite's expectations as Great Expectations has them. Raises BadInput naming file and position."""
    return [_expectation(suite, position, check) for position, check in enumerate(suite.checks, start=1)]


def evaluate(suite: Suite, batches: Mapping[str, DataFrame]) -> Evaluation:
    """Run all expectations of the suite in one pass over each of its batches.

    Bounds that follow from the number of rows are computed from the count that the same pass makes.
    """
    engine = OneScanEngine(spark=batches["rows"].sparkSession, persist=False)
    for name, frame in batches.items():
        engine.load_batch_data(name, SparkDFBatchData(engine, frame))
    stated = expectations(suite)
    counts = [_values_counts(check) for check in suite.checks]
    graphs = [_graph(engine, expectation, count) for expectation, count in zip(stated, counts, strict=True)]
    resolved, aborted = _resolve(engine, graphs)
    results, skipped = [], []
    for check, expectation, graph, count in zip(suite.checks, stated, graphs, counts, strict=True):
        n = _values(count, resolved)
        if n is not None and (why := tolerances.too_few(check.type, check.meta, n)):
            skipped.append(f"{check.rule}: {why}")
            continue
        final = _with_bounds(expectation, check, n)
        results.append(_result(engine, final, graph, resolved, aborted))
    rows = resolved.get(_count("rows").id, 0)
    return Evaluation(_suite_result(suite, results), int(rows), tuple(skipped))


def _expectation(suite: Suite, position: int, check: Check) -> Expectation:
    where = f"{suite.origin}: expectation {position} ({check.rule})"
    kwargs = dict(check.kwargs) | {"batch_id": check.batch, "meta": dict(check.meta), "description": check.description}
    try:
        return get_expectation_impl(check.type)(**kwargs)
    except ExpectationNotFoundError as error:
        raise BadInput(
            f"{where}: {check.type!r} is not an expectation of Great Expectations; see its gallery"
        ) from error
    except (TypeError, ValueError) as error:
        raise BadInput(f"{where}: {check.type}: {' '.join(str(error).split())}") from error


def _graph(engine: OneScanEngine, expectation: Expectation, count: Iterable[MetricConfiguration]) -> ValidationGraph:
    """All that the expectation and its bounds are computed from: where any of it fails, the expectation does."""
    needed = expectation.get_validation_dependencies(engine, {"result_format": _RESULT_FORMAT})
    graph = ValidationGraph(execution_engine=engine)
    for metric in (*needed.get_metric_configurations(), *count):
        graph.build_metric_dependency_graph(metric_configuration=metric)
    return graph


def _resolve(engine: OneScanEngine, graphs: Iterable[ValidationGraph]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    whole = ValidationGraph(execution_engine=engine)
    whole.build_metric_dependency_graph(metric_configuration=_count("rows"))
    for edge in (edge for graph in graphs for edge in graph.edges):
        whole.add(edge)
    needed = ValidationGraph(execution_engine=engine, edges=[edge for edge in whole.edges if _is_used(engine, edge)])
    return needed.resolve(runtime_configuration={"catch_exceptions": True}, show_progress_bars=False)


def _is_used(engine: OneScanEngine, edge: MetricEdge) -> bool:
    """Whether the left metric uses the right one; where it does not, it is told not to ask for it either."""
    if not engine.ignores_the_count(edge.left):
        return True
    edge.left.metric_dependencies.pop(_ROW_COUNT, None)
    return edge.right is None or edge.right.metric_name != _ROW_COUNT


def _count(batch: str) -> MetricConfiguration:
    return MetricConfiguration(_ROW_COUNT, _domain(batch))


def _domain(batch: str) -> dict[str, Any]:
    """Written as expectations write theirs: only metrics of literally the same domain share a job."""
    return {"batch_id": batch, "table": None, "row_condition": None, "condition_parser": None}


def _values_counts(check: Check) -> tuple[MetricConfiguration, ...]:
    """What n is made of: the rows of the batch less the nulls of the column."""
    if not _wants_n(check):
        return ()
    if "column" not in check.kwargs:
        return (_count(check.batch),)
    domain = _domain(check.batch) | {"column": check.kwargs["column"]}
    return _count(check.batch), MetricConfiguration("column_values.nonnull.unexpected_count", domain)


def _wants_n(check: Check) -> bool:
    return "minimum_rows" in check.meta or tolerances.sums_up(check.type)


def _values(count: Sequence[MetricConfiguration], resolved: Mapping[Any, Any]) -> int | None:
    """How many there are; None where they were not asked for, or could not be counted."""
    if not count or any(metric.id not in resolved for metric in count):
        return None
    return int(sum(sign * resolved[metric.id] for sign, metric in zip((1, -1), count, strict=False)))


def _unexpected(metric: MetricConfiguration, known: Mapping[Any, Any]) -> tuple[Any, Any, Any]:
    """The aggregate that counts; Great Expectations' own sums ones and zeros, twice the code to compile and run."""
    condition, domain, column = known[metric.metric_dependencies["unexpected_condition"].id]
    return F.count_if(condition), domain, column


def _spelt_alike(computed: MetricComputationConfiguration) -> MetricComputationConfiguration:
    """Its domain as `_domain` spells it, where that is every row of a batch."""
    domain = computed.compute_domain_kwargs or {}
    if domain.get("row_condition") or not set(domain) <= set(_domain("")):
        return computed
    return replace(computed, compute_domain_kwargs=_domain(domain["batch_id"]))


def _series(found: Sequence[tuple[Any, int]]) -> pd.Series[Any]:
    """Values and their counts as the metric `column.value_counts` gives them."""
    values, counts = [value for value, _ in found], [count for _, count in found]
    return pd.Series(counts, index=pd.Index(values, name="value"), name="count")


def _count_of(sample: MetricConfiguration) -> MetricConfiguration:
    """The count of the unexpected values that the sample is taken of."""
    arguments = {name: value for name, value in sample.metric_value_kwargs.items() if name != "result_format"}
    name = f"{sample.metric_name.removesuffix(_SAMPLES)}.unexpected_count"
    return MetricConfiguration(name, sample.metric_domain_kwargs, arguments)


def _with_bounds(expectation: Expectation, check: Check, n: int | None) -> Expectation:
    if n is None or not tolerances.follows_rows(check.type, check.kwargs, check.meta):
        return expectation
    bounds = tolerances.bounds(check.kwargs, check.meta, n)
    return expectation.copy(update=bounds | {"meta": dict(check.meta) | {"n": n}})


def _result(
    engine: OneScanEngine,
    expectation: Expectation,
    graph: ValidationGraph,
    resolved: dict[Any, Any],
    aborted: dict[Any, Any],
) -> ExpectationValidationResult:
    configuration = expectation.configuration
    errors = ExpectationValidationGraph(configuration, graph).get_exception_info(metric_info=aborted)
    if errors:
        return ExpectationValidationResult(success=False, exception_info=errors, expectation_config=configuration)
    return _plain(expectation.metrics_validate(resolved, {"result_format": dict(_RESULT_FORMAT)}, engine))


def _plain(result: ExpectationValidationResult) -> ExpectationValidationResult:
    """With a plain number for NumPy's: Data Docs cannot write those of NumPy 2, and leave the rule's lines empty."""
    observed = result.result.get("observed_value")
    if isinstance(observed, np.generic):
        result.result["observed_value"] = observed.item()
    return result


def _suite_result(suite: Suite, results: list[ExpectationValidationResult]) -> ExpectationSuiteValidationResult:
    passed = sum(bool(result.success) for result in results)
    return ExpectationSuiteValidationResult(
        success=passed == len(results),
        results=results,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(results) - passed,
            "success_percent": 100.0 * passed / len(results) if results else None,
        },
        meta={"batches": dict(suite.batches), "tables": list(suite.tables)},
    )
