"""Themes in short texts: TF-IDF of what they hold, non-negative matrix factorisation, and which themes are stable.

A factorisation finds k themes in anything, in noise too. Here a theme counts only when it comes back: the texts are
drawn anew with replacement (those of one writer together), factorised from another start, and the theme must be found
again in `STABLE` of `RUNS` such runs. Sources: Lee & Seung 2001, NIPS 13:556 (multiplicative updates); Brunet et al.
2004, PNAS 101:4164 and Greene et al. 2014, ECML 498 (stability under resampling as the measure of a theme).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]
RUNS, STABLE = 25, 0.8  # share of the runs that must find it again (reference/review.md 6)
SAME = 0.7  # cosine of two themes, from which they are the same
ROUNDS = 30  # of updates; themes of short texts stand still before
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Theme:
    """``weights`` per term; ``texts``: those that speak of it more than of any other; ``stability``: share of runs."""

    weights: Matrix
    texts: Sequence[int]
    stability: float


def tf_idf(counts: Matrix) -> Matrix:
    """Rows of texts, columns of terms: damped counts, rare terms heavier, rows of length 1."""
    held = (counts > 0).sum(axis=0)
    weighed = np.log1p(counts) * (np.log((1 + len(counts)) / (1 + held)) + 1)
    length = np.linalg.norm(weighed, axis=1, keepdims=True)
    return np.asarray(weighed / np.maximum(length, TINY))


def factorise(texts: Matrix, k: int, seed: int) -> tuple[Matrix, Matrix]:
    """(texts x k, k x terms), neither of them negative, whose product is near ``texts``."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(max(float(texts.mean()), TINY) / k)
    left, right = (rng.random(shape) * scale + TINY for shape in ((len(texts), k), (k, texts.shape[1])))
    for _round in range(ROUNDS):
        right *= (left.T @ texts) / (left.T @ left @ right + TINY)
        left *= (texts @ right.T) / (left @ (right @ right.T) + TINY)
    return left, right


def stable(counts: Matrix, writers: Sequence[int], most: int, seed: int = 1) -> list[Theme]:
    """The themes that come back, the most spoken of first. ``writers``: who wrote each text, from 0 on.

    How many there are is not known: of 2 to ``most`` the number is taken whose themes come back most often on average.
    """
    texts = tf_idf(counts)
    tried = [_tried(texts, writers, k, seed) for k in range(2, most + 1) if min(texts.shape) >= 2 * k]
    if not tried:
        return []
    left, right, found = max(tried, key=lambda one: float(one[2].mean()))
    spoken = left * np.linalg.norm(right, axis=1)
    of = np.where(spoken.max(axis=1) > TINY, spoken.argmax(axis=1), -1)
    made = [
        Theme(right[i], [int(n) for n in np.flatnonzero(of == i)], float(share))
        for i, share in enumerate(found) if share >= STABLE
    ]  # fmt: skip
    return sorted(made, key=lambda theme: -len(theme.texts))


def _tried(texts: Matrix, writers: Sequence[int], k: int, seed: int) -> tuple[Matrix, Matrix, Matrix]:
    """A factorisation into k themes, and the share of runs in which each of them came back."""
    left, right = factorise(texts, k, seed)
    mine = _directions(right)
    by_writer = [np.flatnonzero(np.asarray(writers) == who) for who in range(max(writers) + 1)]
    rng, found = np.random.default_rng(seed), np.zeros(k)
    for run in range(RUNS):
        drawn = np.concatenate([by_writer[who] for who in rng.integers(len(by_writer), size=len(by_writer))])
        found += _again(mine, _directions(factorise(texts[drawn], k, seed + 1 + run)[1]))
    return left, right, found / RUNS


def _directions(themes: Matrix) -> Matrix:
    return np.asarray(themes / np.maximum(np.linalg.norm(themes, axis=1, keepdims=True), TINY))


def _again(mine: Matrix, theirs: Matrix) -> Matrix:
    """Which of my themes are among theirs, each of theirs used once, the nearest pairs first."""
    near, found = mine @ theirs.T, np.zeros(len(mine))
    while near.size and near.max() >= SAME:
        i, j = np.unravel_index(int(near.argmax()), near.shape)
        found[i] = 1
        near[i, :] = near[:, j] = -1
    return found
