"""The hand-written finance suites: correct data pass, and each rule reports the data that break it."""

from tests.finance.breaks import ROWS, WHOLE
from tests.handwritten import suite_tests

TestSuites = suite_tests("finance", ROWS, WHOLE, few=3_600, many=20_000)
