"""What a Java of payerlake's own starts with: its locale, time zone and encoding, and the variables that Spark reads.

Java takes its locale, time zone and encoding from the environment, and Spark makes file names and numbers with them:
with Arabic digits in Egypt. So they are given. What a user's variables would change beside them is refused by name.
"""

from __future__ import annotations

import getpass
import os
import pwd
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from payerlake.errors import BadInput, cause

_LOCALE = {"language": "en", "country": "US", "script": "", "variant": "", "extensions": ""}
# For messages, for numbers, and for all else. Java reads these before the variables LC_ALL, LANG and TZ.
JAVA_OPTIONS = " ".join(
    (
        *(f"-Duser.{name}{use}={value}" for use in ("", ".format", ".display") for name, value in _LOCALE.items()),
        "-Duser.timezone=UTC",
        "-Dfile.encoding=UTF-8",
    )
)
# No option, only this variable, decides in which encoding Java writes the names of files.
_ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
EXECUTOR_SETTINGS = {f"spark.executorEnv.{name}": value for name, value in _ENVIRONMENT.items()}
"""The same for the executors of a cluster."""

# Java reads these itself; the second has the last word over any option.
_JAVA_VARIABLES = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_HOME")
_SPARK_VARIABLES = ("SPARK_HOME", "SPARK_CONF_DIR", "PYSPARK_SUBMIT_ARGS", "SPARK_LAUNCHER_OPTS", "SPARK_SUBMIT_OPTS")
_OTHER_VARIABLES = ("SPARK_CONNECT_MODE_ENABLED", "HADOOP_CONF_DIR", "SPARK_LOCAL_IP", "SPARK_LOCAL_DIRS")
_OF_THE_COMMAND = {"--master": "--master URL", "--remote": "--master sc://…", "--deploy-mode": "spark-submit"}
_SAYING_NOTHING = ("at ", "Picked up ", "Error: Could not create the Java", "Error: A fatal exception has occurred")
_SHELL = "pyspark-shell"


def require_fitting_environment() -> None:
    """Raises BadInput where the user has no name, or variables would start something else than this Spark."""
    _require_named_user(os.getuid())
    _require_own_spark(os.environ.get("SPARK_HOME"))
    _require_own_engine(os.environ.get("PYSPARK_SUBMIT_ARGS"))


def _require_named_user(number: int) -> None:
    """Hadoop's login, without which no Spark starts, asks the list of users and accepts no variable instead."""
    try:
        pwd.getpwuid(number)
    except KeyError as error:
        raise BadInput(
            f"user id {number} has no name on this machine, and Spark's Java cannot start without one; let the "
            f"container add it: echo spark:x:{number}:0::/tmp:/bin/sh >> /etc/passwd, or run as a user who is there"
        ) from error


def _require_own_spark(given: str | None) -> None:
    if not given or Path(given).resolve() == _home().resolve():
        return
    version, own = _version(Path(given)), pyspark.__version__
    unset = f"unset SPARK_HOME: payerlake brings its own Spark, {own}"
    if version is None:
        raise BadInput(f"SPARK_HOME is {given}, where no Spark is installed (no bin/spark-submit and jars); {unset}")
    if version.split(".")[:2] != own.split(".")[:2]:
        raise BadInput(
            f"SPARK_HOME is {given}, which is Spark {version}; {unset}; or pip install pyspark=={version}, or run "
            f"{given}/bin/spark-submit jobs/generate.py"
        )


def _require_own_engine(given: str | None) -> None:
    if given is None:
        return
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise BadInput(f"PYSPARK_SUBMIT_ARGS is {given!r}: {error}; correct or unset it") from error
    if _SHELL not in words:
        raise BadInput(f"PYSPARK_SUBMIT_ARGS is {given!r}: has to end with {_SHELL}; add that, or unset it")
    for word in words[: words.index(_SHELL)]:
        if (option := word.partition("=")[0]) in _OF_THE_COMMAND:
            raise BadInput(
                f"PYSPARK_SUBMIT_ARGS is {given!r}: {option} chooses the engine; take it out and use "
                f"{_OF_THE_COMMAND[option]} of the command instead"
            )


def _home() -> Path:
    return Path(pyspark.__file__).parent


def _version(home: Path) -> str | None:
    """The version of the Spark installed there, None for none."""
    names = [path.name for path in home.glob("jars/spark-core_*.jar")] if (home / "bin/spark-submit").is_file() else []
    found = re.fullmatch(r"spark-core_[\d.]+-(.+)\.jar", names[0]) if names else None
    return found[1] if found else None


@contextmanager
def own_environment() -> Iterator[None]:
    """The environment variables that Java is to start with, for the time of its start."""
    # Without SPARK_HOME the script would ask whatever Python the path has where a Spark is.
    own = {"SPARK_HOME": os.environ.get("SPARK_HOME") or str(_home()), **_ENVIRONMENT}
    if last_word := os.environ.get("_JAVA_OPTIONS"):
        own["_JAVA_OPTIONS"] = f"{last_word} {JAVA_OPTIONS}"
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def named_variables() -> str:
    """`; your environment sets SPARK_CONF_DIR, JAVA_HOME: …`; empty where it sets nothing that Spark or Java reads."""
    names = (*_SPARK_VARIABLES, *_JAVA_VARIABLES, *_OTHER_VARIABLES)
    found = ", ".join(name for name in names if os.environ.get(name))
    return f"; your environment sets {found}: correct or unset what is wrong there" if found else ""


def last_words(text: str) -> str:
    """What Java and its scripts wrote last: an error, else the last line that says anything."""
    lines = [line.strip() for line in text.splitlines()]
    words = [line for line in lines if line and not line.startswith(_SAYING_NOTHING)]
    errors = [line for line in words if line.startswith(("Exception in thread", "Error", "Caused by"))]
    said = (errors or words or ["it said nothing"])[-1]
    return cause(RuntimeError(re.sub(r'^(Exception in thread "[^"]*" |Error: |Caused by: )', "", said)))


def user_name() -> str:
    """The user's name; in a container whose user id has none, the id."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # Python 3.13 has made it an OSError
        return str(os.getuid())
