"""The hand-written quality suites: correct data pass, and the rules report the data that break them."""

from tests.handwritten import power_tests, suite_tests
from tests.quality.breaks import QUERIES, ROWS, TABLES
from tests.quality.power import POWER

TestSuites = suite_tests("quality", ROWS, TABLES, QUERIES, many=100_000)
TestPower = power_tests("quality", POWER)
