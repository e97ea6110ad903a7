"""The command line: parse, session, call, exit code."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import click

from payerlake import commands, dictionary, registry
from payerlake.contract.schema import Table
from payerlake.databases.address import masked
from payerlake.engine.session import log_path
from payerlake.errors import BadInput, EngineFailed, PayerlakeError, cause, unknown
from payerlake.terminal import show_what_can_be_shown
from payerlake.version import __version__

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_ALL = "all"


@click.group(context_settings=_HELP)
@click.version_option(__version__, prog_name="payerlake")
def cli() -> None:
    """Synthetic US payer data: related, realistic tables of any size, checked before anyone sees them.

    \b
    Start here:
      payerlake list
      payerlake generate pharmacy --scale demo --format csv --out out
      payerlake describe pharmacy.enrollments

    'payerlake COMMAND --help' has the options of a command. What Spark says goes to a log: the file that PAYERLAKE_LOG
    names, else payerlake-USER.log in the system's temporary folder.
    """


@cli.command("list", short_help="List datasets and tables with keys, parents and sizes.")
def list_() -> None:
    """List datasets, tables, keys, parents, and rows at the documented scale."""
    _print_tables(registry.datasets())


@cli.command(short_help="Show the data dictionary of a table, or the tables of a dataset.")
@click.argument("name")
def describe(name: str) -> None:
    """Show the data dictionary of the table NAME, for example pharmacy.members; of a dataset, its tables."""
    if name in registry.datasets():
        _print_tables([name])
        return
    contract = _table(name)
    click.echo(f"{contract.full_name}: {dictionary.grain(contract)}")
    click.echo(f"key: {', '.join(contract.key)}   CSV: {contract.csv_stem}   rows: {contract.documented_rows}")
    _print_columns([dictionary.COLUMN_HEADINGS, *dictionary.columns(contract)])


def _published_at(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say where a dataset is published."""
    for option in reversed(
        (
            click.option(
                "--out", metavar="DIR", help="Folder or URL: the dataset is DIR/DATASET.  [required, or --catalog]"
            ),
            click.option("--catalog", metavar="NAME", help="Tables of this catalog instead of --out; needs --schema."),
            click.option("--schema", metavar="NAME", help="The schema in the catalog."),
            click.option(
                "--master",
                metavar="URL",
                help="Where Spark runs: local[4], spark://HOST:7077, yarn, k8s://URL, or sc://HOST:15002 for Spark"
                " Connect.  [default: local[*]]",
            ),
        )
    ):
        command = option(command)
    return command


def _datasets(name: str) -> list[str]:
    return registry.datasets() if name == _ALL else [name]


@cli.command(short_help="Make a dataset, check it and publish it.")
@click.argument("dataset")
@_published_at
@click.option("--members", metavar="N", help="Number of members.  [default: that of the scale]")
@click.option(
    "--scale", metavar="NAME", help="A size by name: tiny, demo, small, documented, large.  [default: documented]"
)
@click.option(
    "--seed", metavar="N", help="Another seed makes other people; the same seed the same bytes.  [default: 42]"
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    metavar="NAME",
    help="delta, csv or parquet; may be repeated.  [default: delta]",
)
@click.option("--tables", metavar="A,B", help="Only these tables.  [default: all]")
@click.option(
    "--slice", "part", default="1/1", metavar="I/N", help="Part I of N of the members, from 1.  [default: 1/1]"
)
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Any setting of conf/DATASET/base.yaml; may be repeated."
)
@click.option("--config", metavar="FILE", help="YAML with settings below the dataset's name.")
@click.option(
    "--mode",
    default="error",
    metavar="NAME",
    help="error or overwrite, where a dataset stands already.  [default: error]",
)
@click.option("--no-validate", is_flag=True, help="Publish without running the Great Expectations suites.")
def generate(dataset: str, **options: Any) -> None:
    """Make DATASET (or one table of it, as pharmacy.members; or all), check it and publish it."""
    for name in _datasets(dataset):
        commands.generate(name, **options)


@cli.command(short_help="Check a published dataset again.")
@click.argument("dataset")
@_published_at
def validate(dataset: str, **options: Any) -> None:
    """Run the Great Expectations suites on a published DATASET; exit code 1 if any fails."""
    for name in _datasets(dataset):
        commands.validate(name, **options)


@cli.command(short_help="Compare a published dataset with its manifest.")
@click.argument("dataset")
@_published_at
def verify(dataset: str, **options: Any) -> None:
    """Recompute rows and fingerprints of a published DATASET; exit code 1 on a difference from its manifest."""
    for name in _datasets(dataset):
        commands.verify(name, **options)


