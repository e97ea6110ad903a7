"""Great Expectations' Data Docs of finished results, by its own page renderers and without a Data Context.

A context would store suites, definitions and results first and read all of them again for every site that it builds.
Pages take their looks from the network when they are opened, as all Data Docs do; making them needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.renderer.site_index_page_renderer import SiteIndexPageRenderer
from great_expectations.render.view import DefaultJinjaIndexPageView, DefaultJinjaPageView


def build(folder: Path, dataset: str, results: Iterable[ExpectationSuiteValidationResult]) -> None:
    """Write `suites/SUITE.html` for each result, and `index.html` that leads to them."""
    renderer, view = ValidationResultsPageRenderer(), DefaultJinjaPageView()
    links = []
    for result in results:
        path = f"suites/{result.suite_name}.html"
        (folder / path).write_text(view.render(renderer.render(result)), encoding="utf-8")
        links.append(_link(result, path))
    index = SiteIndexPageRenderer.render({"site_name": dataset, "validations_links": links})
    (folder / "index.html").write_text(DefaultJinjaIndexPageView().render(index), encoding="utf-8")


def _link(result: ExpectationSuiteValidationResult, path: str) -> dict[str, object]:
    return {
        "expectation_suite_name": result.suite_name,
        "expectation_suite_filepath": path,
        "filepath": path,
        "validation_success": result.success,
        "asset_name": ", ".join(dict(result.meta)["tables"]),
    }
