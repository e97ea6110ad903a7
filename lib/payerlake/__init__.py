"""payerlake: related, realistic synthetic US payer data of any size, as Spark tables reproducible to the byte."""

__version__ = "0.1.0"

from payerlake.api import generate, load, tables, validate, verify
from payerlake.errors import BadInput, DataFailed, EngineFailed, PayerlakeError

__all__ = [
    "BadInput",
    "DataFailed",
    "EngineFailed",
    "PayerlakeError",
    "__version__",
    "generate",
    "load",
    "tables",
    "validate",
    "verify",
]
