"""formulary_drugs: which drug stands on which formulary, at which tier, with which restrictions."""

from __future__ import annotations

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from payerlake.contract.schema import Column, Reference, Table
from payerlake.person.world import World
from payerlake.pharmacy.drug_lists import DrugLists, days_limit, quantity_limit
from payerlake.pharmacy.drugs import NDC
from payerlake.pharmacy.formularies import FORMULARY_CODE, list_terms, terms
from payerlake.pharmacy.settings import FORMULARIES, PharmacySettings
from payerlake.sampling.distributions import bernoulli
from payerlake.sampling.identifiers import UUID4, uuid4

STATUSES = ("PREFERRED", "NON_PREFERRED", "SPECIALTY")


def formulary_drugs(world: World[PharmacySettings]) -> DataFrame:
    """One row per formulary and drug on it; key (formulary_code, ndc_code).

    Rates of inclusion, tiers and restrictions: the settings' `formularies`.
    """
    lines = DrugLists(world).lines(terms(world, world.keys(FORMULARIES)))
    key = (F.col("id"), F.col("product"))

    def bits(draw: str) -> SparkColumn:
        return world.draws.bits("formulary_drugs", "formulary_drug_id", *key, draw=draw)

    return lines.select(
        uuid4(bits("high"), bits("low")).alias("formulary_drug_id"),
        F.col("formulary_code"),
        F.col("ndc_code"),
        *_standing(world),
    )


def listed(world: World[PharmacySettings], asked: DataFrame) -> DataFrame:
    """Adds to rows of any table how a formulary lists a drug, as this table says it, by arithmetic in place of a join.

    asked: `formulary`, its key, as `plan_formularies.formulary_of` gives; and `product`, the position in the catalogue
    of the drug's product, whose first NDC is the one that formularies list. Adds `line`, its place on the list from 0,
    and the columns of this table from tier to days_supply_limit: all null where it is not listed.
    """
    # Of these types, since a number of another is another to a hash.
    key, product = F.col("formulary").cast("bigint"), F.col("product").cast("int")
    of_list = asked.select(F.struct("*").alias("asked"), key.alias("id"), product.alias("product"))
    with_line = DrugLists(world).listed(list_terms(world, of_list))
    standing = with_line.select("asked", "line", *_standing(world))
    names = [name for name in standing.columns if name != "asked"]
    return standing.select("asked.*", *(F.when(F.col("line").isNotNull(), F.col(name)).alias(name) for name in names))


def _standing(world: World[PharmacySettings]) -> list[SparkColumn]:
    """The columns from tier to days_supply_limit of a line."""
    tier, draws = F.col("tier"), world.draws
    preferred = ~bernoulli(
        draws.uniform("formulary_drugs", "status", F.col("id"), F.col("product")),
        world.settings.formularies.non_preferred_share,
    )
    status = F.when(tier >= 4, "SPECIALTY").when((tier <= 2) | preferred, "PREFERRED").otherwise("NON_PREFERRED")
    return [
        tier,
        status.alias("status"),
        F.col("requires_prior_auth"),
        F.col("requires_step_therapy"),
        quantity_limit(F.col("limit")).alias("quantity_limit"),
        days_limit(F.col("limit")).alias("days_supply_limit"),
    ]


TABLE = Table(
    dataset="pharmacy",
    name="formulary_drugs",
    grain="One row per formulary and drug that it lists",
    key=("formulary_code", "ndc_code"),
    csv_stem="us_pharmacy_formularies_drugs",
    documented_rows="10,000,000 ±1 %",
    build=formulary_drugs,
    spine=FORMULARIES,
    expected_rows=lambda settings: 2000.0 * settings.formulary_count,
    references=(
        Reference(("formulary_code",), "formularies", ("formulary_code",)),
        Reference(("ndc_code",), "drugs", ("ndc_code",)),
    ),
    rules={
        "limits_come_together": "(quantity_limit IS NULL) = (days_supply_limit IS NULL)",
        "status_by_tier": "CASE WHEN tier <= 2 THEN status = 'PREFERRED' WHEN tier = 3 THEN status <> 'SPECIALTY'"
        " ELSE status = 'SPECIALTY' END",
    },
    columns=(
        Column(
            "formulary_drug_id",
            "varchar(36)",
            "Random identifier, UUID version 4",
            pattern=UUID4,
            high_cardinality=True,
        ),
        Column("formulary_code", "varchar(50)", "Formulary", pattern=FORMULARY_CODE),
        Column("ndc_code", "varchar(14)", "Drug", pattern=NDC),
        Column(
            "tier",
            "int",
            "Cost-sharing tier: 1 generic, 2 preferred, 3 non-preferred brand, 4, 5 specialty",
            low=1,
            high=5,
        ),
        Column("status", "varchar(20)", "Standing on the formulary", domain=STATUSES),
        Column("requires_prior_auth", "boolean", "Whether the plan must approve it first"),
        Column("requires_step_therapy", "boolean", "Whether another drug must be tried first"),
        Column("quantity_limit", "int", "Most units a fill", nullable=True, low=30, high=90),
        Column("days_supply_limit", "int", "Most days a fill", nullable=True, low=30, high=90, unit="days"),
    ),
)
