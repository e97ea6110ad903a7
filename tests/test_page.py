"""The page of a validation: what it says, in which order, and that it needs nothing but itself."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from payerlake.checks import data_docs
from payerlake.checks.page import page
from payerlake.checks.reports import Report, RuleReport, SuiteReport
from payerlake.checks.runner import Evaluation, Result
from payerlake.checks.suites import Check, Suite
from payerlake.resources import resource
from payerlake.storage.manifest import ColumnRecord, Manifest, TableRecord

RECORD = TableRecord(3, 1, 120, "00000000000000ff", (ColumnRecord("plan_code", "string", False),))
MADE = Manifest(
    version="0.1.0",
    dataset="pharmacy",
    seed=42,
    slice="1/1",
    settings={"members": 12_345},
    tables={
        "members": {"delta": replace(RECORD, rows=12_345), "csv": replace(RECORD, rows=12_345)},
        "plans": {"csv": replace(RECORD, rows=29)},
    },
)
HELD = RuleReport("plan_code is never null", "contract of plans", True, 29, "0 unexpected", "no null", "")
MEASURED = RuleReport("60 % are <subscribers>", "README & notes", True, 1_234, "0.6012", "0.59 to 0.61", "")
BROKEN = RuleReport(
    rule="25 % are spouses",
    source='the "enrollment" document',
    success=False,
    values=4_321,
    measured="0.3175",
    allowed="0.228 to 0.272, documented 0.25",
    failure="25 % are spouses: found 0.3175 <script>alert(1)</script>",
)
PLANS = SuiteReport("pharmacy.plans", True, 1.25, 29, (HELD,), ())
HOUSEHOLDS = SuiteReport(
    "pharmacy.households", False, 2.5, 98_765, (MEASURED, BROKEN), ("few & far: 300 values, stated for 1,000 or more",)
)
SALES = "pharmacy.plan_sales: needs enrollments"
HOLDING = Report(True, (PLANS, replace(PLANS, name="pharmacy.other", rules=(HELD, HELD))), ())
FAILING = Report(False, (PLANS, HOUSEHOLDS), (SALES,))

VOID = ("meta", "col")  # those without an end that the page has
INLINE = ("a", "span")
LOADING = ("script", "link", "img", "iframe", "object", "embed", "base", "form")


class Reader(HTMLParser):
    """What the page says, its elements, and how they stand in one another. Fails where one is not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.said += "" if tag in INLINE else " "
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.said += "" if tag in INLINE else " "

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said += data

    @property
    def text(self) -> str:
        return " ".join(self.said.split())

    def all(self, attribute: str) -> list[str]:
        return [attributes[attribute] or "" for _, attributes in self.elements if attribute in attributes]


def read(report: Report, made: Manifest = MADE) -> Reader:
    return Reader(page("pharmacy", report, made, 26.34))


def test_every_word_of_a_report_stands_on_the_page() -> None:
    text = read(FAILING).text
    for suite in FAILING.suites:
        assert suite.name in text
        for rule in suite.rules:
            assert {part for part in (rule.rule, rule.source, rule.measured, rule.allowed) if part not in text} == set()
            assert f"{rule.values:,}" in text
    assert all(reason in text for reason in (*HOUSEHOLDS.skipped, *FAILING.not_run))
    assert "98,765" in text


def test_nothing_of_a_report_is_taken_for_html() -> None:
    html = page("phar<macy>", FAILING, MADE, 1.0)
    assert "<script" not in html
    assert "<subscribers>" not in html
    assert "<macy>" not in html
    assert "found 0.3175 <script>alert(1)</script>" in Reader(html).text


def test_what_was_made_stands_before_how_it_went() -> None:
    text = read(FAILING).text
    said = "members 12,345 seed 42 slice the whole rows 12,374 formats csv, delta payerlake 0.1.0"
    assert f"{said} members 12,345 rows plans 29 rows Broken rules" in text


def test_a_slice_says_which_part_it_is() -> None:
    assert "slice part 3 of 1,000 " in read(FAILING, replace(MADE, slice="3/1000")).text


def test_the_parts_come_in_the_order_in_which_they_matter() -> None:
    text = read(FAILING).text
    parts = ["✗ 1 of 3 rules is broken", " seed ", "Broken rules", "Suites", "Rules", "Not asked", "The same results"]
    assert sorted(parts, key=text.index) == parts


def test_a_broken_rule_stands_before_all_others_with_suite_finding_bounds_and_source() -> None:
    text = read(FAILING).text
    said = "suite pharmacy.households found 0.3175 <script>alert(1)</script> allowed 0.228 to 0.272, documented 0.25"
    assert f'✗ 25 % are spouses {said} source the "enrollment" document Suites' in text
    assert text.index(said) < text.index(HELD.rule)


def test_a_broken_rule_without_a_sentence_shows_what_was_measured() -> None:
    suite = replace(HOUSEHOLDS, rules=(replace(BROKEN, failure=""),))
    assert "found 0.3175 allowed" in read(Report(False, (suite,), ())).text


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ((HELD,) * 1372, "✓ all 1,372 rules hold"),
        ((HELD,), "✓ the one rule holds"),
        ((BROKEN, HELD), "✗ 1 of 2 rules is broken"),
        ((BROKEN, BROKEN, HELD), "✗ 2 of 3 rules are broken"),
        ((), "– no rule was asked"),
    ],
)
def test_the_verdict_is_a_sentence_and_a_sign_and_no_mere_colour(rules: tuple[RuleReport, ...], verdict: str) -> None:
    html = page("pharmacy", Report(True, (replace(PLANS, rules=rules),), ()), MADE, 26.34)
    assert f"pharmacy {verdict} 1 suite in 26.3 s" in Reader(html).text
    assert f"<title>pharmacy: {verdict[2:]}</title>" in html


