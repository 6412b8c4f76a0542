"""`make test`: the suite on SQLite with the browser tests, then on PostgreSQL. Loud about anything left out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import browser
import memory
import postgres

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
SLOW = CI or os.environ.get("SLOW") == "1"
QUICK, LONG = "not slow", "slow"  # "browser" is said apart: no Chromium, or PostgreSQL, where one pass is enough


def pytest(*args: str, **environ: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *args, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environ}, check=False).returncode


def passes(chromium: str | None, scratch: str, left_out: list[str]) -> list[int]:
    """SQLite with the browser, PostgreSQL, and (in CI, or with SLOW=1) what takes long, on both."""
    with_browser = {"PORTAL_TEST_CHROMIUM": chromium or ""}
    left = "" if chromium else " and not browser"
    codes = [pytest("-m", QUICK + left, **with_browser)]
    with postgres.server(scratch) as url:
        if url:
            codes.append(pytest("-m", f"{QUICK} and not browser and not pure", PORTAL_TEST_POSTGRES=url))
        else:
            left_out.append("PostgreSQL (no server programs found)")
        if SLOW:
            codes.append(pytest("-m", LONG + left, **with_browser))
            if url:
                codes.append(pytest("-m", f"{LONG} and not browser and not pure", PORTAL_TEST_POSTGRES=url))
    return codes


def main() -> int:
    """Run all passes and say loudly what had to be left out."""
    left_out: list[str] = []
    chromium = browser.find_or_install()
    if not chromium:
        left_out.append("browser tests (no Chromium could be found or installed)")
    if missing := [name for name in ("rapidocr", "onnxruntime", "cv2") if find_spec(name) is None]:
        left_out.append(f"text recognition ({', '.join(missing)} not installed; make test OCR=1 installs it)")
    with tempfile.TemporaryDirectory(prefix="portal-test-", dir=memory.place()) as scratch:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = scratch
        os.chmod(scratch, 0o755)  # the server runs as another user and has a folder of its own in it
        codes = passes(chromium, scratch, left_out)
    failed = any(code not in (0, 5) for code in codes)
    if left_out:
        print(f"\n!!! LEFT OUT: {'; '.join(left_out)} !!!", file=sys.stderr)
    return 1 if failed or (CI and left_out) else 0


if __name__ == "__main__":
    sys.exit(main())
