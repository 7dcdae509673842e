"""Fuzzing of what reads geolabel's own formats: `python -m tests.fuzz --minutes 10`."""
