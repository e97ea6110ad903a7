"""The tests. What is asserted for them in `handwritten` is explained as in a test."""

import pytest

pytest.register_assert_rewrite("tests.handwritten")
