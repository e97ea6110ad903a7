"""Columns from uniforms: random streams, distributions, identifiers; knows nobody."""
