"""Clocks: loops that start work or tidy up."""
