"""What is checked: a suite is SQL batches over a dataset's tables, and expectations on their columns.

Hand-written suites stand in `expectations/DATASET/*.json`, in Great Expectations' own form for a suite:

    {"name": "pharmacy.members",
     "meta": {"query": "SELECT …", "tables": ["members"]},
     "expectations": [{"type": "expect_…", "kwargs": {…}, "meta": {"rule": "short sentence", "source": "…"}}]}

Without `query` the batch is every row of the table that the suite's name names; without `tables`, that table is
all it reads. A query may be a list of lines, and `{NAME}` in it is the setting of that name that the data were made
with: `DATE'{population.as_of}'` is the day as of which they are, whatever day that is. `settings`, in the `meta` of an
expectation or for all of a suite, names settings that the rule rests on: of data made with other ones than
`conf/DATASET/base.yaml` has, it is not asked. A setting that the query reads is no such other one, unless the rule
names that very setting. Rules about how many there are, or how they are distributed, in tables of which one knows less
on an earlier day, rest on `known_at` without naming it. See `tolerances` for what else an expectation's `meta` may say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from payerlake.checks import tolerances
from payerlake.errors import BadInput, unknown
from payerlake.resources import members

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_SETTING = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)*)\}")  # and not {4}, as regular expressions have it
_PLAIN = re.compile(r"[\w.-]*")  # what stands in SQL for itself
_OF_AN_EARLIER_DAY = "other settings: known_at"
_SUITE_FIELDS = ("name", "meta", "expectations", "notes", "id", "suite_parameters")
_SUITE_META = ("query", "tables", "settings", "great_expectations_version")
_EXPECTATION_FIELDS = ("type", "kwargs", "meta", "id", "description", "notes", "severity")


@dataclass(frozen=True)
class Check:
    """One expectation: its type and arguments, the batch that it looks at, the rule it stands for, and the settings
    that the rule rests on."""

    type: str
    kwargs: Mapping[str, Any]
    meta: Mapping[str, Any]
    batch: str = "rows"
    settings: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        return str(self.meta["rule"])

    @property
    def description(self) -> str:
        """What Data Docs show of it."""
        return f"{self.rule} ({self.meta['source']})"


@dataclass(frozen=True)
class Suite:
    """Batches (SQL by name), the tables that they read, and the checks on them.

    origin: the file or contract, for messages. skipped: what is not checked, and why, known before the run. reads: the
    settings that the batches were written with.
    """

    name: str
    origin: str
    tables: tuple[str, ...]
    batches: Mapping[str, str]
    checks: tuple[Check, ...]
    skipped: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()


def load(folder: Traversable, dataset: str, settings: Mapping[str, Any]) -> list[Suite]:
    """The hand-written suites of a dataset, in the order of their file names; none where the folder has none.

    settings: those that the data were made with, as a manifest has them.
    Raises BadInput naming file and position for broken JSON, an unknown field, or a rule without rule or source.
    """
    suites = [_suite(file, dataset, settings) for file in members(folder / dataset, ".json").values()]
    _refuse_repeats(suites)
    return suites


def of_a_part(suite: Suite) -> Suite:
    """The suite for a part of a dataset: what holds in the whole only is skipped."""
    return _asked(suite, lambda check: "a whole dataset" if check.meta.get("whole", False) else "")


def of_other_settings(suite: Suite, departed: Collection[str]) -> Suite:
    """The suite for data of which these settings, by dotted name, are not those of `base.yaml`."""

    def stated_for(check: Check) -> str:
        others = set(departed) - (suite.reads - set(check.settings))
        names = [name for name in check.settings if _is_among(name, others)]
        return f"other settings: {', '.join(names)}" if names else ""

    return _asked(suite, stated_for)


def of_an_earlier_day(suite: Suite, dated: frozenset[str]) -> Suite:
    """The suite for data as of `known_at`, without what is stated of all that the world has. dated: tables that have
    less of it on an earlier day."""
    if dated.isdisjoint(suite.tables):
        return suite
    return _asked(suite, lambda check: _OF_AN_EARLIER_DAY if tolerances.has_figure(check.type, check.meta) else "")


def _asked(suite: Suite, stated_for: Callable[[Check], str]) -> Suite:
    """The suite without the rules that are stated for something else, which are skipped."""
    reasons = [stated_for(check) for check in suite.checks]
    without = tuple(f"{c.rule}: stated for {why}" for c, why in zip(suite.checks, reasons, strict=True) if why)
    checks = tuple(check for check, why in zip(suite.checks, reasons, strict=True) if not why)
    return replace(suite, checks=checks, skipped=suite.skipped + without)


def _is_among(name: str, departed: Collection[str]) -> bool:
    """Whether the setting, or something of it or that it is of, is one of these."""
    return any(f"{other}.".startswith(f"{name}.") or f"{name}.".startswith(f"{other}.") for other in departed)


def _suite(file: Traversable, dataset: str, settings: Mapping[str, Any]) -> Suite:
    stated = _read(file)
    meta = _fields(file, "meta", stated.get("meta", {}), _SUITE_META)
    name = stated.get("name")
    if not isinstance(name, str) or not name.startswith(f"{dataset}."):
        raise BadInput(f"{file}: name is {name!r}; a suite here is named {dataset}.TABLE or {dataset}.SUBJECT")
    table = name.removeprefix(f"{dataset}.")
    shared = _settings(f"{file}: meta", meta.get("settings", []))
    query = _query(file, meta.get("query", f"SELECT * FROM `{table}`"))
    return Suite(
        name=name,
        origin=str(file),
        tables=_tables(file, meta.get("tables", [table])),
        batches={"rows": _SETTING.sub(lambda match: _setting(file, match[1], settings), query)},
        checks=tuple(_check(file, i, entry, shared) for i, entry in enumerate(_entries(file, stated), start=1)),
        reads=frozenset(_SETTING.findall(query)),
    )


def _read(file: Traversable) -> dict[str, Any]:
    try:
        stated = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(f"{file}: not JSON in UTF-8: {error}; mend the file") from error
    return _fields(file, "suite", stated, _SUITE_FIELDS)


def _fields(file: Traversable, where: str, stated: Any, allowed: Iterable[str]) -> dict[str, Any]:
    if not isinstance(stated, dict):
        raise BadInput(f"{file}: {where}: {stated!r} is not an object; write {{…}}")
    for name in stated:
        if name not in allowed:
            raise unknown(f"{file}: {where}", "a field here", name, allowed)
    return stated


def _tables(file: Traversable, stated: Any) -> tuple[str, ...]:
    if not isinstance(stated, list) or not stated or not all(isinstance(name, str) for name in stated):
        raise BadInput(f"{file}: meta.tables is {stated!r}; list the names of the tables that the query reads")
    return tuple(stated)


def _query(file: Traversable, stated: Any) -> str:
    lines = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(line, str) for line in lines):
        raise BadInput(f"{file}: meta.query is {stated!r}; give one SQL text or a list of its lines")
    return "\n".join(lines)


def _setting(file: Traversable, name: str, settings: Mapping[str, Any]) -> str:
    """The value of a setting as it stands in a query. Raises BadInput for one that there is not, or that is a list."""
    value: Any = settings
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if not isinstance(value, str | int | float) or not _PLAIN.fullmatch(str(value)):
        raise BadInput(f"{file}: meta.query: {{{name}}} is {value!r}; name a setting that is a number, a day or a word")
    return str(value)


def _entries(file: Traversable, stated: Mapping[str, Any]) -> list[Any]:
    entries = stated.get("expectations")
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{file}: expectations is {entries!r}; list at least one expectation")
    return entries


def _settings(where: str, stated: Any) -> tuple[str, ...]:
    if not isinstance(stated, list) or not all(isinstance(name, str) for name in stated):
        raise BadInput(f"{where}.settings is {stated!r}; list the names of settings, such as population.sex")
    return tuple(stated)


def _check(file: Traversable, position: int, entry: Any, shared: tuple[str, ...]) -> Check:
    where = f"expectation {position}"
    _fields(file, where, entry, _EXPECTATION_FIELDS)
    meta = _fields(file, f"{where}: meta", entry.get("meta", {}), tolerances.META)
    for field in ("rule", "source"):
        if not isinstance(meta.get(field), str) or not meta[field].strip():
            raise BadInput(
                f"{file}: {where} ({entry.get('type')}): meta.{field} is missing; every expectation states it"
            )
    settings = tuple(dict.fromkeys((*shared, *_settings(f"{file}: {where}: meta", meta.get("settings", [])))))
    check = Check(str(entry.get("type")), _object(file, where, entry.get("kwargs", {})), meta, settings=settings)
    tolerances.examine(check.type, check.kwargs, meta, where=f"{file}: {where} ({check.rule})")
    return check


def _object(file: Traversable, where: str, stated: Any) -> dict[str, Any]:
    if not isinstance(stated, dict):
        raise BadInput(f"{file}: {where}: kwargs is {stated!r}; write {{…}}")
    return stated


def _refuse_repeats(suites: Iterable[Suite]) -> None:
    seen: dict[str, str] = {}
    for suite in suites:
        if suite.name in seen:
            raise BadInput(f"{suite.origin}: {suite.name} is the name of {seen[suite.name]} too; rename one of them")
        seen[suite.name] = suite.origin
