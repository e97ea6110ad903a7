"""The hand-written quality suites: correct data pass, and each rule reports the data that break it."""

from tests.handwritten import suite_tests
from tests.quality.breaks import ROWS, WHOLE

TestSuites = suite_tests("quality", ROWS, WHOLE, few=10_000, many=100_000)
