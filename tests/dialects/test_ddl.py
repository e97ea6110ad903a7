"""Tables, keys and rules as MySQL and PostgreSQL have them, from the contracts: no server is needed."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from payerlake import registry
from payerlake.contract.schema import Column, Index, Reference, Table
from payerlake.dialects.column_types import column_type
from payerlake.dialects.conditions import translated
from payerlake.dialects.ddl import BY_CHECK, BY_PARENT, BY_QUERY, Dialect, Schema, indexes
from payerlake.dialects.mysql import MySQL
from payerlake.dialects.names import Names
from payerlake.dialects.postgresql import PostgreSQL
from payerlake.dialects.scripts import load_script, schema_script
from payerlake.errors import BadInput

TABLES = [table for name in registry.datasets() for table in registry.dataset(name).tables if not table.view]
LONGEST_NAME = 63  # PostgreSQL's; MySQL's is 64

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.full_name)
every_dialect = pytest.mark.parametrize("dialect", [MySQL(), PostgreSQL()], ids=lambda dialect: dialect.name)


def schema(table: Table, dialect: Dialect | None = None) -> Schema:
    return Schema(registry.dataset(table.dataset).in_order(), dialect or MySQL())


def contract(*columns: Column, name: str = "visits", **options: object) -> Table:
    return Table(
        dataset="test",
        name=name,
        grain="One row per visit",
        key=(columns[0].name,),
        columns=columns,
        csv_stem=name,
        documented_rows="few",
        build=lambda world: world.spark.range(0),
        **options,  # type: ignore[arg-type]
    )


def created(*tables: Table, dialect: Dialect | None = None) -> str:
    """The last table's statements."""
    return written(Schema(tables, dialect or MySQL()), tables[-1])


def written(schema: Schema, table: Table) -> str:
    """The statements that create the table, a definition a line."""
    return "".join(f"{statement};\n" for statement in schema.create(table)).replace(", \n\t", ",\n\t")


# every table


@every_dialect
@every_table
def test_every_condition_of_a_contract_is_held_somewhere(table: Table, dialect: Dialect) -> None:
    """By a constraint, the column's type, the parent, or a question of the loader: none is dropped, none held twice."""
    held = {rule.name: rule.held_by for rule in schema(table, dialect).rules(table)}
    text = "" if table.view else written(schema(table, dialect), table)
    in_checks = {name for name in held if re.search(rf"CONSTRAINT .{re.escape(name)}. CHECK", text)}
    by_type = {f"{column.name}_allowed" for column in table.columns if column.type == "enum"}
    prefix = f"{table.sql_name or table.name}_"
    assert {prefix + name for name in set(table.constraints()) - by_type} <= set(held)
    assert in_checks == {name for name, by in held.items() if by == BY_CHECK}


@every_dialect
def test_rules_beside_foreign_keys_are_asked_for(dialect: Dialect) -> None:
    """MySQL has no CHECK on a column that a foreign key changes, PostgreSQL none that forbids to empty it."""
    asked = {
        f"{table.full_name}: {rule.name}"
        for table in TABLES
        for rule in schema(table, dialect).rules(table)
        if rule.held_by == BY_QUERY
    }
    in_mysql = {"pharmacy.households: households_subscriber_is_self"} if dialect.name == "MySQL" else set()
    assert asked == in_mysql | {"insurance.members: MEMBERS_enrollment_with_insurer"}


@every_table
def test_no_check_stands_on_a_column_that_a_foreign_key_changes(table: Table) -> None:
    statement = written(schema(table), table)
    headers = {column.name: column.header for column in table.columns}
    changed = {headers[name] for reference in table.references for name in reference.columns}
    for check in re.findall(r"CHECK \((.*)\)[,\n]", statement):
        assert not changed & set(re.findall(r"`([^`]+)`", check)), check


