"""What the JVM side needs that pip does not bring: Java itself, and Delta's jars.

`python -m payerlake.engine.jars [--to DIR]` fetches the jars once from Maven Central, through Spark's own resolver.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import click
import pyspark

from payerlake.engine.launch import last_words, named_variables
from payerlake.errors import BadInput, EngineFailed, PayerlakeError


class Release(NamedTuple):
    """A release of Delta: Maven's name of it, and the SHA-256 of each jar that Spark needs beyond its own."""

    package: str
    jars: Mapping[str, str]


_BESIDE_DELTA_4_4 = {
    "delta-storage-4.4.0.jar": "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc",
    "delta-kernel-api-4.4.0.jar": "ee9b5a14ac3b7efdff4d61a58478fe8eb0e5a3fbca43889dca7290795fe79a11",
    "delta-kernel-defaults-4.4.0.jar": "225c975199e4718b38ee5b7e6da7f19e9585024262b2cec2656b32151a856b0b",
    "delta-kernel-unitycatalog-4.4.0.jar": "cea22dfb4ac562b3cd27bf652697750e8336009d73fb06631363aaaad5345ffa",
    "unitycatalog-client-0.6.0.jar": "48257499a86b801a3e2372cec55ac226ca1c1c7eabe5c118e7302f29a1fdbc19",
    "unitycatalog-hadoop-0.6.0.jar": "c47b63c961c87102b9e1d63809a0915ba4c86b7652f57c8d39ca3a05b441a150",
}
RELEASES = {
    "3.5": Release(  # the last Delta for it, in the Scala of its pip package
        "io.delta:delta-spark_2.12:3.3.3",
        {
            "delta-spark_2.12-3.3.3.jar": "4912bf902a1c453aba3bd838ff212dedd357155212f9bb37a6b47d97f2827ebc",
            "delta-storage-3.3.3.jar": "45ad193053fd30cebe6d9ab1889873cde39b223a0f210e00ebee8b6642476901",
        },
    ),
    "4.0": Release(
        "io.delta:delta-spark_4.0_2.13:4.4.0",
        {"delta-spark_4.0_2.13-4.4.0.jar": "49e899667168b9412f83cbe894ce264107d7b896d6c5e12edca4e216845c1104"}
        | _BESIDE_DELTA_4_4,
    ),
    "4.1": Release(
        "io.delta:delta-spark_4.1_2.13:4.4.0",
        {"delta-spark_4.1_2.13-4.4.0.jar": "75a9400986853c061f5109f012547de2545a5759e5e752e5ef633dabe16a4f10"}
        | _BESIDE_DELTA_4_4,
    ),
    "4.2": Release(
        "io.delta:delta-spark_4.2_2.13:4.4.0",
        {"delta-spark_4.2_2.13-4.4.0.jar": "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead"}
        | _BESIDE_DELTA_4_4,
    ),
}
"""Delta by the version of Spark that it is for. A file may carry Ivy's prefix (`io.delta_…`)."""

# Everything outside io.* (Hadoop, Jackson, Log4j, …) stands among Spark's jars already, in Spark's version.
_SHIPPED_WITH_SPARK = "org.*:*,com.*:*"
_FETCH_SECONDS = 600
_OLDEST_JAVA = 17
_GET_JAVA = (
    "payerlake needs Java 17 (or 21): install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
)


def require_java() -> None:
    """Return where Java 17 or newer starts; raise BadInput with the remedy where it does not."""
    java = _java_command()
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = last_words(getattr(error, "stderr", None) or str(error))
        raise BadInput(f"Java: `{java} -version` failed ({said}){named_variables()}; {_GET_JAVA}") from error
    version = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', answer.stderr)
    if version and int(version[2]) < _OLDEST_JAVA:
        raise BadInput(f"Java: {java} is version {version[1]}; {_GET_JAVA}")


def _java_command() -> str:
    """The Java that Spark's launch script would take: JAVA_HOME's where that is set, else the path's."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin"))) if home else shutil.which("java")
    if java:
        return java
    found = f"JAVA_HOME is {home}, which has no bin/java" if home else "no `java` command and JAVA_HOME is not set"
    raise BadInput(f"Java: {found}; {_GET_JAVA}")


def jars_folder() -> Path:
    """Where Delta's jars belong: $PAYERLAKE_JARS, for sites without Maven Central, else under sys.prefix."""
    given = os.environ.get("PAYERLAKE_JARS")
    return Path(given) if given else Path(sys.prefix, "share", "payerlake", "jars")


