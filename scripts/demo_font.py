"""Cut the demo's font out of Noto Sans CJK SC (SIL Open Font License 1.1): only the glyphs that the badges print.

Needs fonttools and an installed Noto Sans CJK; run it when `app/cli/demo/words.py` changes.
"""

from __future__ import annotations

import string
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "app" / "cli" / "demo"))
import words

SOURCE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
TARGET = ROOT / "app" / "cli" / "demo" / "fonts" / "demo-subset.otf"


def main() -> None:
    groups = (words.PLACES, words.MARKS, words.KINDS, words.DEPARTMENTS, words.GIVEN, words.POSITIONS, words.TITLES)
    text = "".join(word for group in groups for word in group) + words.SURNAMES + words.BADGE_WORDS
    text += string.ascii_letters + string.digits + " -·:/.第"
    subprocess.run(
        [sys.executable, "-m", "fontTools.subset", str(SOURCE), "--font-number=2", f"--text={text}",
         "--layout-features=", f"--output-file={TARGET}"],
        check=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
