"""Uniqueness of keys and existence of references, as SQL that reads a table of any size once.

Uniqueness. Grouping ten million rows by their key takes longer than copying them. Instead rows are grouped by their
*place*: the key's first column, or, of a key of one column, its value without the last character or six bits. Rows of a
place mostly follow each other, so the map side already folds them: ten million enrollments shuffle as one million.
Within a place each row sets one bit in each of several 64-bit words, chosen by the rest of its key. Equal keys set
equal bits; so where in any word as many bits are set as there are rows, the keys of the place are proved to differ. The
few places without proof are read again and grouped by the whole key. The answer is exact: hashes choose bits and
places, and only whole keys call a key repeated. Measured on 10 million enrollments, in CPU seconds: by whole key 27,
collect_set by member 14, this batch with its reference to members 9 (copying the rows to CSV: 20 to 25).

Where a value of the first column stands in many rows, as a formulary in two thousand, sixty-four bits cannot tell them
apart: its rows are then spread over as many places as leave about eight rows each.

The words: of a date or a whole number its last six bits, in which neighbours differ; the same number in steps, of
256 days where it is a date, each with another bit of a hash, so that every second of them tells two rows of one day
apart; and slices of that hash. About 1 % of enrollments stay without proof; with more slices for steps, 7 %.

References. The key of the parent is looked up by a 64-bit hash of it: two existence joins on a long cost half of two
outer joins on a string. A reference by the key's first column shares the grouping above.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from payerlake.contract.schema import Column, Reference, Table
from payerlake.contract.sql import quoted

KEY = "key, all columns"  # the column of a batch that tells about the key; no table's column has such a name
UNIQUE = "unique"
FOUND = "found"

_WORDS = 6  # at least
_STEP_WORDS = 4
_DAYS_STEP = 8  # bits: steps of 256 days, which the yearly dates of 22 years never share
_WHOLE_NUMBERS = ("int", "bigint")
_ROWS_OF_A_PLACE = 8
_MANY_ROWS = 32  # with one value of the key's first column


def text(columns: Sequence[str], prefix: str = "") -> str:
    """The values as one readable string, `M000001|PLN-001`, for reports."""
    parts = [f"coalesce(cast({prefix}{quoted(column)} AS string), 'null')" for column in columns]
    return f"concat_ws('|', {', '.join(parts)})"


def reference_column(reference: Reference) -> str:
    """The column of a batch that holds FOUND, or the values that the parent has not."""
    return f"{', '.join(reference.columns)} in {reference.table}"


def lookup(reference: Reference, alias: str = "t.") -> str:
    """FOUND where the row's values exist in the parent or one of them is null, else the values."""
    absent = " OR ".join(f"{alias}{quoted(column)} IS NULL" for column in reference.columns)
    exists = _exists(reference, _hash(reference.columns, alias))
    return f"CASE WHEN {absent} OR {exists} THEN '{FOUND}' ELSE {text(reference.columns, alias)} END"


def uniqueness(table: Table) -> str:
    """UNIQUE, or the row's key where other rows have it too. For tables that one sort does not burden."""
    columns = ", ".join(f"t.{quoted(column)}" for column in table.key)
    return f"CASE WHEN count(*) OVER (PARTITION BY {columns}) = 1 THEN '{UNIQUE}' ELSE {text(table.key, 't.')} END"


def batch(table: Table, references: Sequence[Reference], rows_of_first: float = 1.0) -> str:
    """SQL: columns KEY and one per reference, each UNIQUE or FOUND, or the offending values; null where not asked.

    rows_of_first: how many rows have one value of the key's first column, about; it chooses the places, not the answer.

    One row a place of the key that is in order, one a key of the others, one a distinct value of a reference
    that does not go by the key's first column.
    """
    spread = math.ceil(rows_of_first / _ROWS_OF_A_PLACE) if len(table.key) > 1 and rows_of_first > _MANY_ROWS else 1
    shared = [r for r in references if len(table.key) > 1 and r.columns == table.key[:1] and spread == 1]
    own = [reference for reference in references if reference not in shared]
    names = [KEY, *(reference_column(reference) for reference in (*shared, *own))]
    branches = [_in_order(names, shared), _in_doubt(table, names, shared, spread)]
    branches += [_distinct(table, names, reference) for reference in own]
    return f"WITH {_groups(table, shared, spread)} {' UNION ALL '.join(branches)}"


def _groups(table: Table, shared: Sequence[Reference], spread: int) -> str:
    place, words = _place(table, spread), _words(table)
    bits = ", ".join(f"bit_or(shiftleft(1L, cast({word} AS int))) AS word_{i}" for i, word in enumerate(words))
    doubt = " AND ".join(f"bit_count(word_{i}) < copies" for i in range(len(words)))
    found = "".join(f", q.place IS NULL OR {_exists(r, 'q.place')} AS found_{i}" for i, r in enumerate(shared))
    # A sum and not a conjunction, whose parts Spark would push below the GROUP BY and there look up every row.
    fine = " + ".join(f"cast({part} AS int)" for part in ["NOT doubt", *(f"found_{i}" for i in range(len(shared)))])
    columns = ", ".join(quoted(column) for column in table.key)
    remainder = ", ".join(quoted(column) for column in table.key[1:] or table.key)
    rest = f"SELECT {columns}, xxhash64({remainder}) AS rest, {place} AS place FROM {quoted(table.name)}"
    return f"""
        places AS (SELECT place, count(*) AS copies, {bits} FROM ({rest}) GROUP BY place),
        proofs AS (SELECT q.place, {doubt} AS doubt{found} FROM places q),
        judged AS (SELECT *, {fine} = {1 + len(shared)} AS fine FROM proofs),
        doubtful AS (SELECT * FROM judged WHERE NOT fine)"""


