"""The structural suite of a table, from its contract: columns, nulls, values, rules, key and references.

Its batches: `columns` is the table itself, of which only the schema is looked at. `rows` is one scan: every column,
and a column more for each rule, reference and the key, which holds a fixed word or, where it is broken, the row's
key. Of a large table the key, and references to large tables, stand in a third batch, `keys`, which is one GROUP BY.
So a table costs one or two Spark queries whatever its contract says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from payerlake.checks import keys
from payerlake.checks.keys import FOUND, KEY, UNIQUE, text
from payerlake.checks.suites import Check, Suite
from payerlake.contract.schema import NULL_WORDS, Column, Reference, Table
from payerlake.contract.sql import quoted

LARGE = 250_000  # rows: up to here a window over the key, or a broadcast of a parent's keys, costs little

_HOLDS = "holds"
_TEXTS = "texts"  # the name, among those of the contract's rules, of the one that all contracts share


def structural(table: Table, parents: Mapping[str, Table], columns: Sequence[str], rows: Mapping[str, int]) -> Suite:
    """The suite `DATASET.TABLE.contract`.

    parents: the tables that stand there; columns: those that the table has; rows: of every table that stands there.
    Where the columns are not the contract's, rules, key and references cannot be read and are listed as skipped.
    """
    whole = list(columns) == table.column_names
    known = [reference for reference in table.references if reference.table in parents and whole]
    grouped = [r for r in known if min(rows[table.name], rows[r.table]) > LARGE]
    batches = {"columns": f"SELECT * FROM {quoted(table.name)}"}
    if not whole:
        batches["rows"] = batches["columns"]
    elif rows[table.name] > LARGE:
        batches |= {
            "rows": _rows(table, known, grouped, key=False),
            "keys": keys.batch(table, grouped, _rows_of_first(table, rows)),
        }
    else:
        batches["rows"] = _rows(table, known, grouped, key=True)
    return Suite(
        name=f"{table.full_name}.contract",
        origin=f"contract of {table.full_name}",
        tables=tuple(dict.fromkeys([table.name, *(reference.table for reference in known)])),
        batches=batches,
        checks=tuple(_checks(table, parents, columns, known, grouped, batches)),
        skipped=_skipped(table, parents, whole),
    )


def _rows_of_first(table: Table, rows: Mapping[str, int]) -> float:
    """How many rows have one value of the key's first column, where a parent's rows tell."""
    parents = [r.table for r in table.references if r.columns == table.key[:1] and rows.get(r.table)]
    return max((rows[table.name] / rows[parent] for parent in parents), default=1.0)


def _checks(
    table: Table,
    parents: Mapping[str, Table],
    columns: Sequence[str],
    known: Sequence[Reference],
    grouped: Sequence[Reference],
    batches: Mapping[str, str],
) -> Iterator[Check]:
    yield _columns_check(table)
    if not table.may_be_empty:
        yield _rows_check(table)
    always = [reference for reference in known if table.is_cut_with(parents[reference.table])]
    for column in (column for column in table.columns if column.name in columns):
        yield from _column_checks(table, column, _held_by_parent(column, always, parents))
    if batches["rows"] == batches["columns"]:
        return
    yield from (_rule_check(table, name, said) for name, said in _said(table).items())
    yield from (_reference_check(table, r, parents[r.table], "keys" if r in grouped else "rows") for r in known)
    yield _key_check(table, "keys" if "keys" in batches else "rows")


def _rows(table: Table, known: Sequence[Reference], grouped: Sequence[Reference], key: bool) -> str:
    broken = text(table.key, "t.")
    rules = [
        f"CASE WHEN coalesce(({condition}), true) THEN '{_HOLDS}' ELSE {broken} END AS {quoted(rule_column(name))}"
        for name, condition in _of_a_row(table).items()
    ]
    looked_up = [f"{keys.lookup(r)} AS {quoted(keys.reference_column(r))}" for r in known if r not in grouped]
    unique = [f"{keys.uniqueness(table)} AS {quoted(KEY)}"] if key else []
    return f"SELECT {', '.join(['t.*', *rules, *looked_up, *unique])} FROM {quoted(table.name)} t"


def _of_a_row(table: Table) -> dict[str, str]:
    """SQL conditions of a row, by name: that its texts are there or null, and the contract's rules."""
    free = [_is_there_or_null(column) for column in table.columns if column.is_free]
    return ({_TEXTS: " AND ".join(free)} if free else {}) | table.rules


