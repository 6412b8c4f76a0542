"""Every attack on the log is found: by the chain, or by the checkpoints kept elsewhere.

The attacker owns the database: he drops the triggers and computes hashes as we do. He cannot write to the
checkpoint store and does not have the signing key.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import audit, clock
from app.core.audit import chain, checkpoint, ddl
from app.core.audit.models import AuditCheckpoint, AuditEvent
from app.core.audit.verify import verify
from app.core.db import db
from app.core.policy import SYSTEM
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal
from tests.core.mechanism_app import mechanism_app

EVENTS: Any = AuditEvent.__table__
OCTOBER = datetime(2026, 10, 20, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with mechanism_app(tmp_path) as opened:
        yield opened


def write(count: int) -> None:
    with unit_of_work():
        for number in range(count):
            audit.record("sample.counted", SYSTEM, "sample", number)


def stored() -> list[dict[str, Any]]:
    with db.engine.connect() as connection:
        query = sa.select(EVENTS).order_by(EVENTS.c.chain, EVENTS.c.seq)
        return [dict(row) for row in connection.execute(query).mappings()]


def attack(rows: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Put other rows in place of the stored ones, triggers or not."""
    changed = rows(stored())
    with unit_of_work():
        for statement in ddl.DROP[db.engine.dialect.name]:
            db.session.execute(sa.text(statement))
        db.session.execute(sa.delete(EVENTS))
        if changed:
            db.session.execute(sa.insert(EVENTS), changed)


