"""The wheel without its demand for pyspark, for an engine that has its own: Databricks, an image with Spark, a cluster.

`python3 jobs/wheel_without_spark.py FOLDER` makes it of this checkout. A pyspark beside the engine's would break both,
and a library of a Databricks cluster or serverless environment cannot be installed with `--no-deps`.
"""

import base64
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

CHECKOUT = Path(__file__).parent.parent
DEMAND = b"Requires-Dist: pyspark"


def without_spark(wheel: Path, folder: Path) -> Path:
    """A copy of the wheel in the folder that demands no pyspark; its list of files has the new checksum."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / wheel.name
    with ZipFile(wheel) as old, ZipFile(made, "w", ZIP_DEFLATED) as new:
        contents = {name: old.read(name) for name in old.namelist()}
        metadata = next(name for name in contents if name.endswith(".dist-info/METADATA"))
        record = metadata.replace("METADATA", "RECORD")
        lines = contents[metadata].splitlines(keepends=True)
        contents[metadata] = b"".join(line for line in lines if not line.startswith(DEMAND))
        contents[record] = _listed(contents[record], metadata, contents[metadata])
        for name, content in contents.items():
            new.writestr(name, content)
    return made


def _listed(record: bytes, name: str, content: bytes) -> bytes:
    """The wheel's list of files, in which this one has this content."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    line = b"%s,sha256=%s,%d" % (name.encode(), digest, len(content))
    return b"".join(
        line + b"\n" if old.startswith(name.encode() + b",") else old for old in record.splitlines(keepends=True)
    )


def main(folder: str) -> None:
    """Build the wheel of this checkout and keep it, without the demand, in the folder."""
    with tempfile.TemporaryDirectory() as work:
        build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", work, str(CHECKOUT)]
        subprocess.run(build, check=True)
        (built,) = Path(work).glob("payerlake-*.whl")
        print(without_spark(built, Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
