"""Great Expectations' own results and Data Docs, made of ours by its classes and renderers, without a Data Context.

A context would store suites, definitions and results first and read all of them again for every site that it builds.
Pages fetch their looks and scripts from the network when they are opened, as all Data Docs do; making them needs none.

This is the one module that imports Great Expectations, which takes three seconds: import it where it is used.
"""

from __future__ import annotations

import html
import json
import logging
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

# Read when Great Expectations is imported: nothing may leave the machine.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.renderer.site_index_page_renderer import SiteIndexPageRenderer
from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView

from payerlake.checks.runner import Evaluation, Result
from payerlake.checks.suites import Suite

# Without a handler Python prints warnings to the screen; the root logger's handlers, if any, still get them.
for _name in ("great_expectations", "py.warnings"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def build(folder: Path, dataset: str, evaluated: Iterable[tuple[Suite, Evaluation]]) -> None:
    """Write `suites/SUITE.json` and `suites/SUITE.html` for each suite, and `index.html` that leads to them."""
    renderer, view = ValidationResultsPageRenderer(), DefaultJinjaPageView()
    (folder / "suites").mkdir(parents=True)
    links = []
    for suite, evaluation in evaluated:
        result, path = suite_result(suite, evaluation), f"suites/{suite.name}"
        content = json.dumps(result.to_json_dict(), indent=2, ensure_ascii=False)
        (folder / f"{path}.json").write_text(f"{content}\n", encoding="utf-8")
        shown = suite_result(suite, _as_markup(evaluation))
        (folder / f"{path}.html").write_text(view.render(renderer.render(shown)), encoding="utf-8")
        links.append(_link(result, f"{path}.html"))
    index = SiteIndexPageRenderer.render({"site_name": dataset, "validations_links": links})
    (folder / "index.html").write_text(DefaultJinjaIndexPageView().render(index), encoding="utf-8")


def suite_result(suite: Suite, evaluation: Evaluation) -> ExpectationSuiteValidationResult:
    """The evaluation as Great Expectations has it."""
    results = [_result(result) for result in evaluation.results]
    passed = sum(result.success for result in evaluation.results)
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


def _result(result: Result) -> ExpectationValidationResult:
    check = result.check
    stated = ExpectationConfiguration(
        type=check.type,
        kwargs=dict(check.kwargs) | {"batch_id": check.batch},
        meta=dict(check.meta),
        description=check.description,
    )
    raised = {"raised_exception": True, "exception_message": result.error, "exception_traceback": ""}
    more: dict[str, Any] = {"exception_info": raised} if result.error else {}
    return ExpectationValidationResult(
        success=result.success, expectation_config=stated, result=result.found or {}, **more
    )


def _as_markup(evaluation: Evaluation) -> Evaluation:
    """For pages, into which Great Expectations puts texts of the data as they are."""
    results = tuple(replace(result, found=_escaped(result.found)) for result in evaluation.results)
    return replace(evaluation, results=results)


def _escaped(value: Any) -> Any:
    """What was found, with its texts as text for HTML."""
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {name: _escaped(part) for name, part in value.items()}
    return [_escaped(part) for part in value] if isinstance(value, (list, tuple)) else value


def _link(result: ExpectationSuiteValidationResult, path: str) -> dict[str, object]:
    return {
        "expectation_suite_name": result.suite_name,
        "expectation_suite_filepath": path,
        "filepath": path,
        "validation_success": result.success,
        "asset_name": ", ".join(dict(result.meta)["tables"]),
    }
