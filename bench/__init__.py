"""Benchmarks: what users feel, as ratios against the raw tools in one run. `./dev bench` prints the table."""
