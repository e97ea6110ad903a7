"""HDFS on this machine: Hadoop's minicluster with one datanode, which payerlake reaches by WebHDFS.

fsspec's `webhdfs://` is plain HTTP; its `hdfs://` would want Hadoop's native library.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def hdfs() -> Iterator[str]:
    """The URL of an empty HDFS, `webhdfs://127.0.0.1:PORT`, while the block runs."""
    class_path = [*map(str, require_jars("hdfs")), str(SPARK_HOME / "jars" / "*")]
    folder = Path(tempfile.mkdtemp(prefix="payerlake-hdfs-"))
    log, config = folder / "log", folder / "config.xml"
    (folder / "log4j2.properties").write_text(_LOGGING)
    options = {"test.build.data": folder / "data", "log4j2.configurationFile": folder / "log4j2.properties"}
    java = ["java", "-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    words = [*java, *(f"-D{key}={value}" for key, value in options.items()), "-cp", ":".join(class_path), _MAIN]
    try:
        with server([*words, "-datanodes", "1", "-format", "-writeConfig", str(config)], log, os.environ) as process:
            said(process, log, r"(Started MiniDFSCluster)", seconds=240)
            yield f"webhdfs://127.0.0.1:{_http_port(config)}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _http_port(config: Path) -> str:
    found = re.search(r"<name>dfs.namenode.http-address</name><value>[^:<]*:(\d+)", config.read_text())
    assert found, config.read_text()
    return found[1]
