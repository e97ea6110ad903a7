"""The contract's own types: Spark types, SQL conditions, comments, parents."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from payerlake.schema import Column, Reference, Table


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
    assert Column("c", "string", "A column").condition is None


ALLOWED = [
    (Column("c", "string", "A state", domain=("NY", "O'Brien")), ["NY", "O'Brien", None], ["CA", ""]),
    (Column("c", "string", "One value", domain=("NY",)), ["NY"], ["N", "NYC"]),
    (
        Column("c", "string", "A number", pattern=r"^M\d{6,}$"),
        ["M000001", "M1234567", None],
        ["M12345", "xM000001", "M00000d"],
    ),
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
    assert rules == {"id_allowed": "id >= 1", "paid_late": "id > 5"}


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