def test_where_all_rules_hold_nothing_is_said_to_be_broken() -> None:
    reader = read(HOLDING)
    assert "roken" not in reader.text
    assert "✗" not in reader.text
    assert "Not asked Every rule of every suite was asked." in reader.text


def test_the_head_tells_of_rules_and_suites_that_were_not_asked() -> None:
    assert "2 suites in 26.3 s; 1 rule not asked; 1 suite not run members" in read(FAILING).text


def test_a_source_that_all_rules_of_a_suite_share_is_said_once() -> None:
    reader = read(Report(True, (replace(PLANS, rules=(HELD,) * 5),), ()))
    assert reader.text.count("source of each rule: contract of plans") == 1
    assert reader.text.count("contract of plans") == 1


def test_a_long_measurement_is_folded_and_whole() -> None:
    shares = ", ".join(f"{i} 0.{i:04} (documented 0.{i:04})" for i in range(50))
    reader = read(Report(True, (replace(PLANS, rules=(replace(HELD, measured=shares),)),), ()))
    assert [tag for tag, _ in reader.elements].count("details") == 1
    assert reader.text.replace(" the rest ", " ").count(shares) == 1


@pytest.mark.parametrize("measured", ["x" * 300, "x" * 150 + " " + "y" * 150, " ".join(["word"] * 100)])
def test_a_text_without_a_place_to_fold_it_is_whole_all_the_same(measured: str) -> None:
    text = read(Report(True, (replace(PLANS, rules=(replace(HELD, measured=measured),)),), ())).text
    assert measured.replace(" ", "") in text.replace(" the rest ", "").replace(" ", "")


@pytest.mark.parametrize("report", [HOLDING, FAILING])
def test_the_page_needs_no_other_file_and_no_network(report: Report) -> None:
    html, reader = page("pharmacy", report, MADE, 26.34), read(report)
    assert [tag for tag, _ in reader.elements if tag in LOADING] == []
    assert reader.all("src") == []
    assert re.findall(r"url\(|@import|https?:|//", html.replace("/*", "").replace("*/", "")) == []


@pytest.mark.parametrize("report", [HOLDING, FAILING])
def test_links_lead_to_places_of_the_page_or_to_the_data_docs_beside_it(report: Report) -> None:
    reader = read(report)
    places = reader.all("id")
    assert len(places) == len(set(places))
    docs = {"data_docs/index.html", *(f"data_docs/suites/{suite.name}.html" for suite in report.suites)}
    assert set(reader.all("href")) - {f"#{place}" for place in places} == docs
    assert set(reader.all("aria-labelledby")) <= set(places)


def test_a_suite_of_any_name_is_linked() -> None:
    reader = read(Report(True, (replace(PLANS, name='pharmacy.a "b" <c>#d'),), ()))
    assert "data_docs/suites/pharmacy.a%20%22b%22%20%3Cc%3E%23d.html" in reader.all("href")
    assert "pharmacy.a%20%22b%22%20%3Cc%3E%23d" in reader.all("id")


def test_every_head_of_a_table_says_what_it_is_the_head_of() -> None:
    assert {attributes.get("scope") for tag, attributes in read(FAILING).elements if tag == "th"} == {"col", "row"}


def test_headings_leave_no_level_out() -> None:
    levels = [int(tag[1]) for tag, _ in read(FAILING).elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_text_can_be_read_on_every_ground(scheme: str) -> None:
    """A contrast of 4.5 to 1 or more: WCAG 2.2, success criterion 1.4.3."""
    blocks = re.findall(r":root \{(.*?)\}", resource("checks", "page.html").read_text(encoding="utf-8"), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w+);", blocks[("light", "dark").index(scheme)]))
    grounds = [name for name in colours if name == "paper" or name.endswith("band")]
    texts = [name for name in colours if name not in (*grounds, "line")]
    pairs = {(text, ground): contrast(colours[text], colours[ground]) for text in texts for ground in grounds}
    assert len(pairs) == 20
    assert {pair: ratio for pair, ratio in pairs.items() if ratio < 4.5} == {}


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    wide = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    parts = [int(wide[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# Great Expectations' own pages


def test_data_docs_show_a_text_of_the_data_as_text(tmp_path: Path) -> None:
    text = "<script>alert(1)</script>"
    check = Check(
        "expect_column_values_to_be_in_set",
        {"column": "sex", "value_set": ["F"]},
        {"rule": "sex is F", "source": "contract"},
        "rows",
    )
    found = {"element_count": 1, "missing_count": 0, "unexpected_count": 1, "partial_unexpected_list": [text]}
    suite = Suite("pharmacy.plans", "here", ("plans",), {"rows": "SELECT 1"}, (check,), ())
    data_docs.build(tmp_path / "docs", "pharmacy", [(suite, Evaluation(1, (Result(check, False, 1, found),), ()))])
    shown = (tmp_path / "docs/suites/pharmacy.plans.html").read_text()
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert text in (tmp_path / "docs/suites/pharmacy.plans.json").read_text()
