"""payerlake: related, realistic synthetic US payer data of any size, as Spark tables reproducible to the byte."""

from payerlake.api import generate, load, person, tables, validate, verify
from payerlake.errors import BadInput, DataFailed, EngineFailed, PayerlakeError
from payerlake.version import __version__

__all__ = [
    "BadInput",
    "DataFailed",
    "EngineFailed",
    "PayerlakeError",
    "__version__",
    "generate",
    "load",
    "person",
    "tables",
    "validate",
    "verify",
]