def release() -> Release:
    """The Delta that goes with the installed pyspark; BadInput where none does."""
    version = pyspark.__version__
    spark = ".".join(version.split(".")[:2])
    if spark not in RELEASES:
        raise BadInput(
            f"format delta: pyspark {version} is none that payerlake has a Delta for; allowed: {', '.join(RELEASES)}; "
            "install one of these, or use another --format"
        )
    return RELEASES[spark]


def delta_jars() -> list[Path]:
    """The jars of `release`, in its order; BadInput says where they were looked for and what to do."""
    folder = jars_folder()
    found = _jars_in(folder)
    if missing := [name for name in release().jars if name not in found]:
        raise BadInput(
            f"format delta: {folder} lacks {', '.join(missing)}; run `make setup` or "
            f"`{sys.executable} -m payerlake.engine.jars`, or put these jars in a folder and set PAYERLAKE_JARS "
            "to it, or use another --format"
        )
    return list(found.values())


def _jars_in(folder: Path) -> dict[str, Path]:
    """The folder's files of `release`, by their name without Ivy's prefix; a missing folder has none."""
    found = {re.sub(r"^io\.[a-z]+_", "", file.name): file for file in sorted(folder.glob("*.jar"), reverse=True)}
    return {name: found[name] for name in release().jars if name in found}


def fetch(folder: Path) -> bool:
    """Fill the folder with Delta's jars from Maven Central; False where they were all there already.

    A jar appears in the folder complete or not at all. Raises BadInput where Java is missing, Maven Central
    cannot be reached, or the folder cannot be written; EngineFailed where a jar came that is not the known one.
    """
    if len(_jars_in(folder)) == len(release().jars):
        return False
    require_java()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside the folder, so that putting a jar in its place is a rename.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".jars-") as work:
            _move(_resolved(Path(work)), folder)
    except subprocess.TimeoutExpired as error:
        raise _unreachable(f"no answer within {_FETCH_SECONDS} seconds") from error
    except OSError as error:
        raise BadInput(f"--to {folder}: cannot be written ({error}); name another folder") from error
    return True


def _move(jars: dict[str, Path], folder: Path) -> None:
    package, known = release()
    if missing := [name for name in known if name not in jars]:
        raise EngineFailed(f"Delta's jars: {package} came without {', '.join(missing)}")
    if other := [name for name, digest in known.items() if _sha256(jars[name]) != digest]:
        raise EngineFailed(
            f"Delta's jars: {', '.join(other)} came with another SHA-256 than {package} has, and none was kept; "
            "ask whoever runs the mirror of Maven Central that they came from"
        )
    for jar in jars.values():
        jar.replace(folder / jar.name)


def _sha256(jar: Path) -> str:
    return hashlib.sha256(jar.read_bytes()).hexdigest()


def _resolved(work: Path) -> dict[str, Path]:
    """Let spark-submit resolve Delta's package into the folder, for an empty script: no session starts."""
    script = work / "nothing.py"
    script.touch()
    home = Path(pyspark.__file__).parent
    settings = {"packages": release().package, "excludes": _SHIPPED_WITH_SPARK, "ivy": str(work)}
    options = [word for key, value in settings.items() for word in ("--conf", f"spark.jars.{key}={value}")]
    environment = os.environ | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    command = [str(home / "bin" / "spark-submit"), "--master", "local[1]", *options, str(script)]
    answer = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
    )
    if answer.returncode:
        raise _unreachable(_cause(answer.stderr.splitlines()))
    return _jars_in(work / "jars")


def _cause(lines: Iterable[str]) -> str:
    """The one line that matters among Ivy's hundreds: the exception that ended spark-submit."""
    ends = (line.partition("Exception: ")[2] for line in lines if line.startswith("Exception in thread"))
    return next(ends, "spark-submit gave no reason")


def _unreachable(cause: str) -> BadInput:
    return BadInput(
        f"Delta's jars: {release().package} could not be fetched from Maven Central ({cause}); check the network, or "
        "name a mirror by spark.jars.ivySettings in spark-defaults.conf, or put these jars in a folder and set "
        f"PAYERLAKE_JARS to it: {', '.join(release().jars)}"
    )


@click.command()
@click.option("--to", type=click.Path(path_type=Path), help="Folder for the jars; default: where payerlake looks.")
def main(to: Path | None) -> None:
    """Fetch Delta's jars (13 MB) once from Maven Central; does nothing where they are all there."""
    folder = to or jars_folder()
    try:
        fetched = fetch(folder)
    except PayerlakeError as error:
        click.echo(f"payerlake: {error}", err=True)
        sys.exit(error.exit_code)
    click.echo(f"Delta's jars: {'fetched into' if fetched else 'complete in'} {folder}")


if __name__ == "__main__":
    main()
