"""Statistics as pure functions: one module per idea, plain numbers in and out, no scipy.

Each function names its source and its units; `tests/core/test_statistics.py` holds the values that were published for
it (reference/review.md 6). What has no answer (no cases, one verdict only) is None or raises, never a made-up number.
"""
