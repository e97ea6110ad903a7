"""Settings: each step of precedence, and messages that say where, what was given, what is allowed and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import payerlake
from payerlake import registry
from payerlake.checks import suites
from payerlake.contract import settings
from payerlake.errors import BadInput
from payerlake.finance.settings import FinanceSettings
from payerlake.pharmacy.settings import PharmacySettings
from payerlake.quality.settings import QualitySettings
from payerlake.resources import resource

KNOWN = (
    "drugs, employer_groups, enrollments, formularies, known_at, members, members_per_file, partition_by, "
    "plan_weights, plan_year, population, seasons, seed"
)


def load(*options: str, scale: str | None = None, file: Path | None = None) -> PharmacySettings:
    """The pharmacy settings, each option as after `--set`."""
    given = dict(settings.set_option(PharmacySettings, option) for option in options)
    return settings.load(PharmacySettings, scale, file, given)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file of the user's, empty yet."""
    return tmp_path / "my.yml"


def refusal(*options: str, scale: str | None = None, file: Path | None = None) -> str:
    """The whole message with which these settings are refused."""
    with pytest.raises(BadInput) as caught:
        load(*options, scale=scale, file=file)
    return str(caught.value)


# precedence


def test_without_more_the_defaults_hold() -> None:
    assert (load().members, load().seed, load().plan_year) == (1_000_000, 42, 2024)


def test_a_scale_goes_over_the_defaults() -> None:
    tiny = load(scale="tiny")
    assert (tiny.members, tiny.seed) == (200, 42)


def test_a_file_goes_over_the_scale(file: Path) -> None:
    file.write_text("pharmacy: {members: 5000}")
    assert load(scale="tiny", file=file).members == 5_000


def test_the_command_line_goes_over_the_file(file: Path) -> None:
    file.write_text("pharmacy: {members: 5000, seed: 7}")
    mine = load("members=300", scale="tiny", file=file)
    assert (mine.members, mine.seed) == (300, 7)


def test_the_last_of_two_options_holds() -> None:
    assert load("members=300", "members=400").members == 400


def test_an_option_of_its_own_is_a_layer_like_set() -> None:
    assert settings.load(PharmacySettings, options={"members": 500}).members == 500


def test_a_nested_setting_leaves_its_neighbours(file: Path) -> None:
    file.write_text("pharmacy: {enrollments: {history: false}}")
    mine = load("enrollments.first_plan_year=2010", file=file)
    assert (mine.enrollments.history, mine.enrollments.first_plan_year) == (False, 2010)
    assert mine.enrollments.years_with_a_plan == load().enrollments.years_with_a_plan


# mappings of shares and weights


def test_a_file_replaces_a_mapping_of_weights_whole(file: Path) -> None:
    file.write_text("pharmacy: {plan_weights: {senior: {MCARE-PARTD-001: 1}}}")
    mine = load(file=file)
    assert mine.plan_weights.senior == {"MCARE-PARTD-001": 1.0}
    assert mine.plan_weights.senior_couple == load().plan_weights.senior_couple


def test_the_command_line_replaces_single_entries_of_a_mapping() -> None:
    mine = load("plan_weights.senior.MCARE-MAPD-001=70")
    assert mine.plan_weights.senior == load().plan_weights.senior | {"MCARE-MAPD-001": 70.0}


def test_shares_are_set_one_by_one_and_summed_at_the_end() -> None:
    mine = load("population.sex.F=0.6", "population.sex.M=0.398")
    assert mine.population.sex == {"F": 0.6, "M": 0.398, "U": 0.002}


def test_entries_whose_keys_are_numbers_are_set_by_number() -> None:
    family = "population.households.dependents_per_family"
    mine = load(f"{family}.1=0.5", f"{family}.2=0.3")
    assert mine.population.households.dependents_per_family == {1: 0.5, 2: 0.3, 3: 0.14, 4: 0.06}


def test_one_figure_of_an_event_leaves_the_others() -> None:
    mine, default = load("seasons.events.MOVE.weight=30"), load()
    assert mine.seasons.events["MOVE"].weight == 30
    assert mine.seasons.events["MOVE"].months == default.seasons.events["MOVE"].months
    assert list(mine.seasons.events) == list(default.seasons.events)


# population


def test_a_population_by_name_replaces_the_whole_population(file: Path) -> None:
    file.write_text("pharmacy: {population: shared}")
    shared = settings.read_yaml(resource("conf", "populations", "shared.yaml"))
    for mine in (load("population=shared"), load(file=file)):
        assert mine.population.age_bands == shared["age_bands"]
        assert mine.population.sex == shared["sex"]


