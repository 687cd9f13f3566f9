"""Hypervisors: define, run and watch virtual machines on this host."""
