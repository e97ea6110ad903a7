"""The notebook about formularies: every answer against what Python reckons from the tables themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

import payerlake

SOURCE = Path(__file__).parent.parent / "jobs" / "notebooks" / "formularies.py"
LIMITS = ("requires_prior_auth", "requires_step_therapy", "quantity_limit", "days_supply_limit")


class Notebook:
    """What the notebook left behind, and the tables that it asked."""

    def __init__(self, left: dict[str, Any]) -> None:
        self.left = left
        tables = left["tables"]
        self.plans = {row["plan_code"]: row for row in tables["plans"].collect()}
        self.drugs = {row["ndc_code"]: row for row in tables["drugs"].collect()}
        self.formularies = {row["formulary_code"]: row for row in tables["formularies"].collect()}
        # Of each formulary its lines by drug.
        self.lines: dict[str, dict[str, Row]] = defaultdict(dict)
        for row in tables["formulary_drugs"].drop("formulary_drug_id").collect():
            self.lines[row["formulary_code"]][row["ndc_code"]] = row

    def rows(self, name: str) -> list[Row]:
        return self.left[name].collect()

    def price(self, ndc: str) -> Decimal:
        drug = self.drugs[ndc]
        return drug["mac_price"] if drug["is_generic"] else drug["wac_price"]

    def pays(self, plan: str, tier: int, ndc: str) -> Decimal:
        copay, share = self.plans[plan][f"tier{tier}_copay"], self.plans[plan][f"tier{tier}_coinsurance"]
        if copay > 0:
            return min(copay, self.price(ndc))
        return (share * self.price(ndc)).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def marketed(self, formulary: str) -> dict[str, Row]:
        return {ndc: line for ndc, line in self.lines[formulary].items() if self.drugs[ndc]["is_active"]}

    def steps(self, formulary: str, ndc: str) -> list[str]:
        """What may be tried before the drug, best first."""
        lines, this = self.marketed(formulary), self.lines[formulary][ndc]
        found = [
            other
            for other, line in lines.items()
            if self.drugs[other]["drug_class"] == self.drugs[ndc]["drug_class"]
            and not line["requires_step_therapy"]
            and line["tier"] <= this["tier"]
        ]
        return sorted(found, key=lambda other: (lines[other]["tier"], self.price(other), other))


@pytest.fixture(scope="module")
def notebook(spark: SparkSession) -> Iterator[Notebook]:
    kept: dict[str, DataFrame] = {}
    tables = payerlake.tables

    def once(*args: Any, **options: Any) -> dict[str, DataFrame]:
        """The tables, each made once, however many questions ask it."""
        kept.update((name, frame.cache()) for name, frame in tables(*args, **options).items())
        return kept

    left: dict[str, Any] = {"spark": spark}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(payerlake, "tables", once)
        exec(compile(SOURCE.read_text(), str(SOURCE), "exec"), left)
    yield Notebook(left)
    for frame in kept.values():
        frame.unpersist()


def test_every_fill_costs_what_plan_and_prices_say(notebook: Notebook) -> None:
    rows = notebook.left["coverage"].select("formulary_code", "ndc_code", "price", "pays").collect()
    of_kinds: dict[str, int] = defaultdict(int)
    for code, ndc, price, pays in rows:
        plan, tier = notebook.formularies[code]["plan_code"], notebook.lines[code][ndc]["tier"]
        assert (price, pays) == (notebook.price(ndc), notebook.pays(plan, tier, ndc))
        if pays == notebook.plans[plan][f"tier{tier}_copay"]:
            of_kinds["copay" if pays else "free"] += 1
        else:
            of_kinds["price" if pays == price else "coinsurance"] += 1
    active = [code for code, row in notebook.formularies.items() if row["is_active"]]
    assert len(rows) == sum(len(notebook.marketed(code)) for code in active)
    assert set(of_kinds) == {"copay", "price", "coinsurance", "free"}


def test_a_fill_by_hand() -> None:
    """The reckoning above on figures that one can do in one's head."""
    plan = {"tier1_copay": "0", "tier1_coinsurance": "0.25", "tier2_copay": "10", "tier2_coinsurance": "0.25"}
    free = {"tier3_copay": "0", "tier3_coinsurance": "0"}
    by_hand = Notebook.__new__(Notebook)
    by_hand.plans = {"P": Row(**{name: Decimal(value) for name, value in (plan | free).items()})}
    cheap = Row(is_generic=True, mac_price=Decimal("6.30"), wac_price=Decimal("9"))
    dear = Row(is_generic=False, mac_price=None, wac_price=Decimal("738.90"))
    by_hand.drugs = {"cheap": cheap, "dear": dear}
    costs = {(tier, ndc): by_hand.pays("P", tier, ndc) for tier in (1, 2, 3) for ndc in ("cheap", "dear")}
    assert costs == {
        (1, "cheap"): Decimal("1.58"), (1, "dear"): Decimal("184.73"),
        (2, "cheap"): Decimal("6.30"), (2, "dear"): 10,
        (3, "cheap"): 0, (3, "dear"): 0,
    }  # fmt: skip


