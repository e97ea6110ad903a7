"""Tests of the insurance dataset."""