@every_table
def test_a_reference_has_the_type_of_what_it_refers_to(table: Table) -> None:
    for reference in table.references:
        parent = registry.dataset(table.dataset).table(reference.table)
        types = [
            [
                column_type(column, keyed=True).compile(MySQL.tables)
                for name in names
                for column in of.columns
                if column.name == name
            ]
            for of, names in ((table, reference.columns), (parent, reference.to_columns))
        ]
        assert types[0] == types[1], reference
        assert reference.to_columns == parent.key[: len(reference.to_columns)] or reference.to_columns in parent.unique
        if reference.on_delete == "SET NULL":
            assert all(c.nullable for c in table.columns if c.name in reference.columns)


def test_names_are_short_enough_and_no_two_constraints_share_one() -> None:
    """Tables and indexes have a prefix in the stage, constraints a number where another table has their name."""
    for name in registry.datasets():
        dataset = registry.dataset(name)
        statements = "".join(written(schema(table), table) for table in dataset.tables if not table.view)
        assert max(map(len, re.findall(r"`([^`]+)`", statements))) <= LONGEST_NAME - len("_99")
        staged = [table.sql_name or table.name for table in dataset.tables]
        staged += [index.name for table in dataset.tables for index in table.indexes]
        assert max(map(len, staged)) <= LONGEST_NAME - len("payerlake_new_")
        names = Counter(name.lower() for name in re.findall(r"CONSTRAINT `([^`]+)`", statements))
        assert names.most_common(1)[0][1] == 1


@every_table
def test_the_script_defines_every_column_with_its_meaning(table: Table) -> None:
    script = schema_script(registry.dataset(table.dataset))
    body = re.search(rf"CREATE TABLE `{table.sql_name or table.name}` \((.*?)\n\)ENGINE", script, re.DOTALL)
    assert body
    lines = [line.strip() for line in body[1].splitlines() if line.startswith("\t`")]
    for column, line in zip(table.columns, lines, strict=True):
        assert line.startswith(f"`{column.header}` ")
        assert column.meaning.replace("'", "''") in line
        assert ("NOT NULL" in line) is not column.nullable


def test_scripts_create_and_load_parents_before_children() -> None:
    for name in registry.datasets():
        tables = [table for table in TABLES if table.dataset == name]
        made = re.findall(r"CREATE TABLE `(\w+)`", schema_script(registry.dataset(name)))
        script = load_script(registry.dataset(name), {table.name: [f"{table.csv_stem}.csv"] for table in tables})
        loaded = re.findall(r"INTO TABLE `(\w+)`", script)
        names = {table.name: table.sql_name or table.name for table in tables}
        for order in (made, loaded):
            assert sorted(order) == sorted(names.values())
            for table in tables:
                assert all(order.index(names[p]) < order.index(names[table.name]) for p in table.parents)


# the statements


def test_types_nulls_and_comments() -> None:
    text = created(
        contract(
            Column("id", "bigint", "Visit", low=1),
            Column("delta", "bigint", "Change", low=-5),
            Column("pulse", "smallint", "Pulse", nullable=True, low=0, unit="beats"),
            Column("sex", "enum", "The member's sex", domain=("F", "O'B")),
            Column("code", "string", "Code"),
            Column("note", "string", "Note"),
            Column("paid", "decimal(12,2)", "Paid", sql_name="amount paid"),
            Column("ok", "boolean", "Whether it is"),
            Column("extra", "json", "More", nullable=True),
            indexes=(Index(("code",)),),
        )
    )
    assert "`id` BIGINT UNSIGNED NOT NULL COMMENT 'Visit'," in text
    assert "`delta` BIGINT NOT NULL" in text
    assert "`pulse` SMALLINT UNSIGNED COMMENT 'Pulse (beats)'," in text
    assert "`sex` ENUM('F','O''B') NOT NULL COMMENT 'The member''s sex'," in text
    assert "`code` VARCHAR(255) NOT NULL" in text
    assert "`note` TEXT NOT NULL" in text
    assert "`amount paid` NUMERIC(12, 2) NOT NULL" in text
    assert "`ok` BOOL NOT NULL" in text
    assert "CHECK (`ok` IN (0, 1))" in text
    assert "CHECK (JSON_TYPE(`extra`) = 'OBJECT' AND JSON_LENGTH(`extra`) > 0)" in text
    assert "CREATE INDEX `visits_code_idx` ON `visits` (`code`);" in text
    assert (
        ")ENGINE=InnoDB CHARSET=utf8mb4 COMMENT='payerlake test.visits: One row per visit' COLLATE utf8mb4_bin;" in text
    )


