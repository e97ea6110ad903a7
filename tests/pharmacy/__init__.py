"""Tests of the pharmacy dataset."""
