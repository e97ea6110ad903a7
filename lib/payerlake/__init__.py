"""payerlake: related, realistic synthetic US payer data of any size, as Spark tables reproducible to the byte."""

__version__ = "0.1.0"
