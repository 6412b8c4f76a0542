"""Demo second readings: the sample drawn by the real draw, most of it read by the other reviewer, a few still open."""

from __future__ import annotations

import random
from datetime import timedelta

from app.cli.demo.cases import ALL_SEEN, cast
from app.core import clock
from app.core.unit_of_work import unit_of_work
from app.registrations.readings import service
from app.registrations.readings.states import Judgement

READ_OF_TEN = 7
REASON = {Judgement.ASK_AGAIN.value: ("photo_glare",), Judgement.REJECT.value: ("not_medical_staff",)}


def load(rng: random.Random) -> None:
    """Draw now, then let both reviewers read what the other decided; one in nine is judged differently."""
    with unit_of_work(write=False):
        people = cast()
    begin = clock.now() - timedelta(hours=3)
    with clock.frozen(begin), unit_of_work():
        drawn = service.draw()
    for n in range(drawn * READ_OF_TEN // 10):
        reader = people.lead if n % 2 else people.second
        with clock.frozen(begin + timedelta(minutes=1 + n)), unit_of_work():
            row = service.take_next(reader)
            if row is None:
                continue
            verdict = row.first_judgement
            if rng.random() < 1 / 9:
                verdict = (Judgement.APPROVE if verdict != Judgement.APPROVE else Judgement.ASK_AGAIN).value
            service.judge(reader, row.number, verdict, ALL_SEEN, REASON.get(verdict, ()))
