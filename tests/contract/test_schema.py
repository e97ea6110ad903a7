"""The contract's own types: Spark types, SQL conditions, comments, parents."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from payerlake import registry
from payerlake.contract.schema import NULL_WORDS, Column, Reference, Table


def table(*columns: Column, name: str = "claims", references: tuple[Reference, ...] = (), **rules: str) -> Table:
    return Table(
        dataset="test",
        name=name,
        grain="One row per claim",
        key=("id",),
        columns=columns,
        csv_stem=name,
        documented_rows="few",
        build=lambda world: world.spark.range(0),
        references=references,
        rules=rules,
    )


@pytest.mark.parametrize(
    ("sql", "spark"),
    [
        ("string", T.StringType()),
        ("varchar(100)", T.StringType()),
        ("char(2)", T.StringType()),
        ("date", T.DateType()),
        ("boolean", T.BooleanType()),
        ("int", T.IntegerType()),
        ("bigint", T.LongType()),
        ("double", T.DoubleType()),
        ("decimal(10,2)", T.DecimalType(10, 2)),
        ("decimal(5, 4)", T.DecimalType(5, 4)),
    ],
)
def test_sql_types_have_their_spark_types(sql: str, spark: T.DataType) -> None:
    assert Column("c", sql, "A column").spark_type == spark


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(KeyError, match="money"):
        _ = Column("c", "money", "A column").spark_type


def test_the_schema_has_names_types_nulls_and_comments_with_units() -> None:
    schema = table(
        Column("id", "bigint", "Claim"), Column("paid", "decimal(10,2)", "Paid", nullable=True, unit="USD")
    ).schema()
    assert schema.simpleString() == "struct<id:bigint,paid:decimal(10,2)>"
    assert [field.nullable for field in schema] == [False, True]
    assert [field.metadata["comment"] for field in schema] == ["Claim", "Paid (USD)"]


def test_a_column_without_limits_has_no_condition() -> None:
    assert Column("c", "int", "A column").condition is None


def test_a_text_whose_domain_and_pattern_leave_it_open_must_not_be_empty() -> None:
    assert Column("c", "varchar(9)", "A note", nullable=True).condition == "c <> ''"
    assert Column("c", "string", "Letters", pattern="^[a-z]*$").condition == "c RLIKE '^[a-z]*$' AND c <> ''"
    assert Column("c", "string", "Letters", pattern="^[a-z]+$").condition == "c RLIKE '^[a-z]+$'"
    assert Column("c", "string", "A state", domain=("NY", "CA")).condition == "c IN ('NY', 'CA')"


def test_a_text_is_free_unless_domain_or_pattern_keep_it_from_reading_as_a_null() -> None:
    free = [Column("c", "string", "A note"), Column("c", "char(2)", "A state", pattern="^[A-Z]{2}$")]
    bound = [
        Column("c", "string", "A state", domain=("NY", "CA")),
        Column("c", "string", "A number", pattern=r"^M\d{6}$"),
        Column("c", "json", "An object"),
        Column("c", "date", "A day"),
    ]
    assert [column.is_free for column in (*free, *bound)] == [True, True, False, False, False, False]


@pytest.mark.parametrize("dataset", registry.datasets())
def test_no_domain_has_a_value_that_reads_as_a_null(dataset: str) -> None:
    tables = registry.dataset(dataset).tables
    odd = [
        (table.name, column.name, word)
        for table in tables
        for column in table.columns
        for word in ("", *NULL_WORDS)
        if word in column.domain
    ]
    assert odd == []


def test_the_words_for_a_null_are_those_that_pandas_reads_as_one() -> None:
    """But for misspelt numbers such as -1.#IND; a word that no reader takes for a null would be refused in vain."""
    read = pd.read_csv(io.StringIO("\n".join(["word", *NULL_WORDS, "Null", "none", "NAN"])), skip_blank_lines=False)
    assert list(read["word"].dropna()) == ["Null", "none", "NAN"]


ALLOWED = [
    (Column("c", "string", "A state", domain=("NY", "O'Brien")), ["NY", "O'Brien", None], ["CA", ""]),
    (Column("c", "string", "One value", domain=("NY",)), ["NY"], ["N", "NYC"]),
    (
        Column("c", "string", "A number", pattern=r"^M\d{6,}$"),
        ["M000001", "M1234567", None],
        ["M12345", "xM000001", "M00000d"],
    ),
    (Column("c", "string", "A note"), ["well", " ", None], [""]),
    (Column("c", "int", "A month", low=1, high=12), [1, 12, None], [0, 13]),
    (Column("c", "double", "A share", low=0, high=0.125), [0.0, 0.125], [-1e-9, 0.126]),
    (
        Column("c", "bigint", "A large number", low=1_234_567, high=9_999_999),
        [1_234_567, 9_999_999],
        [1_234_566, 10_000_000],
    ),
]


@pytest.mark.parametrize(("column", "good", "bad"), ALLOWED, ids=lambda value: getattr(value, "meaning", ""))
def test_a_condition_holds_for_what_is_allowed_and_nothing_else(
    spark: SparkSession, column: Column, good: list, bad: list
) -> None:
    """In Spark SQL, nulls pass: whether they are allowed is said elsewhere."""
    frame = spark.createDataFrame(
        [(value,) for value in good + bad], T.StructType([T.StructField("c", column.spark_type)])
    )
    held = [row[0] for row in frame.selectExpr(f"coalesce({column.condition}, true)").collect()]
    assert held == [True] * len(good) + [False] * len(bad)


def test_constraints_are_those_of_the_columns_then_the_rules() -> None:
    rules = table(
        Column("id", "int", "Claim", low=1), Column("note", "string", "Note"), paid_late="id > 5"
    ).constraints()
    assert rules == {"id_allowed": "id >= 1", "note_allowed": "note <> ''", "paid_late": "id > 5"}


def test_parents_are_the_tables_referred_to_once_each_and_never_itself() -> None:
    references = (
        Reference(("member",), "members", ("id",)),
        Reference(("payer",), "members", ("id",)),
        Reference(("plan",), "plans", ("id",)),
        Reference(("parent_claim",), "claims", ("id",)),
    )
    made = table(Column("id", "int", "Claim"), references=references)
    assert made.parents == ("members", "plans")
    assert made.full_name == "test.claims"
    assert made.column_names == ["id"]


def test_a_contract_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="cannot assign"):
        table().name = "other"  # type: ignore[misc]
