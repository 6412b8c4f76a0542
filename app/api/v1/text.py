"""Text as it may come in: normalised, limited, without characters that are not seen but act.

SQL, HTML and formulas are text like any other: queries bind, pages escape, exports defuse. Letters of right-to-left
scripts are welcome; characters that turn the direction of what follows are not (they make one name look like another).
"""

from __future__ import annotations

import unicodedata

from pydantic_core import PydanticCustomError

UNSEEN = frozenset(
    chr(c)
    for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x061C, 0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)
)
BREAKS = frozenset("\n")


def clean_line(text: str) -> str:
    """One line: NFC, trimmed, no control or direction characters."""
    return _clean(text, frozenset())


def clean_text(text: str) -> str:
    """Several lines."""
    return _clean(text.replace("\r\n", "\n"), BREAKS)


def _clean(text: str, allowed: frozenset[str]) -> str:
    normal = unicodedata.normalize("NFC", text).strip()
    if any(c in UNSEEN or (unicodedata.category(c) in ("Cc", "Cs", "Cn") and c not in allowed) for c in normal):
        raise PydanticCustomError("unseen_characters", "control or direction characters are not allowed")
    if not normal:
        raise PydanticCustomError("blank", "blank")
    return normal
