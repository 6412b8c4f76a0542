"""Laying one photo over another: is this the same card, photographed again? Needs OpenCV (requirements-ocr.txt).

ORB finds points in both pictures, MAGSAC the homography that carries one onto the other, and the share of blocks that
then look alike is the answer: cards of one hospital share a template, so points alone always match. Blocks are compared
where points met and a little around: what the card lies on is another thing each time. Slow changes of light are taken
out, and a block may lie off by two pixels. Figures: docs/recognition.md.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

LONG_EDGE = 800  # pixels
POINTS = 1500
RATIO = 0.8  # of the best to the second best match
LEAST_MATCHES = 12
REPROJECTION = 3.0  # pixels
BLOCK = 40  # pixels
AROUND = 40  # pixels that blocks may lie outside of the points that met
LIGHT = 8.0  # pixels (sigma) from which on a change of brightness is one of light and no print
OFF = 2  # pixels that a block may lie off
ALIKE = 0.6  # correlation of a block
FLAT = 10.0  # standard deviation (grey levels, light taken out) below which a block holds nothing to compare
BURNT = 245  # grey level from which paper, lines and print are all white
LEAST_BLOCKS = 24


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
    carried, inside = cv2.findHomography(source, target, cv2.USAC_MAGSAC, REPROJECTION, maxIters=5000, confidence=0.999)
    if carried is None or int(inside.sum()) < LEAST_MATCHES:
        return 0.0
    size = (one.shape[1], one.shape[0])
    laid = cv2.warpPerspective(other, carried, size)
    covered = cv2.warpPerspective(np.full(other.shape, 255, np.uint8), carried, size)
    return _alike(one, laid, (covered == 255) & _around(target[inside.ravel() > 0], one.shape))


def _around(points: Any, shape: tuple[int, int]) -> Any:
    """The ground that the points span, and a little more."""
    ground = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(ground, cv2.convexHull(points.astype(np.int32)), 1)
    return cv2.dilate(ground, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)) > 0


def _alike(one: Any, laid: Any, ground: Any) -> float:
    a, b = _print(one), _print(laid)
    alike = compared = 0
    for top in range(0, one.shape[0] - BLOCK + 1, BLOCK):
        for left in range(0, one.shape[1] - BLOCK + 1, BLOCK):
            cut = (slice(top, top + BLOCK), slice(left, left + BLOCK))
            if not ground[cut].all() or a[cut].std() < FLAT or (laid[cut] >= BURNT).mean() > 0.9:
                continue  # a brightened copy has lost thin lines: an empty block there says nothing
            compared += 1
            wide = b[max(0, top - OFF) : top + BLOCK + OFF, max(0, left - OFF) : left + BLOCK + OFF]
            alike += float(cv2.matchTemplate(wide, a[cut], cv2.TM_CCOEFF_NORMED).max()) > ALIKE
    return alike / compared if compared >= LEAST_BLOCKS else 0.0


def _print(picture: Any) -> Any:
    """What is printed: the picture without its slow changes of brightness."""
    fine = picture.astype(np.float32)
    return fine - cv2.GaussianBlur(fine, (0, 0), LIGHT)
