"""Measurements that are compared as ratios within one run: ``make bench``, figures in docs/benchmarks.md."""