def test_a_named_population_may_be_changed_after_its_name() -> None:
    mine = load("population=shared", "population.sex.O=0.004", "population.sex.F=0.502")
    assert mine.population.sex == {"F": 0.502, "M": 0.494, "O": 0.004}


def test_a_name_given_later_undoes_earlier_changes() -> None:
    assert load("population.sex.F=0.1", "population=shared").population.sex["F"] == 0.506


def test_a_file_changes_parts_of_the_population(file: Path) -> None:
    file.write_text("pharmacy: {population: {sex: {F: 0.4, M: 0.6}}}")
    mine = load(file=file)
    assert mine.population.sex == {"F": 0.4, "M": 0.6}
    assert mine.population.age_bands == load().population.age_bands


def test_an_unknown_population_is_refused_with_the_nearest() -> None:
    assert refusal("population=sharde") == (
        "--set population: population: 'sharde' is not a population; "
        "did you mean 'shared'? Known: clinic_patients, insurance, medicare_advantage, "
        "pharmacy, shared"
    )


# unknown keys


def test_an_unknown_setting_is_refused_with_the_nearest_name_and_where_it_stands(file: Path) -> None:
    file.write_text("pharmacy: {memebers: 5}")
    wrong = f"'memebers' is not a setting; did you mean 'members'? Known: {KNOWN}"
    assert refusal(file=file) == f"{file}: pharmacy: {wrong}"
    assert refusal("memebers=5") == f"--set memebers: {wrong}"


@pytest.mark.parametrize(
    ("option", "near"),
    [
        ("population.sexx.F=1", "population.sex"),
        ("enrollments.histroy=true", "enrollments.history"),
        ("population.households.role={}", "population.households.roles"),
        ("seasons.events.MOVE.wieght=5", "seasons.events.MOVE.weight"),
        ("members_per_file.member=5", "members_per_file.members"),
    ],
)
def test_an_unknown_nested_setting_is_refused_with_its_nearest_whole_name(option: str, near: str) -> None:
    message = refusal(option)
    assert message.startswith(f"--set {option.partition('=')[0]}: ")
    assert f"is not a setting; did you mean '{near}'?" in message


def test_an_unknown_nested_setting_of_a_file_names_the_file(file: Path) -> None:
    file.write_text("pharmacy:\n  enrollments:\n    rows_per_memebr: 9\n")
    assert refusal(file=file).startswith(
        f"{file}: pharmacy: 'enrollments.rows_per_memebr' is not a setting; did you mean 'enrollments.rows_per_member'?"
    )


def test_an_unknown_scale_is_refused_with_the_nearest() -> None:
    assert refusal(scale="tiyn") == (
        "--scale: 'tiyn' is not a scale of pharmacy; did you mean 'tiny'? Known: demo, documented, large, small, tiny"
    )


def test_a_file_with_an_unknown_dataset_is_refused(file: Path) -> None:
    file.write_text("pharmcy: {members: 5}")
    assert refusal(file=file).startswith(f"{file}: 'pharmcy' is not a dataset; did you mean 'pharmacy'? Known: ")


def test_settings_without_their_dataset_are_refused(file: Path) -> None:
    file.write_text("members: 5")
    assert refusal(file=file).startswith(f"{file}: 'members' is not a dataset. Known: ")


def test_a_file_may_be_silent_about_the_dataset(file: Path) -> None:
    file.write_text("{}")
    assert load(file=file) == load()


# files that are none


def test_broken_yaml_is_refused_with_file_and_line(file: Path) -> None:
    file.write_text("pharmacy:\n  members: 5\n bad: x\n")
    assert refusal(file=file).startswith(f"{file}, line 3: not valid YAML (")
    file.write_text("pharmacy:\n\tmembers: 5\n")
    assert refusal(file=file).startswith(f"{file}, line 2: not valid YAML (found character '\\t'")


@pytest.mark.parametrize(
    ("text", "line", "key", "first"),
    [
        ("pharmacy: {seed: 7}\ninsurance: {}\npharmacy: {members: 5}\n", 3, "'pharmacy'", 1),
        ("pharmacy:\n  members: 5\n  seed: 7\n  members: 6\n", 4, "'members'", 2),
        ('pharmacy: {members: 5, "members": 5}\n', 1, "'members'", 1),
        ("insurance:\n  activity:\n    8: low\n    0x8: high\n", 4, "8", 3),
    ],
    ids=["dataset", "setting", "in quotes", "number"],
)
def test_a_key_given_twice_is_refused_with_file_and_line(
    file: Path, text: str, line: int, key: str, first: int
) -> None:
    file.write_text(text)
    assert refusal(file=file) == f"{file}, line {line}: {key} is given already, in line {first}; keep one of the two"


