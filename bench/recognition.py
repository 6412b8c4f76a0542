"""Recognition of 320 drawn badges in eight conditions, photos used again, and the scan over stored fingerprints."""

from __future__ import annotations

import io
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from app.core.files import images
from bench.registry import Run, bench

SCANNED = 50_000
LEAST_ALIKE = 0.90
NEAR_BITS = 31
PHOTOGRAPHED = "same card photographed again"


def taken_in(data: bytes) -> images.CleanImage:
    """As the portal stores an upload: re-encoded, with its thumbnail."""
    return images.intake(io.BytesIO(data), "badge.jpg")


@bench("recognition")
def recognition(run: Run) -> None:
    """Fields exactly right per condition of 320 drawn badges, and wrong agreements over all other claims."""
    from app.registrations.hints import recogniser

    if why := recogniser.missing():
        run.line(f"left out: {why}")
        return
    import cv2

    from app.registrations.hints import reader
    from bench import badges

    cv2.setNumThreads(1)
    seed = run.seed or badges.SEED
    ocr, cards = reader.engine(), badges.cards(seed)
    run.line(f"{reader.version()}, seed {seed}, {len(badges.FACES)} faces, {len(cards)} cards, 1 thread")
    wrong: Counter[str] = Counter()
    for n, (condition, photograph) in enumerate(badges.CONDITIONS.items()):
        right: Counter[str] = Counter()
        spent = 0.0
        for i, card in enumerate(cards):
            picture = photograph(badges.draw(card), random.Random(seed + 1000 * n + i))
            began = time.process_time()
            lines = lines_of(reader.read(ocr, taken_in(picture).main))
            spent += time.process_time() - began
            right.update(exact(card, lines))
            wrong.update(wrongly_same(card, cards, lines))
        fields = " ".join(f"{field} {right[field]}" for field in (*card.claims(), "number"))
        each = spent / len(cards)
        run.line(f"{condition:<42} all five {right['all']:>2} of {len(cards)}  {fields}  CPU {each:.2f} s")
    run.line(f"other claims {wrong['asked']:,}: wrong 一致 {wrong['same']}, 相近 {wrong['near']}")


def lines_of(answer: dict[str, Any]) -> list[Any]:
    from app.registrations.hints.matching import Box, Line

    return [Line(text, Box(*box), score) for text, score, *box in answer["lines"]]


def exact(card: Any, lines: Sequence[Any]) -> list[str]:
    """Names of the fields that were found exactly; ``all`` when each claimed one was."""
    from app.registrations.hints import matching

    hints = matching.compare(card.claims(), lines)
    found = [field for field, hint in hints.items() if hint.level is matching.Level.SAME]
    number = ["number"] if matching.number_on(lines) == matching.plain(card.number) else []
    return [*found, *(["all"] if len(found) == len(hints) else []), *number]


def wrongly_same(card: Any, cards: Sequence[Any], lines: Sequence[Any]) -> Counter[str]:
    """Every value of every other card claimed for this one: what of it is said to stand on it."""
    from app.registrations.hints import matching

    counted: Counter[str] = Counter()
    for field, own in card.claims().items():
        for other in {other.claims()[field] for other in cards} - {own}:
            level = matching.compare({field: other}, lines)[field].level
            counted.update(["asked", level.value])
    return counted


@bench("reuse")
def reuse(run: Run) -> None:
    """Photos used again: recall of hash and alignment, false hits among 20 cards of one template."""
    from app.registrations.hints import recogniser

    if why := recogniser.missing():
        run.line(f"left out: {why}")
        return
    import cv2

    from bench import badges

    cv2.setNumThreads(1)
    seed = run.seed or badges.SEED
    cards = [*badges.same_template(seed), *badges.cards(seed)[20:]]
    rng = random.Random(seed)
    originals = [badges.phone(badges.draw(card), rng) for card in cards]
    stored = [Stored(data) for data in originals]
    run.line(f"seed {seed}: {len(cards)} cards, 20 of them of one template; hash ≤ {NEAR_BITS} of 256 bits, "
             f"alignment ≥ {LEAST_ALIKE:.0%}")  # fmt: skip
    run.line(f"{'used again as':<30} hash      hash, then alignment   alignment alone")
    for how in (*badges.REUSES, PHOTOGRAPHED):
        second = [Stored(data) for data in reused(cards, originals, how, random.Random(f"{seed}{how}"))]
        pairs = [Pair(one, other) for one, other in zip(stored, second, strict=True)]
        show(run, how, pairs)
    run.line(read_again(cards, stored, second, pairs))
    scans = [Stored(badges.clean(badges.draw(card), rng)) for card in cards[:20]]
    for name, group in (("photos", stored[:20]), ("straight scans", scans)):
        pairs = [Pair(a, b) for n, a in enumerate(group) for b in group[n + 1 :]]
        show(run, f"FALSE, one template, {name}", pairs)