def test_benefits_are_those_of_the_members_current_plan(notebook: Notebook) -> None:
    member, ndc = notebook.left["member"], notebook.left["prescription"]["ndc_code"]
    plan = member["plan_code"]
    enrolled = notebook.left["tables"]["enrollments"].where(f"member_number = '{member['member_number']}'").collect()
    assert plan in {row["plan_code"] for row in enrolled if row["is_active"]}
    covering = {
        code: notebook.lines[code][ndc]
        for code, row in notebook.formularies.items()
        if row["is_active"] and row["plan_code"] == plan and ndc in notebook.lines[code]
    }
    rows = notebook.rows("benefits")
    assert sorted(row["formulary_code"] for row in rows) == sorted(covering)
    assert notebook.left["formulary"] in covering
    for row in rows:
        line = covering[row["formulary_code"]]
        assert [row[name] for name in ("tier", *LIMITS)] == [line[name] for name in ("tier", *LIMITS)]
        assert row["pays"] == notebook.pays(plan, row["tier"], ndc)


def test_drugs_to_approve(notebook: Notebook) -> None:
    lines = notebook.marketed(notebook.left["formulary"])
    stated = {ndc: line["tier"] for ndc, line in lines.items() if line["requires_prior_auth"]}
    rows = notebook.rows("to_approve")
    assert len(rows) == len(stated)
    assert {row["ndc_code"]: row["tier"] for row in rows} == stated
    assert notebook.left["prescription"]["requires_prior_auth"] == (notebook.left["prescription"]["ndc_code"] in stated)


def test_the_first_step_is_the_cheapest_of_the_lowest_tier(notebook: Notebook) -> None:
    formulary = notebook.left["formulary"]
    lines = notebook.marketed(formulary)
    stepped = [ndc for ndc, line in lines.items() if line["requires_step_therapy"]]
    stated = {ndc: notebook.steps(formulary, ndc)[0] for ndc in stepped if notebook.steps(formulary, ndc)}
    rows = notebook.rows("first_steps")
    assert {row["ndc_code"]: row["first_ndc_code"] for row in rows} == stated
    assert len(rows) == len(stated) > 10
    for row in rows:
        first = lines[row["first_ndc_code"]]
        assert notebook.drugs[first["ndc_code"]]["drug_class"] == row["drug_class"]
        assert not first["requires_step_therapy"]
        assert first["tier"] == row["first_tier"] <= row["tier"] == lines[row["ndc_code"]]["tier"]
    assert any(row["first_tier"] < row["tier"] for row in rows)


def test_costs_of_the_prescription_and_its_alternatives(notebook: Notebook) -> None:
    formulary, prescription = notebook.left["formulary"], notebook.left["prescription"]
    plan, ndc = notebook.left["member"]["plan_code"], prescription["ndc_code"]
    assert prescription["requires_step_therapy"]
    lines, rows = notebook.marketed(formulary), notebook.rows("costs")
    assert rows[0]["ndc_code"] == ndc
    assert sorted(row["ndc_code"] for row in rows[1:]) == sorted(notebook.steps(formulary, ndc))
    assert len(rows) > 1
    paid = notebook.pays(plan, lines[ndc]["tier"], ndc)
    for row in rows:
        pays = notebook.pays(plan, lines[row["ndc_code"]]["tier"], row["ndc_code"])
        assert (row["pays"], row["saves"]) == (pays, paid - pays)


def test_two_formularies_compared(notebook: Notebook) -> None:
    codes = notebook.left["formulary"], notebook.left["other_formulary"]
    assert len({notebook.formularies[code]["plan_code"] for code in codes}) == 1
    one, another = (notebook.lines[code] for code in codes)
    found = defaultdict(set)
    rows = notebook.rows("differences")
    for row in rows:
        found[row["difference"]].add(row["ndc_code"])
    both = one.keys() & another.keys()
    assert found == {
        f"only on {codes[0]}": one.keys() - another.keys(),
        f"only on {codes[1]}": another.keys() - one.keys(),
        f"lower tier on {codes[0]}": {ndc for ndc in both if one[ndc]["tier"] < another[ndc]["tier"]},
        f"lower tier on {codes[1]}": {ndc for ndc in both if one[ndc]["tier"] > another[ndc]["tier"]},
    }
    assert len(rows) == len(set().union(*found.values()))  # no drug stands in two of the sets


def test_utilization_by_tier_type_and_segment(notebook: Notebook) -> None:
    lines = [line for listed in notebook.lines.values() for line in listed.values()]
    for by in ("tier", "formulary_type", "market_segment"):
        groups = defaultdict(list)
        for line in lines:
            groups[line["tier"] if by == "tier" else notebook.formularies[line["formulary_code"]][by]].append(line)
        rows = notebook.left["utilization"][by].collect()
        assert {row[by]: row["drugs"] for row in rows} == {name: len(group) for name, group in groups.items()}
        for row in rows:
            group = groups[row[by]]
            counts = (
                sum(line["requires_prior_auth"] for line in group),
                sum(line["requires_step_therapy"] for line in group),
                sum(line["quantity_limit"] is not None for line in group),
            )
            assert row[2:] == pytest.approx([100 * count / len(group) for count in counts], abs=0.051)


def test_restrictions_are_about_as_frequent_as_documented(notebook: Notebook) -> None:
    documented = {1: (2, 1, 5), 2: (10, 8, 15), 3: (25, 20, 30), 4: (60, 15, 50), 5: (90, 25, 70)}
    rows = notebook.left["utilization"]["tier"].collect()
    assert [row["tier"] for row in rows] == list(documented)
    for tier, drugs, *shares in rows:
        for found, percent in zip(shares, documented[tier], strict=True):
            deviation = (percent * (100 - percent) / drugs) ** 0.5
            assert found == pytest.approx(percent, abs=0.05 + 4 * deviation)
