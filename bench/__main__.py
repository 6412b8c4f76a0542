"""``python -m bench [name …] [--list] [--full] [--requests N] [--seed N] [--sqlite]``: two things in one run."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import sys
from pathlib import Path

from bench.registry import Database, Run, find
from scripts import postgres

SIZES, FULL = (10_000, 100_000), (10_000, 1_000_000)


def main() -> None:
    known = find()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(known)}; all when none is given")
    parser.add_argument("--list", action="store_true", help="what each bench measures")
    parser.add_argument("--full", action="store_true", help="10,000 and 1,000,000 rows")
    parser.add_argument("--requests", type=int, default=200, help="requests of each side per page")
    parser.add_argument("--sqlite", action="store_true", help="SQLite alone")
    parser.add_argument("--sizes", type=lambda text: tuple(sorted(map(int, text.split(",")))))
    parser.add_argument("--seed", type=int, help="of what is drawn; a bench that draws nothing takes no notice")
    parser.add_argument("--keep", type=Path, help="folder in which filled databases stay for the next run (tickets)")
    args = parser.parse_args()
    if args.list:
        for name, bench in known.items():
            print(f"{name:<12} {(bench.__doc__ or '').splitlines()[0]}")
        return
    if unknown := [name for name in args.names if name not in known]:
        parser.error(f"no bench named {', '.join(unknown)}; there are {', '.join(known)}")
    print(f"python -m bench {' '.join(sys.argv[1:])} · Python {platform.python_version()} · {os.cpu_count()} cores")
    with contextlib.nullcontext() if args.sqlite else postgres.server() as url:
        databases = [Database("SQLite", None), *([Database("PostgreSQL", url)] if url else [])]
        sizes = args.sizes or (FULL if args.full else SIZES)
        run = Run(tuple(databases), sizes, args.requests, args.seed, args.keep)
        for name in args.names or known:
            print(f"\n{name}: {(known[name].__doc__ or '').splitlines()[0]}", flush=True)
            known[name](run)


if __name__ == "__main__":
    main()
