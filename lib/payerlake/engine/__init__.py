"""The Spark that computes: found, started, and held to settings that change no byte."""
