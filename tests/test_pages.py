"""The pages of the datasets: their tables are those of the contracts, and no suite is left out."""

from __future__ import annotations

import pytest

from payerlake import registry
from payerlake.resources import members, resource
from tests import pages

every_dataset = pytest.mark.parametrize("dataset", registry.datasets())


@every_dataset
def test_the_tables_of_a_page_are_those_of_the_contracts(dataset: str) -> None:
    page = pages.path(dataset).read_text(encoding="utf-8")
    assert pages.with_tables(dataset, page) == page, "run `make pages`"


@every_dataset
def test_a_page_says_what_every_suite_asks(dataset: str) -> None:
    page = pages.path(dataset).read_text(encoding="utf-8")
    suites = members(resource("expectations", dataset), ".json")
    assert [name for name in suites if f"\n| `{name}` | " not in page.partition("<!-- tables -->")[0]] == []


def test_a_column_has_its_type_its_place_in_keys_and_its_meaning() -> None:
    text = pages.tables(registry.dataset("insurance"))
    assert "\n| `member_id` | bigint | key, → members | Member; in CSV and SQL: Member_ID |\n" in text
    assert "\n| `weight` | decimal(6,2) | null | Weight (kg), 1 to 400; in CSV and SQL: Weight |\n" in text
    assert "\nOne row per claim. Key: `claim_id`. Rows: about 400,000. CSV: `claims`.\n" in text


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- tables -->"):
        pages.with_tables("finance", "# finance\n")