def reused(cards: Sequence[Any], originals: Sequence[bytes], how: str, rng: random.Random) -> list[bytes]:
    from PIL import Image

    from bench import badges

    if how == PHOTOGRAPHED:
        return [badges.phone(badges.draw(card), rng) for card in cards]
    return [badges.again(Image.open(io.BytesIO(data)).convert("RGB"), how) for data in originals]


def read_again(cards: Sequence[Any], stored: Sequence[Stored], second: Sequence[Stored], pairs: Sequence[Pair]) -> str:
    """The portal's own order for a card photographed again: near by hash, or the same name or number read on both."""
    from app.registrations.hints import reader

    ocr, known, found = reader.engine(), 0, 0
    for card, one, other, pair in zip(cards, stored, second, pairs, strict=True):
        both = [set(exact(card, lines_of(reader.read(ocr, photo.main)))) for photo in (one, other)]
        candidate = pair.bits <= NEAR_BITS or bool(both[0] & both[1] & {"name", "number"})
        known += candidate
        found += candidate and pair.alike >= LEAST_ALIKE
    return f"{PHOTOGRAPHED}: near by hash, or name or number read on both: {known}; of these alike when laid: {found}"


class Stored:
    """A photo as the portal keeps it, with its hash."""

    def __init__(self, data: bytes) -> None:
        from app.registrations.hints import fingerprint

        clean = taken_in(data)
        self.main = clean.main
        self.ways = fingerprint.all_ways(clean.thumbnail)


class Pair:
    """Two photos: bits that differ, and how much of one is found in the other."""

    def __init__(self, earlier: Stored, newer: Stored) -> None:
        from app.registrations.hints import fingerprint, reader

        bits, way = fingerprint.nearest(newer.ways, [earlier.ways[0]])
        self.bits = int(bits[0])
        turn = fingerprint.WAYS[int(way[0])] if self.bits <= NEAR_BITS else fingerprint.WAYS[0]
        self.alike = reader.align(earlier.main, newer.main, [[turn[0], int(turn[1])]])["share"] or 0.0


def show(run: Run, how: str, pairs: Sequence[Pair]) -> None:
    """Hash alone; hash and then alignment; alignment alone."""
    near = sum(pair.bits <= NEAR_BITS for pair in pairs)
    both = sum(pair.bits <= NEAR_BITS and pair.alike >= LEAST_ALIKE for pair in pairs)
    alike = sum(pair.alike >= LEAST_ALIKE for pair in pairs)
    shares = sorted(pair.alike for pair in pairs)
    run.line(
        f"{how:<30} {near:>3}/{len(pairs):<4} {both:>3}                    {alike:>3}/{len(pairs):<4} "
        f"share {shares[0]:.2f} to {shares[-1]:.2f}, bits {min(p.bits for p in pairs)} to {max(p.bits for p in pairs)}"
    )


@bench("fingerprints")
def fingerprints(run: Run) -> None:
    """One photo asked in all its ways against 50,000 stored hashes: numpy's XOR against whole numbers of Python."""
    import numpy as np

    from app.registrations.hints import fingerprint

    rng = np.random.default_rng(1)
    stored = [rng.bytes(fingerprint.BYTES) for _ in range(SCANNED)]
    looks = 1 + len(fingerprint.CUTS) + len(fingerprint.TILTS)
    asked = [rng.bytes(fingerprint.BYTES) for _ in range(looks * len(fingerprint.WAYS))]
    by_numpy = min(cpu(lambda: fingerprint.nearest(asked, stored)) for _ in range(5))
    ours, _way = fingerprint.nearest(asked, stored)
    whole = [int.from_bytes(one, "big") for one in stored]
    ways = [int.from_bytes(one, "big") for one in asked]
    plain: list[int] = []
    by_hand = cpu(lambda: plain.extend(min((one ^ way).bit_count() for way in ways) for one in whole))
    assert plain == list(ours)
    run.line(f"{SCANNED:,} stored × {len(ways)} hashes asked: numpy {by_numpy * 1e3:.0f} ms CPU, "
             f"Python {by_hand * 1e3:.0f} ms, ratio {by_hand / by_numpy:.1f}; same distances")  # fmt: skip


def cpu(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
