"""HDFS on this machine: Hadoop's minicluster with one datanode, which payerlake reaches by WebHDFS.

fsspec's `webhdfs://` is plain HTTP; its `hdfs://` would want Hadoop's native library.
"""

from __future__ import annotations

import getpass
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.engines.fetch import require_jars
from tests.engines.programs import SPARK_HOME, said, server

_MAIN = "org.apache.hadoop.test.MiniDFSClusterManager"
_LOGGING = """
rootLogger.level = info
rootLogger.appenderRef.stdout.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
"""


@dataclass(frozen=True)
class HDFS:
    """A running file system: its URL, `webhdfs://127.0.0.1:PORT`, and what Spark's settings must say."""

    url: str
    spark_settings: dict[str, str]


@contextmanager
def hdfs() -> Iterator[HDFS]:
    """An empty HDFS while the block runs."""
    jars = list(map(str, require_jars("hdfs")))
    class_path = [*jars, str(SPARK_HOME / "jars" / "*")]
    folder = Path(tempfile.mkdtemp(prefix="payerlake-hdfs-"))
    log, config = folder / "log", folder / "config.xml"
    config.touch()  # it is written after the cluster says that it has started
    (folder / "log4j2.properties").write_text(_LOGGING)
    properties = {"test.build.data": folder / "data", "log4j2.configurationFile": folder / "log4j2.properties"}
    java = ["java", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    words = [*java, *(f"-D{key}={value}" for key, value in properties.items()), "-cp", ":".join(class_path), _MAIN]
    try:
        # Whoever names no user is this one: WebHDFS without a login, as fsspec and Spark use it here.
        same_user = ["-D", f"hadoop.http.staticuser.user={getpass.getuser()}"]
        options = ["-datanodes", "1", "-format", "-writeConfig", str(config), *same_user]
        with server([*words, *options], log, os.environ) as process:
            said(process, log, r"(Started MiniDFSCluster)", seconds=240)
            port = said(process, config, r"<name>dfs.namenode.http-address</name><value>[^:<]*:(\d+)")
            yield HDFS(f"webhdfs://127.0.0.1:{port}", _with_jersey(":".join(jars)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_jersey(jars: str) -> dict[str, str]:
    """Hadoop 3.5.0's client for all, which pyspark has, lacks Jersey's RuntimeDelegateImpl, without which its WebHDFS
    understands no answer but the good one; the minicluster's jar has it."""
    return {"spark.driver.extraClassPath": jars, "spark.executor.extraClassPath": jars}
