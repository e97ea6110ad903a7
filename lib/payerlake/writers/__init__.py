"""The formats that a table is stored in, by the name that `--format` takes; what is read quickest comes first."""

from __future__ import annotations

from payerlake.writers.delimited import DelimitedWriter
from payerlake.writers.delta import DeltaWriter
from payerlake.writers.layout import Layout, Stored, Writer
from payerlake.writers.parquet import ParquetWriter

WRITERS: dict[str, Writer] = {"delta": DeltaWriter(), "parquet": ParquetWriter(), "csv": DelimitedWriter()}

__all__ = ["WRITERS", "Layout", "Stored", "Writer"]
