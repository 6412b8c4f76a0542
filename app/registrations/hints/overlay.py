"""Laying one photo over another: is this the same card, photographed again? Needs OpenCV (requirements-ocr.txt).

ORB finds points in both pictures, RANSAC the homography that carries one onto the other, and the share of blocks that
then look alike is the answer: cards of one hospital share a template, so points alone always match. Figures:
reference measurements in docs/recognition.md.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

LONG_EDGE = 800  # pixels
POINTS = 1500
RATIO = 0.8  # of the best to the second best match
LEAST_MATCHES = 12
REPROJECTION = 5.0  # pixels
BLOCK = 40  # pixels
ALIKE = 0.6  # correlation of a block
FLAT = 6.0  # standard deviation (grey levels) below which a block holds nothing to compare
BURNT = 245  # grey level from which paper, lines and print are all white
LEAST_BLOCKS = 12


def grey(picture: Any) -> Any:
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)


def turned(picture: Any, quarter: int, mirror: bool) -> Any:
    """Mirrored left to right, then turned by quarters against the clock."""
    return np.rot90(np.fliplr(picture) if mirror else picture, quarter).copy()


def share(one: Any, other: Any) -> float | None:
    """Share (0 to 1) of 40-pixel blocks of ``one`` that look alike once ``other`` lies over it; None if it cannot."""
    orb: Any = cv2.ORB_create(POINTS)  # type: ignore[attr-defined]
    here, mine = orb.detectAndCompute(one, None)
    there, theirs = orb.detectAndCompute(other, None)
    if mine is None or theirs is None or min(len(here), len(there)) < LEAST_MATCHES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(theirs, mine, k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
    if len(good) < LEAST_MATCHES:
        return 0.0
    source = np.array([there[match.queryIdx].pt for match in good], np.float32)
    target = np.array([here[match.trainIdx].pt for match in good], np.float32)
    carried, inside = cv2.findHomography(source, target, cv2.RANSAC, REPROJECTION)
    if carried is None or int(inside.sum()) < LEAST_MATCHES:
        return 0.0
    size = (one.shape[1], one.shape[0])
    laid = cv2.warpPerspective(other, carried, size)
    covered = cv2.warpPerspective(np.full(other.shape, 255, np.uint8), carried, size)
    return _alike(one, laid, covered)


def _alike(one: Any, laid: Any, covered: Any) -> float | None:
    alike = compared = 0
    for top in range(0, one.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, one.shape[1] - BLOCK + 1, BLOCK):
            cut = (slice(top, top + BLOCK), slice(left, left + BLOCK))
            a, b = one[cut].astype(np.float32), laid[cut].astype(np.float32)
            if covered[cut].min() < 255 or a.std() < FLAT or (b >= BURNT).mean() > 0.9:
                continue  # a brightened copy has lost thin lines: an empty block there says nothing
            compared += 1
            alike += _correlation(a, b) > ALIKE
    return alike / compared if compared >= LEAST_BLOCKS else 0.0


def _correlation(a: Any, b: Any) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale else 0.0
