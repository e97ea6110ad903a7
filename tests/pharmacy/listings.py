"""Formularies with their lines, and drugs, as plain rows, which a test may edit and turn into tables again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from payerlake.pharmacy import drugs, formularies, formulary_drugs
from tests.pharmacy.families import Row

EDITED = (drugs.TABLE, formularies.TABLE, formulary_drugs.TABLE)


@dataclass
class Listing:
    """A formulary and its lines. `drugs` are all drugs by NDC, shared by all listings."""

    formulary: Row
    drugs: Mapping[str, Row]
    lines: list[Row] = field(default_factory=list)

    @property
    def code(self) -> str:
        return self.formulary["formulary_code"]

    @property
    def type(self) -> str:
        return self.formulary["formulary_type"]

    @property
    def is_medicare(self) -> bool:
        return self.formulary["market_segment"].startswith("MEDICARE")

    def listed(self, of: Callable[[Row], bool]) -> list[Row]:
        """The lines of drugs that are so."""
        return [line for line in self.lines if of(self.drugs[line["ndc_code"]])]

    def unlisted(self, of: Callable[[Row], bool]) -> list[Row]:
        """The drugs that are so and that the formulary does not list."""
        here = {line["ndc_code"] for line in self.lines}
        return [drug for ndc, drug in self.drugs.items() if ndc not in here and of(drug)]

    def names(self) -> set[str]:
        """Everything by which a suite may report this listing: formulary, and formulary with drug."""
        return {self.code} | {f"{self.code} {line['ndc_code']}" for line in self.lines}

    def marks(self) -> set[str]:
        """What no other edit may touch."""
        return {self.code}


class Listings:
    """The listings of a dataset's first formularies, so many of each type, by number."""

    def __init__(self, frames: Mapping[str, DataFrame], of_a_type: int = 10) -> None:
        self._schemas = {table.name: frames[table.name].toArrow().schema for table in EDITED[:2]}
        self._drugs = {row["ndc_code"]: row for row in frames["drugs"].toArrow().to_pylist()}
        self._listings: dict[str, Listing] = {}
        by_type: dict[str, int] = {}
        for row in frames["formularies"].orderBy(F.substring_index("formulary_code", "-", -1)).toArrow().to_pylist():
            by_type[row["formulary_type"]] = by_type.get(row["formulary_type"], 0) + 1
            if by_type[row["formulary_type"]] <= of_a_type:
                self._listings[row["formulary_code"]] = Listing(row, self._drugs)
        lines = frames["formulary_drugs"].where(F.col("formulary_code").isin(list(self._listings))).toArrow()
        self._schemas["formulary_drugs"] = lines.schema
        for line in lines.to_pylist():
            self._listings[line["formulary_code"]].lines.append(line)

    def __iter__(self) -> Iterator[Listing]:
        return iter(self._listings.values())

    def frames(self, spark: SparkSession) -> dict[str, DataFrame]:
        """The edited tables by name."""
        rows = {
            "drugs": list(self._drugs.values()),
            "formularies": [listing.formulary for listing in self],
            "formulary_drugs": [line for listing in self for line in listing.lines],
        }
        return {name: _frame(spark, rows[name], schema) for name, schema in self._schemas.items()}


@dataclass
class Drug:
    """A drug. `all` are all drugs by NDC."""

    row: Row
    all: Mapping[str, Row]

    def names(self) -> set[str]:
        return {self.row["ndc_code"]}

    def marks(self) -> set[str]:
        """What no other edit may touch: the drug and everything of its ingredient."""
        return {self.row["ndc_code"], self.row["generic_name"]}


class Drugs:
    """The drugs of a dataset, by NDC."""

    def __init__(self, frames: Mapping[str, DataFrame]) -> None:
        table = frames["drugs"].orderBy("ndc_code").toArrow()
        self._schema = table.schema
        self._drugs = {row["ndc_code"]: row for row in table.to_pylist()}

    def __iter__(self) -> Iterator[Drug]:
        return (Drug(row, self._drugs) for row in self._drugs.values())

    def frames(self, spark: SparkSession) -> dict[str, DataFrame]:
        """The edited table by name."""
        return {"drugs": _frame(spark, list(self._drugs.values()), self._schema)}


def _frame(spark: SparkSession, rows: list[Row], schema: pa.Schema) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_pylist(rows, schema))
