"""The benches of the house: each module of this package may hold one or more functions marked ``@bench``.

::

    @bench("scope")
    def scope(run: Run) -> None:
        "Scope of a grant against the same query by hand."
        for database in run.databases:
            with portal(database.url) as app:
                ...

A new module needs no other change; ``python -m bench`` finds it. What a bench prints is a comparison of two things
measured in the same run.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Database:
    """Where a bench makes its fresh databases; ``url`` is a superuser's on PostgreSQL, None on SQLite."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """What the command line asks for."""

    databases: tuple[Database, ...]
    sizes: tuple[int, ...]  # rows of the largest table, ascending
    requests: int  # of each side, per page
    seed: int | None = None  # of what is drawn; None: the bench's own
    keep: Path | None = None  # where filled databases stay for the next run, in a bench that can

    def line(self, text: str) -> None:
        """One line of the report, seen at once."""
        print(text, flush=True)


Bench = Callable[[Run], None]
benches: dict[str, Bench] = {}


def bench(name: str) -> Callable[[Bench], Bench]:
    """Register a bench under its name; its docstring is what ``--list`` shows."""

    def register(function: Bench) -> Bench:
        if name in benches or not function.__doc__:
            raise ValueError(f"{name}: a bench has a name of its own and a docstring")
        benches[name] = function
        return function

    return register


def find() -> dict[str, Bench]:
    """All benches, by name."""
    package = import_module("bench")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != "__main__":
            import_module(f"bench.{module.name}")
    return dict(sorted(benches.items()))
