"""What the JVM side needs that pip does not bring: Java itself, and Delta's jars.

`python -m payerlake.jars [--to DIR]` fetches the jars once from Maven Central, through Spark's own resolver.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click
import pyspark

from payerlake.errors import BadInput, EngineFailed, PayerlakeError
from payerlake.launch import last_words, named_variables

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
"""Maven's name of the Delta release for the pyspark that pyproject.toml pins."""

JAR_NAMES = (
    "delta-spark_4.2_2.13-4.4.0.jar",
    "delta-storage-4.4.0.jar",
    "delta-kernel-api-4.4.0.jar",
    "delta-kernel-defaults-4.4.0.jar",
    "delta-kernel-unitycatalog-4.4.0.jar",
    "unitycatalog-client-0.6.0.jar",
    "unitycatalog-hadoop-0.6.0.jar",
)
"""Delta, and what it needs beyond Spark's own jars; a file may carry Ivy's prefix (`io.delta_…`)."""

# Everything outside io.* (Hadoop, Jackson, Log4j, …) stands among Spark's jars already, in Spark's version.
_SHIPPED_WITH_SPARK = "org.*:*,com.*:*"
_FETCH_SECONDS = 600
_OLDEST_JAVA = 17
_GET_JAVA = (
    "Spark 4.2 needs Java 17 (or 21): install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME"
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


def delta_jars() -> list[Path]:
    """Delta's jars, in the order of JAR_NAMES; BadInput says where they were looked for and what to do."""
    folder = jars_folder()
    found = _jars_in(folder)
    if missing := [name for name in JAR_NAMES if name not in found]:
        raise BadInput(
            f"format delta: {folder} lacks {', '.join(missing)}; run `make setup` or "
            f"`{sys.executable} -m payerlake.jars`, or put these jars in a folder and set PAYERLAKE_JARS "
            "to it, or use another --format"
        )
    return list(found.values())


def _jars_in(folder: Path) -> dict[str, Path]:
    """The folder's files of JAR_NAMES, by their name without Ivy's prefix; a missing folder has none."""
    files = sorted(folder.glob("*.jar"))
    matches = {name: [file for file in files if re.sub(r"^io\.[a-z]+_", "", file.name) == name] for name in JAR_NAMES}
    return {name: same[0] for name, same in matches.items() if same}


def fetch(folder: Path) -> bool:
    """Fill the folder with Delta's jars from Maven Central; False where they were all there already.

    A jar appears in the folder complete or not at all. Raises BadInput where Java is missing, Maven Central
    cannot be reached, or the folder cannot be written.
    """
    if len(_jars_in(folder)) == len(JAR_NAMES):
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
    if missing := [name for name in JAR_NAMES if name not in jars]:
        raise EngineFailed(f"Delta's jars: {DELTA} came without {', '.join(missing)}")
    for jar in jars.values():
        jar.replace(folder / jar.name)


def _resolved(work: Path) -> dict[str, Path]:
    """Let spark-submit resolve Delta's package into the folder, for an empty script: no session starts."""
    script = work / "nothing.py"
    script.touch()
    home = Path(pyspark.__file__).parent
    settings = {"packages": DELTA, "excludes": _SHIPPED_WITH_SPARK, "ivy": str(work)}
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
        f"Delta's jars: {DELTA} could not be fetched from Maven Central ({cause}); check the network, or name "
        "a mirror by spark.jars.ivySettings in spark-defaults.conf, or put these jars in a folder and set "
        f"PAYERLAKE_JARS to it: {', '.join(JAR_NAMES)}"
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
