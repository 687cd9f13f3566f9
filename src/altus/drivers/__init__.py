"""Drivers: how hosts do things. Three families that know nothing of one another, each with

`base.py` (a small protocol and a capability record), `load.py` (an explicit map), `fake.py` (a fast twin held to the
same contract suite as the real ones). Every operation is idempotent: a manager may repeat it after a crash.
"""