def test_references_name_what_happens_on_delete() -> None:
    parent = contract(Column("id", "bigint", "Member", low=1, sql_name="Member ID"), name="members")
    child = contract(
        Column("id", "bigint", "Visit", low=1),
        Column("member", "bigint", "Member", nullable=True, low=1),
        references=(Reference(("member",), "members", ("id",), on_delete="SET NULL"),),
    )
    text = created(parent, child)
    assert (
        "CONSTRAINT `visits_member_fkey` FOREIGN KEY(`member`) REFERENCES `members` (`Member ID`)"
        " ON DELETE SET NULL ON UPDATE CASCADE"
    ) in text
    assert "member_allowed" not in text
    assert [rule.held_by for rule in Schema([parent, child], MySQL()).rules(child)] == [BY_CHECK, BY_PARENT]


def test_a_limit_that_the_parent_lacks_is_asked_for() -> None:
    parent = contract(Column("id", "bigint", "Member", low=1), name="members")
    child = contract(
        Column("id", "bigint", "Visit", low=1),
        Column("member", "bigint", "Member", low=1, high=9),
        references=(Reference(("member",), "members", ("id",)),),
    )
    schema = Schema([parent, child], MySQL())
    assert [rule.held_by for rule in schema.rules(child)] == [BY_CHECK, BY_QUERY]
    query = "SELECT COUNT(*) FROM `visits` WHERE NOT (`member` >= 1 AND `member` <= 9)"
    assert schema.count_broken(child, schema.rules(child)[1]) == query


def test_a_constraint_is_numbered_while_another_table_has_its_name() -> None:
    table = contract(Column("id", "int", "Visit", low=1))
    taken = Names("payerlake_new_", frozenset({"visits_id_allowed", "visits_id_allowed_2"}))
    text = written(Schema([table], MySQL(), taken), table)
    assert text.startswith("CREATE TABLE `payerlake_new_visits` (")
    assert "CONSTRAINT `visits_id_allowed_3` CHECK" in text


def test_an_index_with_which_another_begins_is_left_out() -> None:
    table = contract(
        *(Column(name, "int", "A column") for name in ("a", "b", "c", "d")),
        references=(Reference(("a",), "x", ("a",)), Reference(("b",), "y", ("b",)), Reference(("c",), "z", ("c",))),
        indexes=(Index(("b", "d")), Index(("d",)), Index(("d",))),
    )
    assert [index.columns for index in indexes(table)] == [("c",), ("b", "d"), ("d",)]


def test_an_index_with_a_name_is_always_made_and_a_partial_one_stands_for_no_other() -> None:
    table = contract(
        *(Column(name, "int", "A column") for name in ("a", "b", "c")),
        references=(Reference(("b",), "x", ("a",)), Reference(("c",), "y", ("a",))),
        indexes=(
            Index(("a",), name="by_a"),
            Index(("b", "a"), name="by_b", where="a > 0"),
            Index(("c", "a"), name="c"),
        ),
    )
    assert [(index.name, index.columns) for index in indexes(table)] == [
        ("by_a", ("a",)), ("by_b", ("b", "a")), ("c", ("c", "a")), ("", ("b",)),
    ]  # fmt: skip


