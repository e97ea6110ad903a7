"""`payerlake load` for spark-submit: the same arguments, the same exit codes."""

import sys

from payerlake.cli import main

if __name__ == "__main__":
    main(["load", *sys.argv[1:]])