def _is_there_or_null(column: Column) -> str:
    """A text longer than every word for a null is told by its size alone, which costs nothing."""
    name, words = quoted(column.name), ", ".join(f"'{word}'" for word in ("", *NULL_WORDS))
    return f"(octet_length({name}) > {max(map(len, NULL_WORDS))} OR {name} NOT IN ({words}))"


def rule_column(name: str) -> str:
    """The column of the rows batch that says whether the contract's rule of that name holds."""
    return f"rule {name}"


def _check(table: Table, type_: str, rule: str, batch: str = "rows", **kwargs: object) -> Check:
    return Check(type_, kwargs, {"rule": rule, "source": f"contract of {table.full_name}"}, batch)


def _columns_check(table: Table) -> Check:
    type_ = "expect_table_columns_to_match_ordered_list"
    return _check(table, type_, "columns are the contract's, in its order", "columns", column_list=table.column_names)


def _rows_check(table: Table) -> Check:
    return _check(table, "expect_table_row_count_to_be_between", "the table has rows", min_value=1)


def _column_checks(table: Table, column: Column, held_by_parent: bool) -> list[Check]:
    checks, name = [], column.name
    if not column.nullable:
        checks.append(_check(table, "expect_column_values_to_not_be_null", f"{name} is never null", column=name))
    if column.domain:
        rule, type_ = f"{name} is one of its {len(column.domain)} values", "expect_column_values_to_be_in_set"
        checks.append(_check(table, type_, rule, column=name, value_set=list(column.domain)))
    if column.pattern and not held_by_parent:
        rule, type_ = f"{name} matches {column.pattern}", "expect_column_values_to_match_regex"
        checks.append(_check(table, type_, rule, column=name, regex=f"^(?:{column.pattern})$"))
    if column.low is not None or column.high is not None:
        rule, type_ = f"{name} lies in its range", "expect_column_values_to_be_between"
        checks.append(_check(table, type_, rule, column=name, min_value=column.low, max_value=column.high))
    return checks


def _held_by_parent(column: Column, known: Sequence[Reference], parents: Mapping[str, Table]) -> bool:
    """Whether the value exists in a parent that holds it to the same pattern, so that matching it again tells nothing.

    Matching costs time on every row. A parent's column that itself refers elsewhere does not count: two tables that
    refer to each other would each leave the matching to the other.
    """
    holders = [(parents[r.table], r.to_columns[0]) for r in known if r.columns == (column.name,)]
    return any(
        parent_column.name == name and parent_column.pattern == column.pattern
        for parent, name in holders
        if not any(name in reference.columns for reference in parent.references)
        for parent_column in parent.columns
    )


def _said(table: Table) -> dict[str, str]:
    """What the conditions of a row say, by name."""
    named = ", ".join(column.name for column in table.columns if column.is_free)
    texts = f"no text is empty or a word for a null: {named}"
    return {name: texts if name == _TEXTS else f"{name}: {rule}" for name, rule in _of_a_row(table).items()}


def _rule_check(table: Table, name: str, said: str) -> Check:
    return _check(table, "expect_column_values_to_be_in_set", said, column=rule_column(name), value_set=[_HOLDS])


def _reference_check(table: Table, reference: Reference, parent: Table, batch: str) -> Check:
    """Asked of whole datasets alone where a part has other rows of the parent than it refers to."""
    rule = f"({', '.join(reference.columns)}) exists in {reference.table} ({', '.join(reference.to_columns)})"
    column = keys.reference_column(reference)
    check = _check(table, "expect_column_values_to_be_in_set", rule, batch, column=column, value_set=[FOUND])
    return check if table.is_cut_with(parent) else replace(check, meta={**check.meta, "whole": True})


def _key_check(table: Table, batch: str) -> Check:
    rule = f"no two rows have the same key ({', '.join(table.key)})"
    return _check(table, "expect_column_values_to_be_in_set", rule, batch, column=KEY, value_set=[UNIQUE])


def _skipped(table: Table, parents: Mapping[str, Table], whole: bool) -> tuple[str, ...]:
    if not whole:
        return ("rules, key and references: the columns are not the contract's",)
    absent = [reference for reference in table.references if reference.table not in parents]
    return tuple(f"reference ({', '.join(r.columns)}): needs {r.table}" for r in absent)
