"""Passwords: argon2id, length first, a list of common ones and the patterns people make of them.

Nothing is trimmed or folded before hashing: what was typed is what is checked (ASVS 6.2.8). There are no composition
rules and no expiry (ASVS 6.2.5, 6.2.10).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid

MIN_CHARS, MAX_CHARS = 12, 128
TIME_COST, MEMORY_KIB, LANES = 2, 47_104, 1  # twice the work of the OWASP minimum for 46 MiB
MIN_DIFFERENT = 5
SHORTEST_WORD = 4
RUNS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiopasdfghjklzxcvbnm", "qazwsxedcrfvtgbyhnujmikolp")
LEET = str.maketrans("0134578@$!", "oleastbasi")
_hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)
# Verified for accounts that do not exist, so that both paths cost one verification. Nobody knows its password.
NOBODY = "$argon2id$v=19$m=47104,t=2,p=1$dMQZCRlxcg51+gtuNhX3Ww$8aq52rNmssEVpo3o+R78bVn8Nrx8WGAXwimJ2DvE0OE"


def hash_password(password: str) -> str:
    """A new hash; the caller has called `refuse_weak`."""
    return _hasher.hash(password)


def verify(stored: str | None, password: str) -> bool:
    """One argon2 verification whatever ``stored`` is; none for lengths that no password can have."""
    if not 0 < len(password) <= MAX_CHARS:
        return False
    try:
        right = _hasher.verify(stored or NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


def is_stale(stored: str) -> bool:
    """Whether the parameters have changed since; the sign-in then hashes again."""
    return _hasher.check_needs_rehash(stored)


def refuse_weak(password: str, *, email: str = "", name: str = "", field: str = "password") -> None:
    """Raise Invalid with what is wrong, in words a person can act on."""
    found = _complaint(password, email, name)
    if found is not None:
        raise Invalid(found, code="password_weak", fields={field: [found]})


def _complaint(password: str, email: str, name: str) -> Any:
    if len(password) < MIN_CHARS:
        return _l("密码至少 %(n)d 个字符，可以是一句话。", n=MIN_CHARS)
    if len(password) > MAX_CHARS:
        return _l("密码最多 %(n)d 个字符。", n=MAX_CHARS)
    lower = password.lower()
    own = [part for part in (*re.split(r"[\W_]+", email.lower()), name.lower()) if len(part) >= SHORTEST_WORD]
    if any(_mostly(lower, part) for part in own):
        return _l("密码不能以您的姓名或邮箱为主。")
    letters = re.sub(r"[^a-z]+", "", lower)
    if len(set(lower)) < MIN_DIFFERENT or _repeats(lower) or _is_run(lower) or _is_run(letters) or _is_common(lower):
        return _l("这个密码太常见，容易被猜到。请换一句只有您知道的话。")
    return None


def _mostly(lower: str, part: str) -> bool:
    """Whether little is left once ``part`` is taken away."""
    return part in lower and len(lower.replace(part, "")) < MIN_CHARS - SHORTEST_WORD


def _repeats(lower: str) -> bool:
    """abcabcabcabc: a short piece over and over."""
    return any(
        lower == (lower[:size] * len(lower))[: len(lower)] for size in range(1, len(lower) // 2 + 1) if size <= 6
    )


def _is_run(lower: str) -> bool:
    """A walk along the alphabet, the digits or the keyboard, either way, is most of it."""
    longest = 0
    for row in (*RUNS, *(run[::-1] for run in RUNS)):
        doubled = row + row
        for start in range(len(lower)):
            size = longest + 1
            while start + size <= len(lower) and lower[start : start + size] in doubled:
                longest, size = size, size + 1
    return longest >= MIN_CHARS - SHORTEST_WORD and len(lower) - longest < SHORTEST_WORD + 2


def _is_common(lower: str) -> bool:
    """A listed word with digits and signs around it, in leet or doubled: Passw0rd2026!, olympusolympus."""
    bare = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lower)
    for spelt in {lower, lower.translate(LEET), bare.translate(LEET)}:
        core = re.sub(r"[^a-z一-鿿]+", "", spelt)
        if core in common_words() or spelt in common_words():
            return True
        if core and len(core) <= 2 * MIN_CHARS and _made_of(core):
            return True
    return False


def _made_of(core: str) -> bool:
    """Whether one or two listed words make up all of it."""
    words = common_words()
    return any(core[:cut] in words and core[cut:] in words for cut in range(SHORTEST_WORD - 1, len(core) - 2))


@cache
def common_words() -> frozenset[str]:
    """The list beside this file: words around which most guessed passwords are built."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
