"""Tests of the finance dataset."""