def test_indexes_in_each_dialect() -> None:
    table = contract(
        Column("id", "int", "Visit"),
        Column("state", "char(2)", "State", sql_name="State"),
        Column("paid", "boolean", "Paid"),
        indexes=(Index(("state",)), Index(("state", "id"), name="by_state", where="state = 'NY' AND paid")),
    )
    assert "CREATE INDEX `by_state` ON `visits` (`State`, `id`);" in created(table)
    text = written(Schema([table], PostgreSQL(), Names("payerlake_new_")), table)
    assert (
        'CREATE INDEX "payerlake_new_by_state" ON "payerlake_new_visits" ("State", "id")'
        ' WHERE "State" = \'NY\' AND "paid";'
    ) in text
    assert 'CREATE INDEX "payerlake_new_visits_state_idx" ON "payerlake_new_visits" ("State");' in text


def test_types_nulls_and_comments_in_postgresql() -> None:
    text = created(
        contract(
            Column("id", "bigint", "Visit", low=1),
            Column("pulse", "tinyint", "Pulse", nullable=True, low=0, unit="beats"),
            Column("sex", "enum", "The member's sex", domain=("F", "O'B")),
            Column("code", "varchar(20)", "Code", pattern=r"^\d$"),
            Column("note", "string", "Note"),
            Column("paid", "decimal(12,2)", "Paid", sql_name="amount paid"),
            Column("share", "double", "Share"),
            Column("ok", "boolean", "Whether it is"),
            Column("made", "timestamp", "When"),
            Column("extra", "json", "More", nullable=True),
        ),
        dialect=PostgreSQL(),
    )
    for line in (
        '"id" BIGINT NOT NULL,',
        '"pulse" SMALLINT,',
        '"sex" TEXT NOT NULL,',
        '"code" VARCHAR(20) NOT NULL,',
        '"note" TEXT NOT NULL,',
        '"amount paid" NUMERIC(12, 2) NOT NULL,',
        '"share" DOUBLE PRECISION NOT NULL,',
        '"ok" BOOLEAN NOT NULL,',
        '"made" TIMESTAMP WITHOUT TIME ZONE NOT NULL,',
        '"extra" JSONB,',
        "CHECK (\"sex\" IN ('F', 'O''B'))",
        "CHECK (\"code\" ~ '^\\d$')",
        "CHECK (jsonb_typeof(\"extra\") = 'object' AND \"extra\" <> '{}')",
        "COMMENT ON TABLE \"visits\" IS 'payerlake test.visits: One row per visit';",
        'COMMENT ON COLUMN "visits"."pulse" IS \'Pulse (beats)\';',
        "COMMENT ON COLUMN \"visits\".\"sex\" IS 'The member''s sex';",
    ):
        assert line in text


def test_a_view_reads_the_tables_by_the_names_that_they_have() -> None:
    table = contract(Column("id", "int", "Visit"))
    query = "SELECT id AS visits_made FROM visits"
    view = contract(Column("visits_made", "int", "Visits"), name="vw", view=lambda _: query)
    staged = Schema([table, view], MySQL(), Names("payerlake_new_"))
    assert [staged.tables, staged.views] == [(table,), (view,)]
    assert staged.create_view(view, None) == [
        "CREATE OR REPLACE VIEW `payerlake_new_vw` AS SELECT * FROM (\nSELECT id AS visits_made "
        "FROM payerlake_new_visits\n) AS q WHERE 'payerlake view test.vw: One row per visit' <> ''"
    ]
    final, comment, *_ = Schema([table, view], PostgreSQL()).create_view(view, None)
    assert final == (
        'CREATE OR REPLACE VIEW "vw" AS\nSELECT CAST("visits_made" AS INTEGER) AS "visits_made"\n'
        "FROM (\nSELECT id AS visits_made FROM visits\n) AS q"
    )
    assert comment == "COMMENT ON VIEW \"vw\" IS 'payerlake view test.vw: One row per visit'"


