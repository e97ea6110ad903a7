"""Tests of the quality dataset."""