def recompute(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A chain anew over changed rows, as good as ours."""
    previous = chain.GENESIS
    for seq, row in enumerate(rows, start=1):
        row.update(seq=seq, id=chain.row_id(row["chain"], seq), prev_hash=previous)
        row["row_hash"] = previous = chain.row_hash(row)
    return rows


def codes() -> list[tuple[str, int]]:
    return [(finding.code, finding.seq) for finding in verify().findings]


def test_an_untouched_log_verifies_with_and_without_checkpoints(app: Portal) -> None:
    assert verify().ok
    write(5)
    assert verify().ok
    assert len(checkpoint.write()) == 1
    report = verify()
    assert (report.ok, report.rows, report.chains, report.checkpoints) == (True, 5, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "另一人"}, {"event": "sample.undone"}, {"object_id": "9"}, {"reason_code": "other"},
        {"fields": ["x"]}, {"result": "refused"}, {"request_id": "0"}, {"note_commitment": "0" * 64},
        {"at": OCTOBER}, {"recorded_at": OCTOBER}, {"session_hash": "1"}, {"row_hash": "0" * 64},
    ],
)  # fmt: skip
def test_an_altered_row_is_found_whatever_was_altered(app: Portal, change: dict[str, Any]) -> None:
    write(5)
    attack(lambda rows: [{**row, **change} if row["seq"] == 3 else row for row in rows])
    assert codes()[0] == ("altered", 3)


def test_an_altered_row_with_its_hash_renewed_breaks_the_next_link(app: Portal) -> None:
    write(5)

    def alter(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        rows[2]["result"] = "refused"
        rows[2]["row_hash"] = chain.row_hash(rows[2])
        return rows

    attack(alter)
    assert codes() == [("broken_link", 4)]


def test_a_removed_row_is_found(app: Portal) -> None:
    write(5)
    attack(lambda rows: rows[:2] + rows[3:])
    assert codes() == [("removed", 3)]


def test_a_removed_row_with_numbers_closed_up_is_found(app: Portal) -> None:
    write(5)

    def close_up(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = rows[:2] + rows[3:]
        for seq, row in enumerate(kept, start=1):
            row.update(seq=seq, id=chain.row_id(row["chain"], seq))
            row["row_hash"] = chain.row_hash(row)
        return kept

    attack(close_up)
    assert codes()[0] == ("broken_link", 3)


def test_swapped_rows_are_found(app: Portal) -> None:
    write(5)

    def swap(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        a, b = rows[1], rows[2]
        a["seq"], b["seq"], a["id"], b["id"] = b["seq"], a["seq"], b["id"], a["id"]
        return rows

    attack(swap)
    assert codes()[:2] == [("altered", 2), ("altered", 3)]


def test_a_forged_row_in_the_middle_is_found(app: Portal) -> None:
    write(5)
    checkpoint.write()
    attack(lambda rows: recompute([*rows[:2], {**rows[1], "result": "refused"}, *rows[2:]]))
    assert codes() == [("recomputed", 5)]


def test_a_cut_off_tail_is_found_by_the_checkpoint(app: Portal) -> None:
    write(5)
    checkpoint.write()
    attack(lambda rows: rows[:3])
    assert codes() == [("cut_off", 4)]


def test_an_emptied_log_is_found_by_the_checkpoint(app: Portal) -> None:
    write(5)
    checkpoint.write()
    attack(lambda rows: [])
    assert codes() == [("cut_off", 1)]


def test_a_chain_recomputed_after_a_checkpoint_is_found(app: Portal) -> None:
    write(5)
    checkpoint.write()
    write(5)
    attack(lambda rows: recompute([{**row, "actor_name": "另一人"} if row["seq"] == 2 else row for row in rows]))
    assert codes() == [("recomputed", 5)]


def test_without_a_checkpoint_a_recomputed_chain_looks_whole(app: Portal) -> None:
    """The reason for checkpoints, and the proof that the former test rests on them alone."""
    write(5)
    attack(lambda rows: recompute([{**row, "actor_name": "另一人"} if row["seq"] == 2 else row for row in rows]))
    assert codes() == []


def test_a_wrong_id_is_found(app: Portal) -> None:
    write(2)
    attack(lambda rows: [{**row, "id": chain.row_id("2026-01", row["seq"])} for row in rows])
    assert codes() == [("altered", 1), ("altered", 2)]


def two_months() -> None:
    with clock.frozen(OCTOBER):
        write(4)
        checkpoint.write()
        write(2)
    with clock.frozen(NOVEMBER):
        write(3)


def test_the_final_checkpoint_of_a_month_comes_with_the_next_month(app: Portal) -> None:
    two_months()
    with clock.frozen(NOVEMBER):
        written = [(mark.chain, mark.seq, mark.final) for mark in checkpoint.write()]
        assert written == [("2026-10", 6, True), ("2026-11", 3, False)]
        assert checkpoint.write() == []
    assert verify().ok


def test_a_dropped_month_is_accepted_exactly_with_its_final_checkpoint(app: Portal) -> None:
    two_months()
    attack(lambda rows: [row for row in rows if row["chain"] == "2026-11"])
    assert ("cut_off", 1) in codes()


def test_a_dropped_month_is_accepted_with_its_final_checkpoint(app: Portal) -> None:
    two_months()
    with clock.frozen(NOVEMBER):
        checkpoint.write()
    attack(lambda rows: [row for row in rows if row["chain"] == "2026-11"])
    assert verify().ok
    attack(lambda rows: recompute(rows))  # and what is left must still follow it
    assert codes()[0] == ("broken_link", 1)


def test_half_a_month_dropped_is_found(app: Portal) -> None:
    two_months()
    with clock.frozen(NOVEMBER):
        checkpoint.write()
    attack(lambda rows: rows[3:])
    assert codes() == [("removed", 1)]


def test_a_month_dropped_out_of_the_middle_is_found(app: Portal) -> None:
    two_months()
    with clock.frozen(datetime(2026, 12, 20, tzinfo=UTC)):
        write(1)
        checkpoint.write()
    attack(lambda rows: [row for row in rows if row["chain"] != "2026-11"])
    assert codes() == [("removed", 1)]


def test_rows_after_the_final_checkpoint_are_found(app: Portal) -> None:
    two_months()
    with clock.frozen(NOVEMBER):
        checkpoint.write()

    def forge(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        last = rows[5]
        more = {**last, "seq": 7, "id": chain.row_id("2026-10", 7), "prev_hash": last["row_hash"]}
        more["row_hash"] = chain.row_hash(more)
        return [*rows[:6], more, *rows[6:]]

    attack(forge)
    assert ("forged", 7) in codes()


def test_checkpoints_forged_removed_or_exchanged_are_found(app: Portal, tmp_path: Path) -> None:
    for _ in range(3):
        write(2)
        checkpoint.write()
    folder = tmp_path / "checkpoints"
    second = folder / "audit-0000000002.json"
    whole = second.read_bytes()
    outer = json.loads(whole)
    second.write_text(json.dumps({**outer, "body": outer["body"].replace('"seq":4', '"seq":3')}))
    assert {code for code, _seq in codes()} == {"checkpoint_forged", "checkpoint_missing"}
    second.write_bytes((folder / "audit-0000000001.json").read_bytes())
    assert {code for code, _seq in codes()} == {"checkpoint_forged", "checkpoint_missing"}
    second.unlink()
    assert [code for code, _seq in codes()] == ["checkpoint_missing"]
    second.write_bytes(whole)
    assert codes() == []
    (folder / "note.txt").write_text("x")
    assert [code for code, _seq in codes()] == ["checkpoint_forged"]


def test_a_checkpoint_is_never_written_over(app: Portal, tmp_path: Path) -> None:
    write(2)
    checkpoint.write()
    with unit_of_work():  # the database forgets, as one restored from a backup would
        db.session.execute(sa.delete(AuditCheckpoint))
    write(2)
    before = (tmp_path / "checkpoints" / "audit-0000000001.json").read_bytes()
    assert [(mark.number, mark.seq) for mark in checkpoint.write()] == [(1, 2), (2, 4)]
    assert (tmp_path / "checkpoints" / "audit-0000000001.json").read_bytes() == before
    assert verify().ok


def test_a_store_that_contradicts_is_refused(app: Portal, tmp_path: Path) -> None:
    write(1)
    (tmp_path / "checkpoints").mkdir(exist_ok=True)
    (tmp_path / "checkpoints" / "audit-0000000001.json").write_text("{}")
    with pytest.raises(checkpoint.CheckpointError, match="not one of this chain"):
        checkpoint.write()


def test_findings_end_at_a_hundred(app: Portal) -> None:
    write(300)
    attack(lambda rows: [{**row, "result": "refused"} for row in rows])
    assert len(verify().findings) == 100


def test_a_hundred_thousand_rows_take_seconds(app: Portal) -> None:
    write(1)
    model = stored()[0]
    previous, batch = model["row_hash"], []
    for seq in range(2, 100_001):
        row = {**model, "seq": seq, "id": chain.row_id(model["chain"], seq), "prev_hash": previous}
        row["row_hash"] = previous = chain.row_hash(row)
        batch.append(row)
    with unit_of_work():
        db.session.execute(sa.insert(EVENTS), batch)
    started = time.monotonic()
    report = verify()
    assert report.ok and report.rows == 100_000
    assert time.monotonic() - started < 30  # 3 s on an idle core; the machine may be shared
