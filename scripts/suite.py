"""`make test`: the whole suite on SQLite with the browser tests, then on PostgreSQL. Loud about anything left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import browser
import postgres

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"


def pytest(*args: str, **environ: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *args, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=False).returncode


def main() -> int:
    left_out: list[str] = []
    chromium = browser.find_or_install()
    if chromium:
        codes = [pytest(PORTAL_TEST_CHROMIUM=chromium)]
    else:
        left_out.append("browser tests (no Chromium could be found or installed)")
        codes = [pytest("-m", "not browser")]
    with postgres.server() as url:
        if url:
            codes.append(pytest("-m", "not browser and not pure", PORTAL_TEST_POSTGRES=url))
        else:
            left_out.append("PostgreSQL (no server programs found)")
    failed = any(code not in (0, 5) for code in codes)
    if left_out:
        print(f"\n!!! LEFT OUT: {'; '.join(left_out)} !!!", file=sys.stderr)
    return 1 if failed or (CI and left_out) else 0


if __name__ == "__main__":
    sys.exit(main())