def _in_order(names: Sequence[str], shared: Sequence[Reference]) -> str:
    values = [f"'{UNIQUE}'", *(f"'{FOUND}'" for _ in shared)]
    return f"SELECT {_named(names, values)} FROM judged WHERE fine"


def _in_doubt(table: Table, names: Sequence[str], shared: Sequence[Reference], spread: int) -> str:
    """Exactly, by whole key, the few places without proof: broadcast first, so that without any nothing is read."""
    columns = ", ".join(quoted(column) for column in table.key)
    found = "".join(f", bool_and(found_{i}) AS found_{i}" for i in range(len(shared)))
    again = f"""SELECT /*+ BROADCAST(d) */ {columns}, count(*) AS copies{found}
        FROM {quoted(table.name)} t JOIN doubtful d ON {_place(table, spread, "t.")} <=> d.place GROUP BY {columns}"""
    key = f"CASE WHEN copies = 1 THEN '{UNIQUE}' ELSE concat({text(table.key)}, ' × ', copies) END"
    references = [f"CASE WHEN found_{i} THEN '{FOUND}' ELSE {text(r.columns)} END" for i, r in enumerate(shared)]
    return f"SELECT {_named(names, [key, *references])} FROM ({again})"


def _distinct(table: Table, names: Sequence[str], reference: Reference) -> str:
    columns = ", ".join(quoted(column) for column in reference.columns)
    values = ["NULL" if name != reference_column(reference) else lookup(reference) for name in names]
    return f"SELECT {_named(names, values)} FROM (SELECT DISTINCT {columns} FROM {quoted(table.name)}) t"


def _named(names: Sequence[str], values: Sequence[str]) -> str:
    padded = [*values, *["NULL"] * (len(names) - len(values))]
    return ", ".join(f"cast({value} AS string) AS {quoted(name)}" for name, value in zip(names, padded, strict=True))


def _place(table: Table, spread: int, alias: str = "") -> str:
    """A 64-bit number that rows with equal keys share; null for a null key, which refers to nothing."""
    first = f"{alias}{quoted(table.key[0])}"
    string = f"cast({first} AS string)"
    if spread > 1:
        rest = ", ".join(f"{alias}{quoted(column)}" for column in table.key[1:])
        return f"if({first} IS NULL, NULL, xxhash64({string}, pmod(shiftright(xxhash64({rest}), 32), {spread})))"
    if len(table.key) > 1:
        return f"if({first} IS NULL, NULL, {_hash(table.key[:1], alias)})"
    number = _number(table.column(table.key[0]), alias)
    return f"shiftright({number}, 6)" if number else f"xxhash64(left({string}, length({string}) - 1))"


def _words(table: Table) -> list[str]:
    """For each word, the number from 0 to 63 of the bit that a row sets, from the columns and `rest`, a 64-bit hash."""
    if len(table.key) == 1:
        number = _number(table.column(table.key[0]))
        return [f"{number} & 63" if number else f"ascii(right(cast({quoted(table.key[0])} AS string), 1)) & 63"]
    words = [word for name in table.key[1:] for word in _number_words(table.column(name))]
    return words + [f"shiftright(rest, {6 * i}) & 63" for i in range(max(1, _WORDS - len(words)))]


def _number_words(column: Column) -> list[str]:
    """Of a number its last six bits, then its steps, doubled by one bit of `rest`, each time by another."""
    number = _number(column)
    if not number:
        return []
    step = f"shiftright({number}, {_DAYS_STEP if column.type == 'date' else 0}) & 31"
    doubled = [f"shiftleft({step}, 1) | (shiftright(rest, {63 - i}) & 1)" for i in range(_STEP_WORDS)]
    return [f"{number} & 63", *doubled]


def _number(column: Column, alias: str = "") -> str:
    """The column as a whole number, empty where it is none."""
    name = f"{alias}{quoted(column.name)}"
    if column.type == "date":
        return f"unix_date({name})"
    return f"cast({name} AS bigint)" if column.type in _WHOLE_NUMBERS else ""


def _exists(reference: Reference, value: str) -> str:
    parents = f"SELECT {_hash(reference.to_columns)} AS parent FROM {quoted(reference.table)}"
    return f"EXISTS (SELECT 1 FROM ({parents}) p WHERE p.parent = {value})"


def _hash(columns: Sequence[str], alias: str = "") -> str:
    """Of the values as text, so that an int refers to a bigint."""
    return f"xxhash64({', '.join(f'cast({alias}{quoted(column)} AS string)' for column in columns)})"
