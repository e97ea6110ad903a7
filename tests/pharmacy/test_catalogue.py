"""Catalogue: true ingredients, the documented shares of drug products met at once, and NDC variants."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from payerlake.errors import BadInput
from payerlake.pharmacy.catalogue import Ingredient, Product, ingredients, ndc_counts, products
from payerlake.sampling.draws import Draws

DOCUMENTED = {"generic": 2440, "brand": 750, "specialty": 71}
CATEGORIES = {  # percent, classes
    "CARDIOVASCULAR": (15, "ACE_INHIBITOR BETA_BLOCKER CALCIUM_CHANNEL_BLOCKER DIURETIC STATIN ANTICOAGULANT"),
    "ANTIBIOTICS": (12, "PENICILLIN CEPHALOSPORIN MACROLIDE FLUOROQUINOLONE TETRACYCLINE"),
    "CNS": (12, "ANTIDEPRESSANT ANTIPSYCHOTIC ANXIOLYTIC ANTICONVULSANT STIMULANT OPIOID"),
    "PAIN_MANAGEMENT": (10, "NSAID OPIOID MUSCLE_RELAXANT TOPICAL_ANALGESIC"),
    "DIABETES": (8, "INSULIN METFORMIN SULFONYLUREA DPP4_INHIBITOR GLP1_AGONIST SGLT2_INHIBITOR"),
    "RESPIRATORY": (8, "BRONCHODILATOR CORTICOSTEROID ANTIHISTAMINE DECONGESTANT"),
    "GASTROINTESTINAL": (7, "PPI H2_BLOCKER ANTACID ANTIEMETIC LAXATIVE"),
    "ONCOLOGY": (5, "CHEMOTHERAPY TARGETED_THERAPY IMMUNOTHERAPY HORMONE_THERAPY"),
    "IMMUNOLOGY": (5, "IMMUNOSUPPRESSANT BIOLOGIC CORTICOSTEROID"),
    "OTHER": (5, "VITAMIN SUPPLEMENT ANTIPARASITIC ANTIVIRAL"),
    "ENDOCRINE": (4, "THYROID HORMONE_REPLACEMENT OSTEOPOROSIS"),
    "DERMATOLOGY": (4, "TOPICAL_STEROID ANTIFUNGAL ACNE_TREATMENT PSORIASIS_TREATMENT"),
    "OPHTHALMOLOGY": (3, "GLAUCOMA ANTIBIOTIC_EYE ANTI_INFLAMMATORY_EYE"),
    "UROLOGY": (2, "BPH_TREATMENT OVERACTIVE_BLADDER ED_TREATMENT"),
}
PROTECTED = {
    "ANTICONVULSANT", "ANTIDEPRESSANT", "CHEMOTHERAPY", "TARGETED_THERAPY", "IMMUNOTHERAPY", "ANTIPSYCHOTIC",
    "IMMUNOSUPPRESSANT", "BIOLOGIC",
}  # fmt: skip
FORMS = {  # percent, package sizes
    "TABLET": (40, {30, 60, 90, 100, 500}), "CAPSULE": (25, {30, 60, 90, 100, 500}),
    "SOLUTION": (10, {100, 120, 240, 480}), "INJECTION": (8, {1, 5, 10, 25}), "CREAM": (5, {15, 30, 45, 60}),
    "OINTMENT": (4, {15, 30, 45, 60}), "SUSPENSION": (3, {100, 150, 200}), "PATCH": (2, {5, 10, 30}),
    "INHALER": (2, {1, 2, 3}), "SUPPOSITORY": (1, {12, 24, 50}),
}  # fmt: skip
ROUTES = {
    "ORAL": 70, "TOPICAL": 10, "INJECTION": 8, "INHALATION": 5, "OPHTHALMIC": 3, "OTIC": 2, "RECTAL": 1,
    "TRANSDERMAL": 1,
}  # fmt: skip
PERMITTED = {
    "TABLET": {"ORAL": 40}, "CAPSULE": {"ORAL": 25}, "SUSPENSION": {"ORAL": 3}, "INJECTION": {"INJECTION": 8},
    "SOLUTION": {"ORAL": 2, "INHALATION": 3, "OPHTHALMIC": 3, "OTIC": 2}, "CREAM": {"TOPICAL": 5},
    "OINTMENT": {"TOPICAL": 4}, "PATCH": {"TRANSDERMAL": 1, "TOPICAL": 1}, "INHALER": {"INHALATION": 2},
    "SUPPOSITORY": {"RECTAL": 1},
}  # fmt: skip
BRAND_SIDE = {
    "PFIZER", "JOHNSON_JOHNSON", "ROCHE", "NOVARTIS", "MERCK", "SANOFI", "GLAXOSMITHKLINE", "ABBVIE", "GILEAD", "AMGEN",
    "ASTRAZENECA", "BRISTOL_MYERS_SQUIBB", "ELI_LILLY", "BOEHRINGER_INGELHEIM", "BAYER",
}  # fmt: skip
GENERIC_SIDE = {
    "TEVA", "MYLAN", "SANDOZ", "ACTAVIS", "DR_REDDY", "SUN_PHARMA", "LUPIN", "CIPLA", "AUROBINDO", "ZYDUS",
}  # fmt: skip
# 21 CFR 1308.12-15, 2024: substances as words of the generic name. Codeine and dronabinol depend on the preparation.
SCHEDULES = {
    "II": "methylphenidate dexmethylphenidate serdexmethylphenidate amphetamine dextroamphetamine lisdexamfetamine "
    "methamphetamine methadone morphine hydromorphone oxymorphone oxycodone meperidine levorphanol hydrocodone "
    "fentanyl opium tapentadol nabilone",
    "III": "buprenorphine benzphetamine phendimetrazine perampanel testosterone methyltestosterone",
    "IV": "alprazolam lorazepam diazepam chlordiazepoxide clorazepate oxazepam temazepam triazolam estazolam "
    "flurazepam midazolam clonazepam clobazam zolpidem zaleplon eszopiclone suvorexant lemborexant daridorexant "
    "meprobamate phenobarbital modafinil armodafinil solriamfetol phentermine diethylpropion tramadol butorphanol "
    "pentazocine carisoprodol",
    "V": "pregabalin lacosamide brivaracetam cenobamate",
}
PREPARATIONS = {
    ("codeine", "TABLET"): "II",
    ("acetaminophen-codeine", "TABLET"): "III",
    ("acetaminophen-codeine", "SOLUTION"): "V",
    ("butalbital-acetaminophen-caffeine-codeine", "CAPSULE"): "III",
    ("butalbital-aspirin-caffeine-codeine", "CAPSULE"): "III",
    ("carisoprodol-aspirin-codeine", "TABLET"): "III",
    ("promethazine-codeine", "SOLUTION"): "V",
    ("codeine-guaifenesin", "SOLUTION"): "V",
    ("dronabinol", "CAPSULE"): "III",
    ("diphenoxylate-atropine", "TABLET"): "V",
}
CONTROLLED_CLASSES = {
    "ANXIOLYTIC", "STIMULANT", "OPIOID", "MUSCLE_RELAXANT", "ANTICONVULSANT", "HORMONE_REPLACEMENT", "ANTIEMETIC",
    "ANTIHISTAMINE", "DECONGESTANT",
}  # fmt: skip
AMOUNT = r"\d+(\.\d+)?(mg|mcg|g|meq|units|%)"
STRENGTH = re.compile(rf"{AMOUNT}(-{AMOUNT})*(/(\d+(\.\d+)?)?(ml|hr|g|cm2))?")
SLOTS = {(category, name) for category, (_, names) in CATEGORIES.items() for name in names.split()}


@pytest.fixture(scope="module")
def catalogue() -> tuple[Product, ...]:
    return products(DOCUMENTED, Draws(42, "pharmacy"))


def identity(row: Ingredient | Product) -> tuple[str, ...]:
    return row.generic_name, row.therapeutic_category, row.drug_class, row.dosage_form, row.route


def most_used() -> list[dict[str, str]]:
    """The lists of most used drugs: each as it is listed, the years of the lists, and its name in the catalogue."""
    lines = Path(__file__).with_name("most_used_drugs.csv").read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def near(counts: Counter[str], shares: dict[str, float], total: int) -> bool:
    """Whether every count is within one product of its percentage, and nothing else is counted."""
    return set(counts) == set(shares) and all(
        abs(counts[name] - total * share / 100) < 1 for name, share in shares.items()
    )


def class_counts(of: Iterable[Product]) -> dict[str, list[int]]:
    counts = Counter((product.therapeutic_category, product.drug_class) for product in of)
    return {category: [counts[category, name] for name in names.split()] for category, (_, names) in CATEGORIES.items()}


# the list of ingredients


def test_there_are_at_least_three_hundred_and_thirty_ingredients() -> None:
    assert len({row.generic_name for row in ingredients()}) >= 330


def test_an_ingredient_has_one_row_a_class_form_and_route() -> None:
    assert max(Counter(map(identity, ingredients())).values()) == 1


def test_a_list_of_most_used_drugs_has_three_hundred() -> None:
    assert Counter(year for drug in most_used() for year in drug["years"].split()) == {"2022": 300, "2023": 300}


def test_of_the_most_used_drugs_only_three_have_no_documented_form() -> None:
    assert {drug["listed"] for drug in most_used() if not drug["generic_name"]} == {
        "Ethinyl Estradiol; Etonogestrel", "Azelastine; Fluticasone", "Lactobacillus Acidophilus",
    }  # fmt: skip


def test_every_documented_class_has_ingredients_and_there_is_no_other() -> None:
    assert {row.slot for row in ingredients()} == SLOTS


def test_the_form_permits_the_route_of_every_ingredient() -> None:
    assert {row.form for row in ingredients()} == {
        (form, route) for form, routes in PERMITTED.items() for route in routes
    }


def test_names_are_lower_case_and_strengths_are_written_one_way() -> None:
    for row in ingredients():
        strengths = row.strengths.split(";")
        assert row.generic_name == row.generic_name.lower().strip()
        assert all(STRENGTH.fullmatch(strength) for strength in strengths), row
        assert len(set(strengths)) == len(strengths), row


def test_every_ingredient_is_sold_as_something() -> None:
    assert all(row.types for row in ingredients())


def test_a_specialty_drug_has_a_brand() -> None:
    assert {row.specialty for row in ingredients()} == {"true", "false"}
    assert all(row.brand_name for row in ingredients() if row.specialty == "true")


def test_a_generic_follows_its_brand_and_both_are_on_the_market_by_2024() -> None:
    for row in ingredients():
        assert 1850 < int(row.brand_approved) <= int(row.generic_since or 2024) <= 2024, row


def test_an_ingredient_of_the_same_form_and_strengths_is_one_drug_in_all_its_classes() -> None:
    drugs = defaultdict(set)
    for row in ingredients():
        drugs[row.generic_name, row.form].add((row.strengths, *row[6:]))
    for several in drugs.values():
        strengths = [strength for drug in several for strength in drug[0].split(";")]
        assert len(set(strengths)) == len(strengths), several


def test_what_the_dea_controls_has_its_schedule_and_nothing_else_has_one() -> None:
    schedule_of = {word: schedule for schedule, words in SCHEDULES.items() for word in words.split()}
    for row in ingredients():
        found = {schedule_of[word] for word in re.split(r"[- ]", row.generic_name) if word in schedule_of}
        expected = PREPARATIONS.get((row.generic_name, row.dosage_form)) or "".join(found)
        assert row.dea_schedule == expected, row
        assert "codeine" not in row.generic_name or row.dea_schedule, row


def test_schedules_occur_in_classes_that_hold_controlled_drugs_only() -> None:
    assert {row.drug_class for row in ingredients() if row.dea_schedule} <= CONTROLLED_CLASSES


def test_a_brand_name_is_of_one_ingredient() -> None:
    named = {(row.brand_name, row.generic_name) for row in ingredients() if row.brand_name}
    assert [brand for brand, count in Counter(brand for brand, _ in named).items() if count > 1] == []


def test_known_owners_of_brands_are_documented_brand_manufacturers() -> None:
    assert {row.manufacturer for row in ingredients()} == BRAND_SIDE | {""}


# the products


def test_there_are_as_many_products_of_each_type_as_asked_for(catalogue: tuple[Product, ...]) -> None:
    assert Counter(product.type for product in catalogue) == DOCUMENTED


def test_protected_classes_hold_427_products_320_98_and_9(catalogue: tuple[Product, ...]) -> None:
    protected = Counter(product.type for product in catalogue if product.drug_class in PROTECTED)
    assert protected == {"generic": 320, "brand": 98, "specialty": 9}


def test_no_two_products_are_alike(catalogue: tuple[Product, ...]) -> None:
    keys = {
        (p.type, p.generic_name, p.dosage_form, p.route, p.strength, p.manufacturer, p.package_size) for p in catalogue
    }
    assert len(keys) == len(catalogue)


def test_therapeutic_categories_have_their_shares(catalogue: tuple[Product, ...]) -> None:
    counts = Counter(product.therapeutic_category for product in catalogue)
    assert near(counts, {category: share for category, (share, _) in CATEGORIES.items()}, 3261)


def test_classes_of_a_category_differ_by_one_product_at_most(catalogue: tuple[Product, ...]) -> None:
    assert all(max(counts) - min(counts) <= 1 for counts in class_counts(catalogue).values())


def test_forms_have_their_shares(catalogue: tuple[Product, ...]) -> None:
    counts = Counter(product.dosage_form for product in catalogue)
    assert near(counts, {form: share for form, (share, _) in FORMS.items()}, 3261)


def test_routes_have_their_shares(catalogue: tuple[Product, ...]) -> None:
    assert near(Counter(product.route for product in catalogue), dict(ROUTES), 3261)


def test_each_form_has_the_routes_that_it_permits_in_their_shares(catalogue: tuple[Product, ...]) -> None:
    for form, routes in PERMITTED.items():
        assert near(Counter(product.route for product in catalogue if product.dosage_form == form), dict(routes), 3261)


def test_no_brand_is_without_an_ingredient_that_is_sold_under_it(catalogue: tuple[Product, ...]) -> None:
    sold = {(*identity(row), row.brand_name, row.specialty) for row in ingredients() if row.brand_name}
    for product in catalogue:
        if product.type == "generic":
            assert product.brand_name is None
        else:
            specialty = "true" if product.type == "specialty" else "false"
            assert (*identity(product), product.brand_name, specialty) in sold


def test_a_product_has_strength_schedule_and_first_year_of_its_ingredient(catalogue: tuple[Product, ...]) -> None:
    rows = {identity(row): row for row in ingredients()}
    for product in catalogue:
        row = rows[identity(product)]
        assert product.strength in row.strengths.split(";")
        assert product.dea_schedule == (row.dea_schedule or None)
        first_year = row.generic_since if product.type == "generic" else row.brand_approved
        assert product.first_year == int(first_year)


def test_generics_are_made_by_generic_and_brands_by_brand_manufacturers(catalogue: tuple[Product, ...]) -> None:
    assert {product.manufacturer for product in catalogue if product.type == "generic"} == GENERIC_SIDE
    assert {product.manufacturer for product in catalogue if product.type != "generic"} == BRAND_SIDE


def test_a_brand_belongs_to_one_manufacturer_and_to_its_owner_if_known(catalogue: tuple[Product, ...]) -> None:
    owners = defaultdict(set)
    for product in catalogue:
        if product.brand_name:
            owners[product.generic_name, product.brand_name].add(product.manufacturer)
    for row in ingredients():
        if row.manufacturer:
            owners[row.generic_name, row.brand_name].add(row.manufacturer)
    assert max(map(len, owners.values())) == 1


def test_package_sizes_are_those_of_the_form(catalogue: tuple[Product, ...]) -> None:
    for form, (_, sizes) in FORMS.items():
        assert {product.package_size for product in catalogue if product.dosage_form == form} == sizes


def test_every_ingredient_gives_a_product(catalogue: tuple[Product, ...]) -> None:
    assert set(map(identity, catalogue)) == set(map(identity, ingredients()))


def test_every_ingredient_is_sold_as_a_generic_or_else_as_its_brand(catalogue: tuple[Product, ...]) -> None:
    sold = {(product.type, *identity(product)) for product in catalogue}
    assert {(row.types[0], *identity(row)) for row in ingredients()} <= sold


def test_the_drugs_that_people_use_most_have_products(catalogue: tuple[Product, ...]) -> None:
    wanted = {drug["generic_name"] for drug in most_used()} - {""}
    assert wanted - {product.generic_name for product in catalogue} == set()


def test_no_ingredient_has_more_than_two_percent_of_the_products(catalogue: tuple[Product, ...]) -> None:
    assert max(Counter(product.generic_name for product in catalogue).values()) <= 0.02 * 3261


def test_a_tenth_of_the_products_are_controlled(catalogue: tuple[Product, ...]) -> None:
    assert 0.09 < sum(product.dea_schedule is not None for product in catalogue) / 3261 < 0.12


# settings


def test_the_same_seed_gives_the_same_products(catalogue: tuple[Product, ...]) -> None:
    assert products(DOCUMENTED, Draws(42, "pharmacy")) == catalogue


def test_another_seed_gives_other_products_in_the_same_shares(catalogue: tuple[Product, ...]) -> None:
    others = products(DOCUMENTED, Draws(7, "pharmacy"))
    assert others != catalogue
    assert Counter((p.type, p.drug_class, p.dosage_form, p.route) for p in others) == Counter(
        (p.type, p.drug_class, p.dosage_form, p.route) for p in catalogue
    )


@pytest.mark.parametrize("counts", [(244, 75, 7), (600, 180, 20), (600, 180, 0), (1220, 375, 36), (4880, 1500, 142)])
def test_other_numbers_of_products_have_the_same_shares(counts: tuple[int, int, int]) -> None:
    wanted = dict(zip(DOCUMENTED, counts, strict=True))
    made, total = products(wanted, Draws(42, "pharmacy")), sum(counts)
    assert Counter(product.type for product in made) == {type_: count for type_, count in wanted.items() if count}
    assert near(
        Counter(product.therapeutic_category for product in made),
        {category: share for category, (share, _) in CATEGORIES.items()},
        total,
    )
    assert near(Counter(f"{p.dosage_form}/{p.route}" for p in made), {
        f"{form}/{route}": share for form, routes in PERMITTED.items() for route, share in routes.items()
    }, total)  # fmt: skip
    assert all(max(of_class) - min(of_class) <= 2 for of_class in class_counts(made).values())
    protected = Counter(product.type for product in made if product.drug_class in PROTECTED)
    documented = {"generic": 320 / 2440, "brand": 98 / 750, "specialty": 9 / 71}
    assert all(abs(protected[type_] - count * documented[type_]) <= 0.5 for type_, count in wanted.items())


def test_more_specialty_drugs_than_there_are_is_bad_input() -> None:
    with pytest.raises(
        BadInput, match=r"2440 generic, 750 brand, 710 specialty products .* for specialty in other classes give"
    ):
        products(DOCUMENTED | {"specialty": 710}, Draws(42, "pharmacy"))


def test_more_products_of_a_class_than_its_ingredients_give_is_bad_input() -> None:
    with pytest.raises(BadInput, match=r"ingredients for DIABETES INSULIN give \d+ too few; ask for other"):
        products({"generic": 2440, "brand": 5000, "specialty": 71}, Draws(42, "pharmacy"))


# NDCs


def test_twenty_thousand_ndcs_are_divided_75_23_2(catalogue: tuple[Product, ...]) -> None:
    ndcs: Counter[str] = Counter()
    counts = ndc_counts(catalogue, 20_000)
    for product, count in zip(catalogue, counts, strict=True):
        ndcs[product.type] += count
    assert ndcs == {"generic": 15_000, "brand": 4_600, "specialty": 400}
    assert set(counts) <= {5, 6, 7}


@pytest.mark.parametrize("ndcs", [3261, 3262, 3300, 4000, 9999, 150_000])
def test_every_product_has_an_ndc_and_all_ndcs_have_a_product(catalogue: tuple[Product, ...], ndcs: int) -> None:
    counts = ndc_counts(catalogue, ndcs)
    assert len(counts) == len(catalogue)
    assert min(counts) >= 1
    assert sum(counts) == ndcs


def test_a_product_has_one_ndc_by_default(catalogue: tuple[Product, ...]) -> None:
    assert ndc_counts(catalogue) == [1] * 3261


def test_fewer_ndcs_than_products_is_bad_input(catalogue: tuple[Product, ...]) -> None:
    with pytest.raises(BadInput, match="3000 NDCs are too few for 3261 products"):
        ndc_counts(catalogue, 3000)