@cli.command(short_help="Load a published dataset into a database.")
@click.argument("dataset")
@click.option("--out", metavar="DIR", help="Folder or URL: the dataset is DIR/DATASET.  [required]")
@click.option(
    "--to",
    metavar="URL",
    help="postgresql://USER:PASSWORD@HOST[:PORT]/DATABASE, also ?host=FOLDER of a socket; or mysql://…, also"
    " ?unix_socket=PATH. The environment may give the password (PGPASSWORD, MYSQL_PWD) and the user (PGUSER,"
    " MYSQL_USER) instead.  [required]",
)
@click.option(
    "--mode",
    default="error",
    metavar="NAME",
    help="error or overwrite, where its tables stand already.  [default: error]",
)
@click.option("--jobs", metavar="N", help="Files to load at once.  [default: 4]")
@click.option("--master", metavar="URL", help="Spark master, needed where no CSV is published.  [default: local[*]]")
def load(dataset: str, **options: Any) -> None:
    """Create the tables of a published DATASET in a database, fill them, check them, and put them in place at once."""
    for name in _datasets(dataset):
        commands.load(name, **options)


class _Terminated(BaseException):
    """SIGTERM, as a container, a cluster manager or a shutdown sends it: whoever cleans up after Ctrl-C does here."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 data failed, 2 bad input, 3 engine failed, 130 or 143 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        show_what_can_be_shown(stream)
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code. Every failure is one message on standard error."""
    try:
        cli.main(arguments, prog_name="payerlake", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as no_arguments:
        click.echo(no_arguments.format_message())
        return 0
    # The engine's errors are many; none may show a traceback to the user.
    except (Exception, KeyboardInterrupt, _Terminated) as error:
        message, code = _told(error, " ".join(arguments[:2]))
        click.echo(f"payerlake: {masked(message)}", err=True)
        return code
    return 0


def _told(error: BaseException, command: str) -> tuple[str, int]:
    """What the user is told of the error, and the exit code."""
    if interrupt := _interrupt(error):
        word, code = ("terminated", 143) if isinstance(interrupt, _Terminated) else ("interrupted", 130)
        return f"{word}; nothing is half-published", code
    if isinstance(error, click.ClickException):
        return f"{error.format_message()} Try '{_command_of(error)} --help'.", BadInput.exit_code
    if isinstance(error, PayerlakeError):
        return f"{error}{_logged(error) if _is_of_others(error) else ''}", error.exit_code
    return f"{command}: {cause(error)}{_logged(error)}", EngineFailed.exit_code


def _command_of(error: click.ClickException) -> str:
    """The command whose help says what was missed, as far as it was understood."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "payerlake"


def _interrupt(error: BaseException | None) -> BaseException | None:
    """What ended the command from outside, also where clearing up failed after it: Java may have been ended first."""
    while error is not None and not isinstance(error, (KeyboardInterrupt, click.Abort, _Terminated)):
        error = error.__context__
    return error


def _terminate(number: int, frame: FrameType | None) -> None:
    """What Ctrl-C does, where Spark stops its jobs before anything is cleaned up; then the word for this signal."""
    signal.signal(number, signal.SIG_IGN)  # said once; a second time must not end the cleaning
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        if callable(interrupt):
            interrupt(number, frame)
    finally:
        raise _Terminated


def _is_of_others(error: PayerlakeError) -> bool:
    """Whether the engine failed for a cause that is not told in full yet, nor the log named that has it."""
    return isinstance(error, EngineFailed) and error.__cause__ is not None and str(log_path()) not in str(error)


def _logged(error: BaseException) -> str:
    """Where the whole of the error can be read, after it was written there."""
    try:
        path = log_path()
        with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{masked(''.join(traceback.format_exception(error)))}\n")
    except (OSError, BadInput) as unwritten:
        return f"; no log has the rest ({cause(unwritten)}): set PAYERLAKE_LOG to a file that can be written"
    return f"; the log has the rest: {path}"


def _table(name: str) -> Table:
    dataset, dot, table = name.partition(".")
    if not dot:
        of = [known for known in registry.datasets() if name in {t.name for t in registry.dataset(known).tables}]
        if of:
            raise BadInput(f"{name}: a table belongs to a dataset; give {' or '.join(f'{one}.{name}' for one in of)}")
        raise unknown("NAME", "a dataset, nor a DATASET.TABLE", name, registry.datasets())
    return registry.dataset(dataset).table(table)


def _print_tables(datasets: Sequence[str]) -> None:
    _print_columns([dictionary.TABLE_HEADINGS, *dictionary.tables(map(registry.dataset, datasets))])


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        click.echo(
            "  ".join([*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        )


if __name__ == "__main__":
    main()
