"""The benches are found by name, each says what it measures, and the Makefile's list is theirs."""

from __future__ import annotations

import pytest

from bench import registry

pytestmark = pytest.mark.pure


def test_every_bench_is_found_and_says_what_it_measures():
    found = registry.find()
    assert "pages" in found
    assert all((function.__doc__ or "").endswith(".") for function in found.values())


def test_a_bench_without_a_sentence_or_with_a_taken_name_is_refused():
    def silent(_run: registry.Run) -> None: ...

    def second(_run: registry.Run) -> None:
        """Something."""

    registry.find()
    for name, function in (("silent", silent), ("pages", second)):
        with pytest.raises(ValueError):
            registry.bench(name)(function)
    assert "silent" not in registry.benches
