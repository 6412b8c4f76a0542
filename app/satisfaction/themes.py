"""What comments speak of: from texts to terms that five people or more used, and to themes that are stable.

Nothing but terms of two to four signs leaves this module, each used by `K` raters or more; no sentence, no number, no
name of ours. Reading needs no network and no list of words (reference/review.md 6).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.satisfaction.models.sums import K

SHORTEST, LONGEST = 2, 4  # signs of a term
MOST_TERMS, MOST_THEMES, TEXTS_PER_THEME = 400, 6, 15
COMMON = 0.5  # of all comments: what is in more of them tells nothing
VARIETY = 2  # different neighbours of a word on either side
WORD = 20  # signs of a word of a script with blanks
SHOWN_TERMS, FAINT = 5, 0.25  # at most, and beside the heaviest
FEWEST = 40  # comments below which no themes are looked for
RUN_OF_SIGNS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Comment:
    """A text and who wrote it."""

    text: str
    writer: Hashable


@dataclass(frozen=True, slots=True)
class Spoken:
    """A stable theme: its terms, and which comments speak of it most."""

    terms: Sequence[str]
    comments: Sequence[int]
    stability: float


def terms_in(text: str) -> Iterator[tuple[str, str, str]]:
    """(term, sign before, sign after): every run of two to four signs; empty at a blank or a mark. Whatever holds a
    digit is left out."""
    for run in RUN_OF_SIGNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        if any(sign.isdigit() for sign in run):
            continue
        if run.isascii():  # a word of a script with blanks
            if SHORTEST < len(run) <= WORD:
                yield run, "", ""
            continue
        for n in range(SHORTEST, LONGEST + 1):
            for start in range(len(run) - n + 1):
                yield run[start : start + n], run[start - 1 : start], run[start + n : start + n + 1]


def find(comments: Sequence[Comment], names: Collection[str] = (), seed: int = 1) -> list[Spoken]:
    """Themes of the comments; none below `FEWEST`, none that would not come back. ``names`` are told to nobody."""
    counted = [Counter(term for term, _before, _after in terms_in(one.text)) for one in comments]
    used = [i for i, found in enumerate(counted) if found]
    if len(used) < FEWEST:
        return []
    vocabulary = _vocabulary([comments[i] for i in used], names)
    kept = [i for i in used if any(term in vocabulary for term in counted[i])]
    if len(kept) < FEWEST or not vocabulary:
        return []
    return _stable([counted[i] for i in kept], [comments[i].writer for i in kept], kept, sorted(vocabulary), seed)


def _stable(
    counted: Sequence[Counter[str]], writers: Sequence[Hashable], places: Sequence[int], terms: Sequence[str], seed: int
) -> list[Spoken]:
    import numpy as np  # the worker alone needs it, once a day

    from app.core.statistics import themes

    column = {term: n for n, term in enumerate(terms)}
    counts: Any = np.zeros((len(counted), len(terms)), dtype=np.float32)
    for row, found in enumerate(counted):
        for term, n in found.items():
            if term in column:
                counts[row, column[term]] = n
    numbers = {who: n for n, who in enumerate(dict.fromkeys(writers))}
    most = min(MOST_THEMES, len(counted) // TEXTS_PER_THEME)
    made = themes.stable(counts, [numbers[who] for who in writers], most, seed)
    return [
        Spoken(_words(theme.weights, terms), [places[i] for i in theme.texts], theme.stability)
        for theme in made
        if len({writers[i] for i in theme.texts}) >= K
    ]


def _vocabulary(comments: Sequence[Comment], names: Collection[str]) -> set[str]:
    """Terms of `K` writers or more that are not in most comments, no part of a name, and words rather than cuttings:
    a cutting ("像模糊" of "图像模糊") is always followed or preceded by the same sign (accessor variety: Feng et al.
    2004, Computational Linguistics 30:75)."""
    who: dict[str, set[Hashable]] = {}
    held: Counter[str] = Counter()
    around: dict[str, tuple[set[str], set[str]]] = {}
    for n, one in enumerate(comments):
        for m, (term, before, after) in enumerate(terms_in(one.text)):
            who.setdefault(term, set()).add(one.writer)
            sides = around.setdefault(term, (set(), set()))
            sides[0].add(before or f"{n}.{m}")
            sides[1].add(after or f"{n}.{m}")
        held.update({term for term, _before, _after in terms_in(one.text)})
    hidden = {unicodedata.normalize("NFKC", name).casefold() for name in names if len(name) >= SHORTEST}
    some = [
        term for term, n in held.most_common()
        if len(who[term]) >= K and n <= COMMON * len(comments) and min(map(len, around[term])) >= VARIETY
        and not any(_names(term, name) for name in hidden)
    ]  # fmt: skip
    return set(some[:MOST_TERMS])


def _names(term: str, name: str) -> bool:
    return term in name or name in term


def _words(weights: Any, terms: Sequence[str]) -> list[str]:
    """The heaviest terms, none of them a part of another."""
    found: list[str] = []
    for place in sorted(range(len(terms)), key=lambda n: -weights[n]):
        term = terms[place]
        if weights[place] <= FAINT * max(weights) or len(found) == SHOWN_TERMS:
            break
        if not any(term in other or other in term for other in found):
            found.append(term)
    return found