def test_the_levels_have_parents_before_children() -> None:
    levels = Schema(registry.dataset("insurance").in_order(), MySQL()).levels()
    assert [{table.name for table in level} for level in levels] == [
        {"insurance", "facility", "condition"},
        {"plan"},
        {"enrollment"},
        {"members"},
        {"member_condition", "claims"},
    ]


# conditions

NAMED = contract(
    Column("id", "int", "Visit"),
    Column("state", "char(2)", "State", sql_name="State of`it"),
    Column("end", "date", "End", sql_name="End"),
    Column("date", "date", "Date"),
)


@pytest.mark.parametrize(
    ("spark", "mysql"),
    [
        ("state = 'state'", "`State of``it` = 'state'"),
        ("id IS NULL OR end > date", "`id` IS NULL OR `End` > `date`"),
        ("state rlike '^[A-Z]\\\\d$'", "`State of``it` REGEXP '^[A-Z]\\\\d$'"),
        ("state IN (\"O'B\", 'a\\'b')", "`State of``it` IN ('O''B', 'a''b')"),
        ("cast(state AS int) <= 1.5e-3", "CAST(`State of``it` AS SIGNED) <= 1.5e-3"),
        ("datediff(end, date) % 7 <> -1", "DATEDIFF(`End`, `date`) % 7 <> -1"),
        ("CASE WHEN id > 1 THEN TRUE ELSE NOT left(state, 1) = 'N' END",
         "CASE WHEN `id` > 1 THEN TRUE ELSE NOT LEFT(`State of``it`, 1) = 'N' END"),
        ("length(state) = 2 AND date BETWEEN '2020-01-01' AND end",
         "CHAR_LENGTH(`State of``it`) = 2 AND `date` BETWEEN '2020-01-01' AND `End`"),
    ],
)  # fmt: skip
def test_conditions_are_said_in_the_databases_words(spark: str, mysql: str) -> None:
    assert translated(spark, NAMED, MySQL.words).sql == mysql


@pytest.mark.parametrize(
    ("spark", "postgresql"),
    [
        ("id IS NULL OR end > date", '"id" IS NULL OR "End" > "date"'),
        ("state rlike '^[A-Z]\\\\d$'", "\"State of`it\" ~ '^[A-Z]\\d$'"),
        ("cast(state AS int) <= 1.5e-3", 'CAST("State of`it" AS INT) <= 1.5e-3'),
        ("datediff(end, date) <= 60", '(CAST("End" AS DATE) - CAST("date" AS DATE)) <= 60'),
        ("left(state, 1) = 'O\\'B'", "LEFT(\"State of`it\", 1) = 'O''B'"),
    ],
)
def test_conditions_are_said_in_postgresqls_words(spark: str, postgresql: str) -> None:
    assert translated(spark, NAMED, PostgreSQL.words).sql == postgresql


@pytest.mark.parametrize(
    ("spark", "message"),
    [
        ("sounddex(state) = 'N'", r"test\.visits: sounddex is not known in: sounddex\(state\) = 'N'"),
        ("stat = 'NY'", "stat is not known in"),
        ("state = = 'NY'", "test.visits: this is not understood: state = = 'NY'"),
        ("state = 'NY", "test.visits: this is not understood: state = 'NY"),
    ],
)
def test_what_is_no_condition_of_the_table_is_refused(spark: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        translated(spark, NAMED, MySQL.words)


@every_dialect
def test_a_pattern_of_json_is_refused(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="no pattern of JSON"):
        created(contract(Column("id", "int", "Visit"), Column("extra", "json", "More", pattern="^a")), dialect=dialect)


def test_unknown_tables_of_a_load_script_are_refused() -> None:
    with pytest.raises(BadInput, match="'membrs' is not a table"):
        load_script(registry.dataset("insurance"), {"membrs": ["x.csv"]})
