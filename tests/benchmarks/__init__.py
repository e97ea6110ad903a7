"""Benchmarks: run by hand with `make bench`; README.md beside this has the results with the hardware."""