def test_a_key_given_twice_in_one_option_is_refused() -> None:
    option = "population.sex={F: 0.5, M: 0.5, F: 0.6}"
    assert refusal(option) == f"--set {option}, line 1: 'F' is given already, in line 1; keep one of the two"


def test_a_key_beside_one_that_is_merged_is_given_once(file: Path) -> None:
    file.write_text("insurance: &all {seed: 7, members: 5}\npharmacy: {<<: *all, members: 6}\n")
    mine = load(file=file)
    assert (mine.members, mine.seed) == (6, 7)


@pytest.mark.parametrize(("text", "found"), [("", "NoneType"), ("- a", "list"), ("5", "int")])
def test_a_file_that_holds_no_settings_is_refused(file: Path, text: str, found: str) -> None:
    file.write_text(text)
    assert refusal(file=file) == f"{file}: holds {found}, not settings; write 'key: value' lines"


def test_a_part_that_is_no_mapping_is_refused(file: Path) -> None:
    file.write_text("pharmacy: 5")
    assert refusal(file=file) == f"{file}: pharmacy: 5 is not a mapping of settings; write them indented below it"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    missing = tmp_path / "none.yml"
    assert refusal(file=missing) == (
        f"{missing}: cannot be read (No such file or directory); give the path of a YAML file"
    )
    assert refusal(file=tmp_path).startswith(f"{tmp_path}: cannot be read (Is a directory)")


def test_a_file_that_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\xfa")
    assert refusal(file=file) == f"{file}: not UTF-8 text; save it as UTF-8"


def test_a_date_that_there_is_not_is_refused() -> None:
    assert refusal("population.as_of=2024-02-30").startswith(
        "--set population.as_of=2024-02-30: not valid YAML (day is out"
    )


@pytest.mark.parametrize("option", ["members", "=5", " =5"])
def test_a_set_without_key_or_value_is_refused_with_an_example(option: str) -> None:
    assert refusal(option) == f"--set {option}: not of the form key=value, for example --set members=5000"


# values


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0", "0: must be greater than 0"),
        ("-3", "-3: must be greater than 0"),
        ("many", "'many': must be a valid integer"),
        ("1.5", "1.5: must be a valid integer"),
        ("", "None: must be a valid integer"),
        ("10000000000000", "10000000000000: must be less than or equal to 1000000000000"),
    ],
)
def test_a_number_of_members_that_is_none_is_refused(value: str, problem: str) -> None:
    assert refusal(f"members={value}").startswith(f"--members: {problem}")


def test_an_option_of_its_own_is_named_once() -> None:
    with pytest.raises(BadInput, match=r"^--members: 0: must be greater than 0$"):
        settings.load(PharmacySettings, options={"members": 0})


def test_shares_that_do_not_sum_to_1_are_refused_with_their_sum_and_who_changed_them(file: Path) -> None:
    wrong = "population.sex: shares must be 0 or more and sum to 1, these sum to"
    assert refusal("population.sex.F=0.6") == f"--set population.sex.F: {wrong} 1.095"
    file.write_text("pharmacy: {population: {sex: {F: 0.5}}}")
    assert refusal(file=file) == f"{file}: pharmacy: {wrong} 0.5"


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        ("enrollments.scenarios={dual_coverage: 1}", "enrollments.scenarios: must name single_active, dual_coverage"),
        ("enrollments.scenarios.dual=0", "enrollments.scenarios: must name single_active, dual_coverage"),
        ("employer_groups.XYZ=1", "employer_groups.XYZ: 'XYZ': must be 'GRP', 'EMP', 'UNI', 'GOV' or 'IND'"),
        ("plan_weights.senior.MCARE-XX=1", "plan_weights.senior: not plan codes: MCARE-XX; `payerlake describe"),
        ("plan_weights.senior.MCARE-MAPD-001=-1", "plan_weights.senior: weights must be 0 or more"),
        ("seasons.events.MOVE.months.1=5", "seasons.events.MOVE.months: months must be from 2 to 11: January"),
        ("seasons.events.DIVORCE.weight=5", "seasons.events.DIVORCE.months: Field required"),
        ("seasons.events.MOVE=5", "seasons.events.MOVE: 5 is not a mapping; allowed: weight, months"),
        ("population=5", "population: 5 is not a mapping; allowed: as_of, sex, age_bands, states, households"),
        ("population.sex.F=.nan", "population.sex.F: nan: must be a finite number"),
        ("population.states.ZZ=1", "population.states: not postal codes of one of the 50 states, such as CA: ZZ"),
        ("population.households.dependents_per_family.x=0", "population.households.dependents_per_family.x: 'x'"),
        ("enrollments.history=maybe", "enrollments.history: 'maybe': must be a valid boolean"),
        ("enrollments.rows_per_member=0", "enrollments.rows_per_member: 0: must be greater than or equal to 1"),
        ("plan_weights.senior.MCARE-MAPD-001=yes", "plan_weights.senior.MCARE-MAPD-001: true is neither a number nor"),
        ("members_per_file.members=0", "members_per_file.members: 0: must be greater than 0"),
    ],
)
def test_a_value_that_means_nothing_is_refused_where_it_was_written(option: str, problem: str) -> None:
    name = option.partition("=")[0]
    said = refusal(option).removeprefix(f"--set {name}: ")
    assert said.startswith((problem, problem.removeprefix(f"{name}: ")))


