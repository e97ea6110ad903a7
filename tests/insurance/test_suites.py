"""The hand-written insurance suites: correct data pass, and each rule reports the data that break it."""

from tests.handwritten import suite_tests
from tests.insurance.breaks import ROWS, WHOLE

TestSuites = suite_tests("insurance", ROWS, WHOLE, few=10_000, many=100_000, shifted="many")
