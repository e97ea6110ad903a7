"""The hand-written finance suites: correct data pass, and the rules report the data that break them."""

from tests.finance.breaks import QUERIES, ROWS, TABLES
from tests.finance.power import POWER
from tests.handwritten import power_tests, suite_tests

TestSuites = suite_tests("finance", ROWS, TABLES, QUERIES, many=20_000)
TestPower = power_tests("finance", POWER)
