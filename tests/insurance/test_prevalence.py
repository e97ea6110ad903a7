"""Rates of conditions: what is stated comes out, whatever raises the odds."""

from __future__ import annotations

import pytest

from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.insurance.prevalence import Rates, prevalence
from payerlake.insurance.settings import InsuranceSettings


def made(*sets: str) -> InsuranceSettings:
    return settings.load(InsuranceSettings, options=dict(settings.set_option(InsuranceSettings, text) for text in sets))


def of(found: Rates, of_settings: InsuranceSettings, name: str) -> dict[int, float]:
    """Prevalence by the age that a group begins with."""
    position = of_settings.conditions.position(name)
    assert position is not None
    return {age: round(float(rate), 4) for age, rate in zip(found.groups, found.final[position], strict=True)}


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        ("Hypertension", [0.005, 0.05, 0.05, 0.15, 0.30, 0.50, 0.70, 0.70]),
        ("Diabetes Type 2", [0.005, 0.03, 0.03, 0.08, 0.15, 0.22, 0.27, 0.27]),
        ("Depression", [0.02, 0.12, 0.12, 0.10, 0.08, 0.07, 0.06, 0.06]),
        ("Breast Cancer", [0.0, 0.0005, 0.0005, 0.003, 0.01, 0.02, 0.05, 0.05]),
    ],
)
def test_headline_conditions_have_the_stated_prevalence_in_every_group(name, rates):
    defaults = made()
    found = of(prevalence(defaults), defaults, name)
    assert found == dict(zip((0, 18, 25, 35, 45, 55, 65, 75), rates, strict=True))


def test_members_have_the_stated_number_of_conditions_but_for_the_young():
    found = prevalence(made())
    means = [round(float(mean), 3) for mean in found.final.sum(axis=0)]
    assert means == [0.3, 0.51, 0.6, 1.0, 1.8, 2.5, 3.5, 4.5]
    assert found.conditions_per_member == pytest.approx(1.565, abs=0.001)


def test_a_rule_never_adds_more_than_the_prevalence():
    defaults = made()
    found = of(prevalence(defaults), defaults, "End Stage Renal Disease")
    assert (found[45], found[65]) == (0.004, 0.03)  # 30 % of those with kidney disease would be 1.5 % and 4.5 %


def test_who_cannot_have_a_condition_has_no_rate_for_it():
    defaults = made()
    found, position = prevalence(defaults), defaults.conditions.position
    women, men = slice(0, 16), slice(16, 32)
    assert not found.base[position("Prostate Cancer"), :, women].any()
    assert not found.base[position("Breast Cancer"), :, men].any()
    assert not found.base[position("Obesity"), :, 0:8].any()  # women who are not obese


def test_diabetes_is_seven_times_as_likely_with_obesity():
    defaults = made()
    rates = prevalence(defaults).base[defaults.conditions.position("Diabetes Type 2")]
    assert rates[:, 8:16] == pytest.approx(7 * rates[:, 0:8])


def test_what_is_all_added_by_rules_has_no_rate_of_its_own():
    """Not the 3e-17 that one processor leaves and another does not: who is drawn together depends on it."""
    sixty = made("conditions.count=60")
    base = prevalence(sixty).base
    assert not base[sixty.conditions.position("Anxiety")].any()
    assert not ((base > 0) & (base < 1e-9)).any()


def test_another_catalogue_of_sixty_has_the_conditions_that_rules_name():
    sixty = made("conditions.count=60")
    rules = [rule for rule in prevalence(sixty).order if "Chronic Pain Syndrome" in rule.given]
    assert [rule.adds for rule in rules] == ["Depression"]
    assert not [rule for rule in prevalence(made()).order if "Chronic Pain Syndrome" in rule.given]


def test_a_prevalence_that_those_who_can_have_it_cannot_reach_is_bad_input(tmp_path):
    catalogue = tmp_path / "mine.csv"
    head = "id,name,icd10,category,sex,0-17,18-34,35-44,45-54,55-64,65+"
    rows = [f"{i},{name},Z00,Some,{sex},1,1,1,1,1,{old}" for i, (name, sex, old) in enumerate(_mine(), start=1)]
    catalogue.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    mine = made(f"conditions.catalogue={catalogue}", "conditions.count=60", "conditions.headline=[Prostate Cancer]")
    with pytest.raises(BadInput, match="Prostate Cancer from age"):
        prevalence(mine)


def _mine() -> list[tuple[str, str, float]]:
    names = [condition.name for condition in made().conditions.catalogue]
    return [
        (name, "M" if name == "Prostate Cancer" else "", 60 if name == "Prostate Cancer" else 0.1) for name in names
    ]


def test_rules_in_a_circle_are_bad_input(tmp_path):
    one = "{given: [Asthma], adds: COPD, probability: 0.1, days: [0, 1]}"
    other = "{given: [COPD], adds: Asthma, to: 0.2, days: [0, 1]}"
    file = tmp_path / "mine.yaml"
    file.write_text(f"insurance:\n  conditions:\n    comorbidities: [{one}, {other}]\n", encoding="utf-8")
    with pytest.raises(BadInput, match="circle"):
        prevalence(settings.load(InsuranceSettings, file=file))
