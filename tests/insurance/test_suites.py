"""The hand-written insurance suites: correct data pass, and the rules report the data that break them."""

from tests.handwritten import power_tests, suite_tests
from tests.insurance.breaks import QUERIES, ROWS, TABLES
from tests.insurance.power import POWER

TestSuites = suite_tests("insurance", ROWS, TABLES, QUERIES, many=100_000)
TestPower = power_tests("insurance", POWER)
