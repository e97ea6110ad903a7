"""The command line: parse, call the Python interface, print, exit code."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import click

from payerlake import api, databases, dictionary, exits, printing, registry
from payerlake.contract.schema import Table
from payerlake.contract.settings import set_option
from payerlake.errors import BadInput, unknown
from payerlake.publish import orders
from payerlake.publish.destinations import destination
from payerlake.terminal import show_what_can_be_shown
from payerlake.version import __version__

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}
_ALL = "all"
_DIGITS = 30  # of a number; longer ones are none that anybody means


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
    printing.table(dictionary.columns(contract), dictionary.COLUMN_HEADINGS)


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
    multiple=True,
    metavar="NAME",
    help="delta, csv or parquet; may be repeated.  [default: delta]",
)
@click.option("--tables", metavar="A,B", help="Only these tables.  [default: all]")
@click.option("--slice", default="1/1", metavar="I/N", help="Part I of N of the members, from 1.  [default: 1/1]")
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
    only, validated = _only(dataset, options.pop("tables")), not options.pop("no_validate")
    members, seed, sets = (options.pop(name) for name in ("members", "seed", "sets"))
    asked = {name: _settings(name, members, seed, sets) for name in _datasets(dataset.partition(".")[0])}
    if len(asked) > 1:  # of several none is made before all have been looked at
        for name, given in asked.items():
            orders.order(name, only, options["slice"], options["scale"], options["config"], given)
    for name, given in asked.items():
        began = time.monotonic()
        made = api.generate(None, name, only=only, validate=validated, **given, **options)
        printing.outcome(made)
        click.echo(f"published in {time.monotonic() - began:.1f} s: {made.place}")


def _only(dataset: str, tables: str | None) -> list[str]:
    """The tables that are named, beside the dataset or by `--tables`."""
    name, dot, table = dataset.partition(".")
    if dot and name == _ALL:
        raise BadInput(f"{dataset}: a table belongs to one dataset; give DATASET.{table or 'TABLE'}")
    if dot and tables is not None:
        raise BadInput(f"--tables {tables}: {dataset} names the table already; give one of the two")
    named = [table] if dot else [name.strip() for name in (tables or "").split(",") if name.strip()]
    if tables is not None and not named:
        raise BadInput("--tables: names no table; name one, or leave it out for all")
    return named


def _settings(dataset: str, members: str | None, seed: str | None, sets: Sequence[str]) -> dict[str, Any]:
    """The settings that are given, by dotted name; of one given twice the last."""
    given = {name: _number(text) for name, text in (("members", members), ("seed", seed)) if text is not None}
    for name, value in (set_option(registry.dataset(dataset).settings, text) for text in sets):
        given.pop(name, None)  # so that it stands where it was given last
        given[name] = value
    return given


def _number(text: str) -> int | str:
    """The whole number that the text is; any other text as it stands, to be refused."""
    return int(text) if text.removeprefix("-").isdecimal() and len(text) <= _DIGITS else text


@cli.command(short_help="Show one member's rows of all datasets.")
@click.argument("number")
@click.option("--members", metavar="N", help="Of how many members.  [default: each dataset's documented scale]")
@click.option("--seed", metavar="N", help="The seed of the data.  [default: 42]")
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="A setting that all datasets have; may be repeated."
)
@click.option("--config", metavar="FILE", help="YAML with settings below the datasets' names.")
@click.option("--format", default="text", metavar="NAME", help="text or json.  [default: text]")
@click.option("--master", metavar="URL", help="Where Spark runs.  [default: local[*]]")
def show(number: str, members: str | None, seed: str | None, sets: Sequence[str], format: str, **options: Any) -> None:
    """Show the rows of the member NUMBER, for example M000018, made from the number alone: in all datasets, of which
    --set population=shared makes the same person."""
    if format not in printing.LIVES:
        raise unknown("--format", "a format to show", format, printing.LIVES)
    asked = [_settings(name, members, seed, sets) for name in registry.datasets()]
    printing.LIVES[format](api.person(None, number, **asked[0], **options))


@cli.command(short_help="Check a published dataset again.")
@click.argument("dataset")
@_published_at
def validate(dataset: str, **options: Any) -> None:
    """Run the Great Expectations suites on a published DATASET; exit code 1 if any fails."""
    for name in _datasets(dataset):
        printing.validation(api.validate(None, name, **options))


@cli.command(short_help="Compare a published dataset with its manifest.")
@click.argument("dataset")
@_published_at
def verify(dataset: str, **options: Any) -> None:
    """Recompute rows and fingerprints of a published DATASET; exit code 1 on a difference from its manifest."""
    for name in _datasets(dataset):
        printing.verified(api.verify(None, name, **options))
        click.echo(f"verified: {_place(name, **options)}")


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
@click.option("--jobs", metavar="N", default=str(databases.JOBS), help="Files to load at once.  [default: 4]")
@click.option("--master", metavar="URL", help="Spark master, needed where no CSV is published.  [default: local[*]]")
def load(dataset: str, **options: Any) -> None:
    """Create the tables of a published DATASET in a database, fill them, check them, and put them in place at once."""
    for name in _datasets(dataset):
        printing.loaded(api.load(None, name, **options | {"jobs": _number(options["jobs"])}))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 data failed, 2 bad input, 3 engine failed, 130 or 143 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        show_what_can_be_shown(stream)
    exits.end_in_order_when_terminated()
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    command = partial(cli.main, arguments, prog_name="payerlake", standalone_mode=False)
    return exits.code_of(command, " ".join(arguments[:2]))


def _place(dataset: str, out: str | None, catalog: str | None, schema: str | None, **_: Any) -> str:
    return destination(registry.dataset(dataset), out, catalog, schema).place


def _table(name: str) -> Table:
    dataset, dot, table = name.partition(".")
    if not dot:
        of = [known for known in registry.datasets() if name in {t.name for t in registry.dataset(known).tables}]
        if of:
            raise BadInput(f"{name}: a table belongs to a dataset; give {' or '.join(f'{one}.{name}' for one in of)}")
        raise unknown("NAME", "a dataset, nor a DATASET.TABLE", name, registry.datasets())
    return registry.dataset(dataset).table(table)


def _print_tables(datasets: Sequence[str]) -> None:
    printing.table(dictionary.tables(map(registry.dataset, datasets)), dictionary.TABLE_HEADINGS)


if __name__ == "__main__":
    main()
