"""Demo hospitals: 2,000 of them in all provinces, with departments; names made of words that belong to no place."""

from __future__ import annotations

import random
from itertools import product

from app.cli.demo import words
from app.core import unit_of_work
from app.core.policy import SYSTEM
from app.hospitals import service
from app.hospitals.provinces import PROVINCES

BATCH = 250
# Rough middle of each province in degrees (latitude, longitude), for "which hospital am I in"
MIDDLES = {
    "11": (39.9, 116.4), "12": (39.1, 117.2), "13": (38.0, 114.5), "14": (37.9, 112.5), "15": (40.8, 111.7),
    "21": (41.8, 123.4), "22": (43.9, 125.3), "23": (45.8, 126.5), "31": (31.2, 121.5), "32": (32.1, 118.8),
    "33": (30.3, 120.2), "34": (31.8, 117.2), "35": (26.1, 119.3), "36": (28.7, 115.9), "37": (36.7, 117.0),
    "41": (34.7, 113.6), "42": (30.6, 114.3), "43": (28.2, 113.0), "44": (23.1, 113.3), "45": (22.8, 108.3),
    "46": (20.0, 110.3), "50": (29.6, 106.5), "51": (30.7, 104.1), "52": (26.6, 106.7), "53": (25.0, 102.7),
    "54": (29.7, 91.1), "61": (34.3, 108.9), "62": (36.1, 103.8), "63": (36.6, 101.8), "64": (38.5, 106.3),
    "65": (43.8, 87.6), "71": (25.0, 121.5), "81": (22.3, 114.2), "82": (22.2, 113.5),
}  # fmt: skip


def names() -> list[str]:
    """2,160 distinct names, in a fixed order."""
    return [f"{place}{mark}{kind}" for kind, place, mark in product(words.KINDS, words.PLACES, words.MARKS)]


def load(rng: random.Random, count: int) -> None:
    """``count`` hospitals with three to six departments each."""
    chosen = names()[:count]
    for start in range(0, count, BATCH):
        with unit_of_work.unit_of_work():
            batch = enumerate(chosen[start : start + BATCH], start)
            service.create_many(SYSTEM, [_hospital(rng, i, name) for i, name in batch])


def _hospital(rng: random.Random, i: int, name: str) -> tuple[service.HospitalData, list[str]]:
    province = PROVINCES[i % len(PROVINCES)].code
    lat, lon = (round(middle + rng.uniform(-0.9, 0.9), 5) for middle in MIDDLES[province])
    data = service.HospitalData(name=name, province=province, city=name[:2] + "市", lat=lat, lon=lon)
    return data, rng.sample(words.DEPARTMENTS, rng.randint(3, 6))
