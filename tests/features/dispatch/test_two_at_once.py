"""Two dispatchers at the same moment, each with a connection of his own."""

from __future__ import annotations

import threading

import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.core.unit_of_work import unit_of_work
from app.dispatch.models import Dispatch
from tests.features.dispatch.people import MONDAY, engineer, ticket_of
from tests.features.dispatch.test_board import text_of

WHEN = {"day": "2026-11-24", "half": "am"}


def both(app, clients, path_of, data_of) -> list:
    """The same POST by both, let go at once."""
    gate, answers = threading.Barrier(len(clients)), {}

    def send(n: int) -> None:
        with app.app_context(), clock.frozen(MONDAY):
            gate.wait()
            answers[n] = clients[n].post(path_of(n), data=data_of(n))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(len(clients))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[n] for n in range(len(clients))]


def test_two_dispatchers_assign_the_same_version_exactly_one_wins_the_other_sees_who_when_and_keeps_typed_text(room):
    """Feature 7."""
    with unit_of_work():
        row, near, far = room.ground.ticket(), engineer("近工"), engineer("远工", lat=32.0)
        number, version, ticket_id = row.number, row.version, row.id
    planners = (room.ground.dispatcher, room.ground.colleague)
    notes = ("院方点名要远工（甲）", "院方点名要远工（乙）")
    answers = both(
        room.app, [room.client(one) for one in planners], lambda _n: f"/dispatch/{number}/offer",
        lambda n: {"version": version, "assignee_id": far.id, "override_reason": "other", "override_note": notes[n], **WHEN},
    )  # fmt: skip
    assert sorted(one.status_code for one in answers) == [303, 409]
    loser = next(n for n, one in enumerate(answers) if one.status_code == 409)
    text = text_of(answers[loser])
    assert planners[1 - loser].name in text and "11-23 09:00" in text  # who and when
    assert notes[loser] in text and notes[1 - loser] not in text.replace(notes[loser], "")
    with unit_of_work(write=False):
        made = db.session.scalars(sa.select(Dispatch)).one()
        assert made.offered_by == planners[1 - loser].id and made.override_note == notes[1 - loser]
        assert ticket_of(ticket_id).assignee_id == far.id != near.id


def test_the_last_free_half_day_of_somebody_is_not_given_away_twice(room):
    with unit_of_work():
        rows, him = [room.ground.ticket(), room.ground.ticket()], engineer(capacity=1)
        tickets = [(row.number, row.version) for row in rows]
    clients = [room.client(room.ground.dispatcher), room.client(room.ground.colleague)]
    answers = both(
        room.app, clients, lambda n: f"/dispatch/{tickets[n][0]}/move",
        lambda n: {"version": tickets[n][1], "assignee_id": him.id, "when": "2026-11-24/am"},
    )  # fmt: skip
    assert sorted(one.status_code for one in answers) == [303, 409]
    refused = text_of(next(one for one in answers if one.status_code == 409))
    assert "这半天已有 1 单，最多 1 单" in refused
    with unit_of_work(write=False):
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Dispatch)) == 1
