"""Loads a published dataset into a database: as a whole, checked before it takes the place of what stood there.

Stage: the tables are created, with all their constraints, under a prefix, and filled from the CSV files, several at
once, parents before children; then the views of them. Check: rows as in the manifest, and the rules that the database
itself cannot hold. Swap: one atomic renaming. A run that is killed leaves the old tables as they were, and the next one
clears what it left. What stands then is asked the dataset's own queries.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from payerlake.contract.dataset import Dataset
from payerlake.contract.schema import Table
from payerlake.databases.inspect import Inspected, inspected
from payerlake.databases.server import AfterSwap, Server, Session, Swap
from payerlake.databases.sources import Source
from payerlake.dialects.names import REPLACED, STAGED, Names, final_name, mark, read_by
from payerlake.errors import BadInput, DataFailed, EngineFailed, PayerlakeError
from payerlake.publish.progress import Progress
from payerlake.storage.manifest import Manifest

if TYPE_CHECKING:
    from payerlake.dialects.ddl import Schema


@dataclass(frozen=True)
class LoadedTable:
    """One table as it was loaded; seconds from its first file to its last."""

    table: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class Loaded:
    """A dataset in a database: where, its tables, the seconds from the first table to the swap, and what it answers.

    views: by name, their rows.
    """

    place: str
    tables: tuple[LoadedTable, ...]
    views: Mapping[str, int]
    seconds: float
    inspected: Inspected


def load(
    server: Server,
    dataset: Dataset[Any],
    manifest: Manifest,
    source: AbstractContextManager[Mapping[str, Sequence[Source]]],
    mode: str,
    jobs: int,
    progress: Progress,
) -> Loaded:
    """Load what the manifest lists; `source` has the CSV files of each table, and is entered once the target is fit.

    Raises BadInput before anything is written where the target may not be taken, DataFailed where rows are refused or
    are not those of the manifest, EngineFailed where the server fails: nothing is changed by any of them.
    """
    settings = _settings(dataset, manifest)
    contracts = _contracts(dataset, manifest, settings)
    with server.locked() as session:
        with _nothing_changed():
            _recover(session, contracts)
            standing = _standing(session, contracts, mode, str(server))
            with source as files:
                began = time.monotonic()
                schema = server.schema(contracts, Names(STAGED, session.constraint_names()))
                with _staged(server, contracts):
                    for table in schema.tables:
                        session.run(*schema.create(table))
                    seconds = _fill(server, schema, files, jobs, progress)
                    rows = _checked(session, schema, manifest, settings)
                    session.swap(_swap(schema, server.schema(contracts), standing, settings))
        taken = time.monotonic() - began
        with _in_place():
            _drop(session, schema.tables, REPLACED)
            answers = inspected(session, dataset, contracts, settings, manifest.is_whole)
    tables = tuple(LoadedTable(final_name(table), rows[table.name], seconds[table.name]) for table in schema.tables)
    views = {final_name(view): rows[view.name] for view in schema.views}
    return Loaded(str(server), tables, views, taken, answers)


def _settings(dataset: Dataset[Any], manifest: Manifest) -> Any:
    """The settings that the dataset was made with, where a database needs them. Raises BadInput for unknown ones."""
    if dataset.inspection is None and not any(table.view for table in dataset.tables):
        return None
    try:
        return dataset.settings.model_validate(manifest.settings)
    except ValidationError:
        raise BadInput(
            f"{manifest.dataset}: its manifest has the settings of another version, {manifest.version}; generate the "
            "dataset again"
        ) from None


def _contracts(dataset: Dataset[Any], manifest: Manifest, settings: Any) -> list[Table]:
    """The published tables and views, parents first; of a part of a dataset without references to rows that other parts
    have. Raises BadInput where a table lacks a parent."""
    contracts = dataset.in_order(manifest.tables)
    if not manifest.is_whole:
        contracts = [dataset.of_a_part(table) for table in contracts]
    for table in contracts:
        read = [other.name for other in read_by(table.view(settings), dataset.tables)] if table.view else []
        missing = [parent for parent in (*table.parents, *read) if parent not in manifest.tables]
        if missing:
            raise BadInput(
                f"{table.full_name}: refers to {', '.join(missing)}, which is not published; generate both together"
            )
    return contracts


@contextmanager
def _nothing_changed() -> Iterator[None]:
    """Says so where the server fails before the swap."""
    try:
        yield
    except AfterSwap:
        raise
    except EngineFailed as error:
        raise EngineFailed(f"{error}; nothing was changed, run it again when the server is well") from error


@contextmanager
def _in_place() -> Iterator[None]:
    """Says so where the server fails after the swap."""
    try:
        yield
    except PayerlakeError as error:
        raise AfterSwap(f"{error}; the new tables are in place all the same") from error


# what stands there


def _recover(session: Session, tables: Sequence[Table]) -> None:
    """Clear what a killed run left. The swap is one step, so a replaced table that is alone is not to be expected."""
    standing = {session.same_name(name) for name in session.tables()}
    alone = {
        REPLACED + final_name(table): final_name(table)
        for table in tables
        if session.same_name(REPLACED + final_name(table)) in standing
        and session.same_name(final_name(table)) not in standing
    }
    if alone:
        session.rename(alone)
    session.drop([STAGED + final_name(view) for view in reversed(tables) if view.view], "VIEW")
    _drop(session, tables, STAGED)
    _drop(session, tables, REPLACED)


def _standing(session: Session, tables: Sequence[Table], mode: str, place: str) -> list[Table]:
    """Those of the tables and views that exist. Raises BadInput where they may not be replaced."""
    comments = {session.same_name(name): comment for name, comment in session.tables().items()}
    standing = [table for table in tables if session.same_name(final_name(table)) in comments]
    names = ", ".join(final_name(table) for table in standing)
    if standing and mode == "error":
        raise BadInput(f"{place}: there are tables already: {names}; --mode overwrite replaces payerlake's own")
    for table in standing:
        if not comments[session.same_name(final_name(table))].startswith(mark(table)):
            raise BadInput(
                f"{place}: {final_name(table)} is not a {'view' if table.view else 'table'} that payerlake made of "
                f"{table.full_name}; rename it, or load into another database"
            )
    _refuse_referring(session, standing, tables, place)
    return standing


def _refuse_referring(session: Session, standing: Sequence[Table], tables: Sequence[Table], place: str) -> None:
    """Raises BadInput where something else hangs on a table that would be replaced."""
    ours = {session.same_name(final_name(table)) for table in tables}
    replaced = {session.same_name(final_name(table)) for table in standing}
    others = sorted(
        {
            f"{who} (on {to})"
            for who, to in session.referring()
            if session.same_name(to) in replaced and session.same_name(who) not in ours
        }
    )
    if others:
        raise BadInput(
            f"{place}: what hangs on the tables would be lost with them: {', '.join(others)}; drop it first, or load "
            "into another database"
        )


def _drop(session: Session, tables: Sequence[Table], prefix: str) -> None:
    session.drop([prefix + final_name(table) for table in reversed(tables) if not table.view])


# stage, check, swap


@contextmanager
def _staged(server: Server, tables: Sequence[Table]) -> Iterator[None]:
    """On the way out by an error, Ctrl-C included, the staged tables are dropped over a connection of their own."""
    try:
        yield
    except BaseException as error:
        server.restart()
        try:
            with server.session() as session:
                _recover(session, tables)
        except (EngineFailed, BadInput):
            if isinstance(error, EngineFailed):
                raise EngineFailed(f"{error}; the next load clears the tables {STAGED}…") from error
        raise


def _fill(
    server: Server, schema: Schema, files: Mapping[str, Sequence[Source]], jobs: int, progress: Progress
) -> dict[str, float]:
    """Load all files, so many at once, and return each table's seconds."""
    total = sum(len(files[table.name]) for table in schema.tables)
    seconds: dict[str, float] = {}
    with ThreadPoolExecutor(jobs) as pool, progress.steps(f"load into {server}", "files") as step:
        try:
            for level in schema.levels():
                began = time.monotonic()
                futures = {
                    pool.submit(_load_file, server, schema, table, file): table
                    for table in level
                    for file in files[table.name]
                }
                for future in as_completed(futures):
                    table = _loaded(future, futures)
                    seconds[table.name] = time.monotonic() - began
                    step(table.name, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            server.stop()
            raise
    return {table.name: seconds.get(table.name, 0.0) for table in schema.tables}


def _loaded(future: Future[None], futures: Mapping[Future[None], Table]) -> Table:
    future.result()
    return futures[future]


def _load_file(server: Server, schema: Schema, table: Table, file: Source) -> None:
    with file.local() as path, server.session() as session:
        session.load_file(str(path), schema.names.table(table), table)


def _checked(session: Session, schema: Schema, manifest: Manifest, settings: Any) -> dict[str, int]:
    """The rows of the staged tables, and of the views, which are made here.

    Raises DataFailed where they are not as many as in the manifest or break a rule.
    """
    rows = {}
    for table in schema.tables:
        rows[table.name] = _counted(session, schema, table, manifest)
        _refuse_broken(session, schema, table)
    session.run(schema.dialect.analyze([schema.names.table(table) for table in schema.tables]))
    for view in schema.views:
        session.run(*schema.create_view(view, settings))
        rows[view.name] = _counted(session, schema, view, manifest)
    return rows


def _counted(session: Session, schema: Schema, table: Table, manifest: Manifest) -> int:
    ((rows,),) = session.rows(schema.count(table))
    expected = next(iter(manifest.tables[table.name].values())).rows
    if rows != expected:
        arrived = "are in the view" if table.view else "arrived"
        raise DataFailed(
            f"{table.full_name}: {rows:,} rows {arrived}, the manifest has {expected:,}; nothing was changed; "
            f"payerlake verify {table.dataset} tells whether the files are whole"
        )
    return int(rows)


def _refuse_broken(session: Session, schema: Schema, table: Table) -> None:
    for rule in schema.asked(table):
        ((broken,),) = session.rows(schema.count_broken(table, rule))
        if broken:
            raise DataFailed(f"{table.full_name}: {broken:,} rows break {rule.name}: {rule.sql}")


def _swap(schema: Schema, final: Schema, standing: Sequence[Table], settings: Any) -> Swap:
    return Swap(
        tables={STAGED + final_name(table): final_name(table) for table in schema.tables},
        views={STAGED + final_name(view): final_name(view) for view in schema.views},
        create_views={final_name(view): final.create_view(view, settings) for view in schema.views},
        old_tables={final_name(table): REPLACED + final_name(table) for table in reversed(standing) if not table.view},
        old_views=[final_name(view) for view in reversed(standing) if view.view],
        index_names=frozenset(index.name for table in schema.tables for index in table.indexes if index.name),
    )