def test_a_mapping_of_names_is_given_whole_wherever_it_is_written_and_a_dotted_name_is_one_entry(file: Path) -> None:
    file.write_text("pharmacy: {population: {sex: {F: 1}}}")
    whole = {"F": 1.0}
    assert load(file=file).population.sex == load("population.sex={F: 1}").population.sex == whole
    assert settings.load(PharmacySettings, options={"population": {"sex": {"F": 1}}}).population.sex == whole
    one = settings.load(PharmacySettings, options={"population.sex.F": 0.507, "population.sex.M": 0.491})
    assert one.population.sex == load().population.sex | {"F": 0.507, "M": 0.491}


def test_a_part_whose_names_are_settings_changes_those_that_it_gives(file: Path) -> None:
    file.write_text("pharmacy: {formularies: {count: 7}}")
    stated = load().formularies.model_dump()
    for mine in (load(file=file), load("formularies={count: 7}"), load("formularies.count=7")):
        assert mine.formularies.model_dump() == stated | {"count": 7}


def test_who_gives_a_mapping_whole_is_named_for_what_it_lacks() -> None:
    with pytest.raises(BadInput, match=r"^--set plans: plans\.H1234-001\.gaps_per_member: Field required"):
        settings.load(QualitySettings, options={"plans": {"H1234-001": {"share": 1.0}}})


def test_a_dotted_name_is_one_entry_where_names_are_numbers() -> None:
    options = {"capitation.rates.18.F": 200.0, "capitation.rates.020": {"F": 1, "M": 2}}
    one = settings.load(FinanceSettings, options=options)
    stated = settings.load(FinanceSettings).capitation.rates
    assert (one.capitation.rates[18].F, one.capitation.rates[18].M) == (200, stated[18].M)
    assert list(one.capitation.rates) == sorted({*stated, 20})


def test_a_name_with_a_dot_in_it_stands_between_quotes() -> None:
    given = dict([settings.set_option(FinanceSettings, 'diagnosis_procedures."Z00.00"=["99213"]')])
    pairs = settings.load(FinanceSettings, options=given).diagnosis_procedures
    assert pairs == settings.load(FinanceSettings).diagnosis_procedures | {"Z00.00": ("99213",)}


def test_the_error_names_the_layer_that_wrote_the_value(file: Path) -> None:
    file.write_text("pharmacy: {members: 0, seed: 5}")
    assert refusal("seed=6", file=file).startswith(f"{file}: pharmacy: members: 0")
    assert refusal("seed=x", file=file).startswith(f"{file}: pharmacy: members: 0")
    assert load("members=1", file=file).members == 1


# what comes out


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load().members = 5  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        load().enrollments.history = False  # type: ignore[misc]


def test_the_effective_settings_give_the_same_settings_again() -> None:
    mine = load("members=300", "population=shared")
    assert PharmacySettings.model_validate(settings.effective(mine)) == mine
    assert settings.effective(mine)["population"]["as_of"] == "2024-01-01"


SCALES = ("tiny", "demo", "small", "documented", "large")  # as the help of `generate` names them


