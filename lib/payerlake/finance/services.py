"""What is done for whom, where and when: the claims before anybody pays.

A patient's claims fall into the months on a panel. Some are for one of the patient's chronic diagnoses, the others for
what leads people of this age and sex to a clinic; a procedure is one that is billed for the diagnosis, and for such a
patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from payerlake.finance.casemix import MONTHS_A_YEAR, casemix
from payerlake.finance.catalogue import MODIFIER_GROUPS, OFFICE, TELEHEALTH, TRANSMITTED, YEARLY, places_of_service
from payerlake.finance.columns import cents
from payerlake.finance.roster import Roster
from payerlake.finance.settings import FinanceSettings
from payerlake.person.world import World
from payerlake.sampling.distributions import (
    constant_array,
    in_rows,
    integer,
    integer_at,
    number_at,
    place_in_rows,
    poisson_ladder,
    string_at,
    table_choice,
    with_normals,
)
from payerlake.sampling.frames import filtered, in_a_new_method
from payerlake.sampling.packing import BYTE, bits_of, byte, has_any

_PER_YEAR = 32  # claim numbers a patient and year of the data
_MOST_A_YEAR = 12.0  # claims of the sickest, on average
_LEAST = 0.5  # times the claims of all, of the healthiest, on average
_TURNS = 3  # ordinals that have what comes once a year
# Characters of a code that say what comes once a year: Z00.0 is a checkup, Z00.00 and Z00.01 what it finds.
_SERVICE = 5
_MODIFIERS = [code for group in MODIFIER_GROUPS for code in group]


def claims_per_patient(settings: FinanceSettings) -> int:
    """How many claim numbers a patient has."""
    return _PER_YEAR * -(-settings.months_back // MONTHS_A_YEAR)


class Services:
    """The services of one world."""

    def __init__(self, world: World[FinanceSettings], roster: Roster) -> None:
        self._draws, self._roster = world.draws, roster
        self._settings: FinanceSettings = world.settings
        self._cases = casemix(self._settings)
        self._diagnoses = self._cases.diagnoses
        self._chronic = len(roster.morbidity.chronic)
        self._procedures = self._settings.procedures
        self._places = list(places_of_service())

    def claimed(self, patients: DataFrame) -> DataFrame:
        """A row per claim of the roster's patients: adds `ordinal` (from 0), `month`, the positions `diagnosis`,
        `procedure` and `place`, and `units` (int), `date`, `modifier_1` to `modifier_3` (code or null), and `charge`
        (bigint, cents)."""
        diagnosed = in_a_new_method(self._diagnosed(self._times(patients)))
        with_procedure = diagnosed.select(
            "*",
            self._roster.clinics.day(self._u("date"), F.col("month")).alias("date"),
            self._procedure().alias("procedure"),
        )
        with_place = with_procedure.select("*", self._place().alias("place"))
        with_groups = with_place.select("*", *[code.alias(f"_group_{i}") for i, code in enumerate(self._groups())])
        units = integer(self._u("Units"), 1, integer_at([p.max_units for p in self._procedures], F.col("procedure")))
        with_modifiers = with_groups.select("*", units.cast("int").alias("units"), *self._modifiers())
        with_z = with_normals(with_modifiers, _z=self._u("ChargeAmount"))
        return in_a_new_method(with_z.select("*", self._charge().alias("charge")))

    def label(self, kind: str) -> Column:
        """The code of the row's `diagnosis`, `procedure` or `place`."""
        codes = {
            "diagnosis": [d.icd10_code for d in self._diagnoses],
            "procedure": [p.procedure_code for p in self._procedures],
            "place": self._places,
        }
        return string_at(codes[kind], F.col(kind))

    def place_description(self) -> Column:
        return string_at(places_of_service().values(), F.col("place"))

    # when

    def _times(self, patients: DataFrame) -> DataFrame:
        """A row per claim: a Poisson number, by the patient's chronic diagnoses and months."""
        law, months = self._settings.claims, F.col("last_month") - F.col("first_month") + 1
        mean = self._roster.morbidity.mean_conditions()
        times = F.greatest((F.bit_count("conditions") - mean) * law.with_each_condition + 1.0, F.lit(_LEAST))
        rate = F.least(times * law.per_year, F.lit(_MOST_A_YEAR)) * months / MONTHS_A_YEAR
        highest = _MOST_A_YEAR * self._settings.months_back / MONTHS_A_YEAR
        u = self._draws.uniform("claims", "count", F.col("id"))
        count, keep = poisson_ladder(u, rate, highest)
        with_count = patients.select("*", count.alias("_count"), keep.alias("_keep"), months.alias("_months"))
        most = claims_per_patient(self._settings)
        numbers = F.when(F.col("_count") > 0, F.sequence(F.lit(0), F.least("_count", F.lit(most)) - 1))
        claims = filtered(with_count.select("*", F.explode(numbers).alias("ordinal")), self._u("kept") < F.col("_keep"))
        month = F.col("first_month") + F.floor(self._u("month") * F.col("_months")).cast("int")
        return claims.select(*patients.columns, "ordinal", month.alias("month"))

    # what for

    def _diagnosed(self, claims: DataFrame) -> DataFrame:
        """Adds `who` (position of age, sex and payer) and `diagnosis`."""
        conditions, count = F.col("conditions"), F.bit_count("conditions")
        who = F.col("cell") * self._cases.kinds + integer_at(self._cases.kind_of, F.col("plan"))
        is_chronic = (count > 0) & (self._u("reason") < self._settings.claims.for_chronic)
        place = F.floor(self._u("PrimaryDiagnosis") * count).cast("int")
        with_who = claims.select("*", who.alias("who"), is_chronic.alias("_is_chronic"), place.alias("_bit"))
        ends = range(BYTE, self._chronic, BYTE)
        below = [F.bit_count(conditions.bitwiseAND(F.lit(bits_of(range(end))))) for end in ends]
        position = reduce(Column.__add__, [(F.col("_bit") >= bits).cast("int") for bits in below], F.lit(0))
        with_byte = with_who.select("*", position.alias("_byte"))
        with_visit = with_byte.select("*", self._visit("PrimaryDiagnosis", self._cases.visits).alias("_visit"))
        visit = F.when(self._is_refused(), self._visit("instead", self._cases.open_to_all)).otherwise(F.col("_visit"))
        diagnosis = F.when(F.col("_is_chronic"), self._set_bit(conditions)).otherwise(visit)
        return with_visit.select(*claims.columns, "who", diagnosis.alias("diagnosis"))

    def _visit(self, draw: str, weights: list[list[float]]) -> Column:
        """The position of a diagnosis that leads to a visit."""
        visits = range(self._chronic, len(self._diagnoses))
        return table_choice(self._u(draw), F.col("who"), weights, visits).cast("int")

    def _is_refused(self) -> Column:
        """Whether `_visit` is what the patient had already, or what chronic diagnoses do not go with: nobody is
        screened for what they have. What comes once a year has its own ordinal, so that no two claims are for it, with
        or without a finding."""
        services = [d.icd10_code[:_SERVICE] if d.kind == YEARLY else None for d in self._diagnoses]
        yearly = [service for service in dict.fromkeys(services) if service]
        turns = [yearly.index(service) % _TURNS if service else -1 for service in services]
        turn = integer_at(turns, F.col("_visit"))
        chronic = self._roster.morbidity.mask
        excluded = F.get(constant_array([chronic(d.excludes) for d in self._diagnoses], "bigint"), F.col("_visit"))
        has_excluded = F.coalesce(has_any(F.col("conditions"), excluded), F.lit(False))
        return ((turn >= 0) & (turn != F.col("ordinal"))) | has_excluded

    def _set_bit(self, bits: Column) -> Column:
        """The position of the `_bit`-th of the bits that are set, which is in the byte `_byte`."""
        first = F.col("_byte") * BYTE
        below = F.bit_count(bits.bitwiseAND(F.call_function("shiftleft", F.lit(1).cast("bigint"), first) - 1))
        places = [[i for i in range(BYTE) if value >> i & 1] for value in range(2**BYTE)]
        table = [value for of_byte in places for value in (*of_byte, *[0] * (BYTE - len(of_byte)))]
        return first + integer_at(table, byte(bits, first) * BYTE + F.col("_bit") - below)

    # what is done

    def _procedure(self) -> Column:
        rows = self._cases.choices
        width = max(len(row) for row in rows)
        weights = [[*[weight for _, weight in row], *[0.0] * (width - len(row))] for row in rows]
        numbers = [[*[number for number, _ in row], *[0] * (width - len(row))] for row in rows]
        row = integer_at(self._cases.choice_of, F.col("diagnosis") * len(self._cases.whos) + F.col("who"))
        slot = table_choice(self._u("PrimaryProcedure"), row, weights, range(width)).cast("int")
        return integer_at(in_rows(numbers), place_in_rows(row, slot, width))

    def _place(self) -> Column:
        weights = [[p.places.get(code, 0.0) for code in self._places] for p in self._procedures]
        u, office = self._u("PlaceOfService"), self._places.index(OFFICE)
        drawn = table_choice(u, F.col("procedure"), weights, range(len(self._places))).cast("int")
        return F.when(F.col("plan") == self._roster.payers.self_pay, office).otherwise(drawn)

    def _groups(self) -> list[Column]:
        """Of each group of modifiers the one that the claim carries, by position from 1, 0 for none. Who was seen
        from afar has one that says how, where the procedure has such."""
        service, side, part, transmitted = [
            [[p.modifiers.get(code, 0.0) for code in group] for p in self._procedures] for group in MODIFIER_GROUPS
        ]
        is_remote = F.col("place") == self._places.index(TELEHEALTH)
        drawn = [
            self._of_group(i, [[max(0.0, 1 - sum(of)), *of] for of in shares])
            for i, shares in enumerate((service, side, part))
        ]
        how = self._of_group(TRANSMITTED, [[0.0, *of] if sum(of) > 0 else [1.0, *of] for of in transmitted])
        return [*drawn[:-1], F.when(is_remote, how).otherwise(drawn[-1])]

    def _of_group(self, group: int, weights: Sequence[Sequence[float]]) -> Column:
        numbers = [0, *[_MODIFIERS.index(code) + 1 for code in MODIFIER_GROUPS[group]]]
        u = self._draws.uniform("claims", "Modifier", F.col("id"), F.col("ordinal"), draw=str(group))
        return table_choice(u, F.col("procedure"), weights, numbers).cast("int")

    def _modifiers(self) -> list[Column]:
        """`modifier_1` … `modifier_3`: those that are there, in the order of the groups."""
        a, b, c = (F.col(f"_group_{i}") for i in range(3))
        first = F.when(a > 0, a).when(b > 0, b).when(c > 0, c)
        second = F.when((a > 0) & (b > 0), b).when(((a > 0) | (b > 0)) & (c > 0), c)
        third = F.when((a > 0) & (b > 0) & (c > 0), c)
        return [
            string_at(["", *_MODIFIERS], code).alias(f"modifier_{i}")
            for i, code in enumerate((first, second, third), start=1)
        ]

    def _charge(self) -> Column:
        law = self._settings.claims
        typical = number_at([p.charge * law.charge_level * 100 for p in self._procedures], F.col("procedure"))
        return cents(typical * F.exp(F.col("_z") * law.charge_sigma)) * F.col("units")

    def _u(self, column: str) -> Column:
        return self._draws.uniform("claims", column, F.col("id"), F.col("ordinal"))
