"""Folders at any URL, what is published in them, and who is at work there."""
