"""What the tables of the quality dataset have in common: ids, and the column that most of them end with."""

from __future__ import annotations

from datetime import datetime, time

from pyspark.sql import Column as SparkColumn
from pyspark.sql import functions as F

from payerlake.contract.schema import Column
from payerlake.person.world import World
from payerlake.quality.settings import QualitySettings
from payerlake.sampling.identifiers import numbered

MEMBER_ID = r"^M\d{8,}$"
PLAN_ID = r"^H\d{4}-\d{3}$"
CREATED = Column(
    "created_date", "timestamp", "When the row was made: the first moment of the day as of which the data are"
)


def member_id(key: SparkColumn) -> SparkColumn:
    """The member's id of the key: M00000001, with more digits where eight do not do."""
    return numbered("M", key + 1, digits=8)


def created(world: World[QualitySettings]) -> datetime:
    """What `created_date` has in every row: a clock would make each run another."""
    return datetime.combine(world.settings.seen_on, time())


def created_column(world: World[QualitySettings]) -> SparkColumn:
    """`created_date` for the rows of a long table."""
    return F.lit(str(created(world))).cast("timestamp_ntz").alias(CREATED.name)