@pytest.mark.parametrize("dataset", registry.datasets())
def test_every_dataset_has_the_same_scales_each_larger_than_the_one_before(dataset: str) -> None:
    model = registry.dataset(dataset).settings
    members = [settings.load(model, scale=scale).members for scale in SCALES]
    assert set(settings.scales(dataset)) == set(SCALES)
    assert members == sorted(set(members))
    assert members[SCALES.index("documented")] == settings.load(model).members


POPULATIONS = sorted(path.stem for path in resource("conf", "populations").glob("*.yaml"))
OF_TWO_SEXES = {"clinic_patients", "medicare_advantage", "shared"}  # as CMS-HCC scores them


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("dataset", registry.datasets())
def test_every_dataset_takes_every_shipped_population_that_it_can_have(dataset: str, population: str) -> None:
    model, options = registry.dataset(dataset).settings, {"population": population}
    if dataset == "finance" and population not in OF_TWO_SEXES:
        with pytest.raises(BadInput, match=r"population.sex: must be of F and M alone"):
            settings.load(model, options=options)
        return
    chosen = settings.load(model, options=options)
    assert sum(chosen.population.sex.values()) == pytest.approx(1.0)


# departures from the documents


def departed(*options: str) -> frozenset[str]:
    """What `--set` of these departs from, of settings stored in a manifest and read again."""
    stored = json.loads(json.dumps(settings.effective(load(*options))))
    return settings.departures(PharmacySettings, stored)


def test_the_defaults_depart_from_nothing() -> None:
    assert departed() == frozenset()


def test_every_other_value_is_named_by_the_whole_name() -> None:
    assert departed(
        "seed=7",
        "enrollments.scenarios.dual_coverage=0.14",
        "enrollments.scenarios.single_active=0.71",
        "population.as_of=2023-01-01",
    ) == {
        "seed",
        "enrollments.scenarios.dual_coverage",
        "enrollments.scenarios.single_active",
        "population.as_of",
    }


def test_entries_that_only_one_of_both_has_are_named() -> None:
    assert departed("population.sex.O=0.002", "population.sex.U=0") == {"population.sex.O", "population.sex.U"}
    lacking = settings.effective(load())
    del lacking["seasons"]["special_share"]
    assert settings.departures(PharmacySettings, lacking) == {"seasons.special_share"}


@pytest.mark.parametrize("dataset", registry.datasets())
def test_rules_rest_on_settings_that_exist(dataset: str) -> None:
    known = settings.effective(settings.load(registry.dataset(dataset).settings))
    named = {
        name for s in suites.load(resource("expectations"), dataset, known) for c in s.checks for name in c.settings
    }
    assert named
    assert [name for name in sorted(named) if not exists(known, name)] == []


def exists(known: Any, name: str) -> bool:
    """Whether there is a setting of this dotted name."""
    for part in name.split("."):
        if not isinstance(known, dict) or part not in known:
            return False
        known = known[part]
    return True


def test_a_plan_year_before_the_youngest_are_born_is_refused() -> None:
    assert refusal("plan_year=2020").endswith(
        "plan_year: 2020 begins before the youngest are born, who are 0 on 2024-01-01; set population.as_of to "
        "2020-01-01 too"
    )
    assert load("plan_year=2020", "population.as_of=2020-01-01").plan_year == 2020
    assert load("plan_year=2007", "population=clinic_patients", "enrollments.first_plan_year=2000").plan_year == 2007


def test_what_is_solved_once_is_solved_again_only_where_its_parts_differ() -> None:
    asked = []

    @settings.solved_once("members")
    def solve(of: PharmacySettings) -> int:
        asked.append(of.members)
        return of.members

    of = [load(f"members={members}", f"seed={seed}") for members, seed in ((5, 1), (5, 2), (6, 1), (5, 3))]
    assert [solve(each) for each in of] == [5, 5, 6, 5]
    assert asked == [5, 6]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((7,), r"^dataset: 7 is not a dataset"),
        (("pharmacy", 5), r"^table: '5' is not a table of pharmacy"),
        (("pharmacy", [5]), r"^table: '5' is not a table of pharmacy"),
    ],
)
def test_python_refuses_what_is_no_name_as_it_refuses_a_wrong_one(arguments: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        payerlake.tables(None, *arguments)


@pytest.mark.parametrize(("option", "problem"), [("slice", r"^--slice 1: not I/N"), ("scale", r"^--scale: 1 is not")])
def test_python_refuses_an_option_of_another_type(option: str, problem: str) -> None:
    with pytest.raises(BadInput, match=problem):
        payerlake.tables(None, "pharmacy", **{option: 1})
