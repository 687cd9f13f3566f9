"""Shapes that cross processes: the public API and the manager-agent messages."""
