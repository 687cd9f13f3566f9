"""Twins of whole parts of Altus, for tests and benchmarks. May import anything; nothing imports it."""
