"""Benchmarks: run by hand with `make bench`; the README has the results with the hardware."""
