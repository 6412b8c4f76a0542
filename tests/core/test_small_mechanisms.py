"""Business numbers, serials, throttle, search: against a real database, with the threads that break weak versions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.core import clock, numbers, search, throttle
from app.core.db import db, new_id
from app.core.errors import Invalid
from app.core.serials import next_serial
from app.core.unit_of_work import evidence, unit_of_work
from app.core.web import Portal
from tests.core.floor_app import floor_app

NOW = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)  # half past midnight on the 25th in China


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Portal]:
    with floor_app(tmp_path) as app, app.app_context():
        yield app


def in_threads(app: Portal, count: int, act: Callable[[], object]) -> list[object]:
    """Run ``act`` at once in so many threads, each with its own session; their results."""
    gate, results = threading.Barrier(count), []

    def run() -> None:
        with app.app_context():
            gate.wait()
            results.append(act())
            db.session.remove()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# serials


def test_serials_count_per_prefix_and_china_day(app: Portal) -> None:
    with unit_of_work(), clock.frozen(NOW):
        assert [next_serial("REG"), next_serial("REG"), next_serial("TKT")] == [
            "REG-20261125-0001", "REG-20261125-0002", "TKT-20261125-0001",
        ]  # fmt: skip
        with clock.advanced(timedelta(days=1)):
            assert next_serial("REG") == "REG-20261126-0001"


def test_a_rolled_back_serial_leaves_no_duplicate(app: Portal) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        next_serial("REG")
        raise ZeroDivisionError
    with unit_of_work():
        first = next_serial("REG")
    with unit_of_work():
        assert next_serial("REG") != first


def test_twenty_at_once_get_twenty_numbers(app: Portal) -> None:
    def one() -> str:
        with unit_of_work():
            return next_serial("REG")

    assert len(set(in_threads(app, 20, one))) == 20


# throttle

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LIMITS = [(1, MINUTE), (3, HOUR)]


def hit(key: str = "+8613800000000", bucket: str = "login_code") -> int | None:
    with evidence() as session:
        return throttle.hit(session, bucket, key, LIMITS)


def test_a_window_slides(app: Portal) -> None:
    with clock.frozen(NOW):
        assert hit() is None
        assert hit() == 60
    with clock.frozen(NOW + timedelta(seconds=59.5)):
        assert hit() == 1
    with clock.frozen(NOW + MINUTE):
        assert hit() is None
    with clock.frozen(NOW + 2 * MINUTE):
        assert hit() is None
    with clock.frozen(NOW + 5 * MINUTE):
        assert hit() == 55 * 60  # the hour's limit; the refused tries above were not counted
    with clock.frozen(NOW + HOUR):
        assert hit() is None


def test_keys_and_buckets_are_apart_and_not_readable(app: Portal) -> None:
    with clock.frozen(NOW):
        assert [hit(), hit("+8613800000001"), hit(bucket="other")] == [None, None, None]
    with unit_of_work(write=False):
        rows = db.session.execute(sa.text("SELECT * FROM throttle_hit")).all()
    assert len(rows) == 3
    assert "13800000000" not in repr(rows)


def test_exact_when_many_try_at_once(app: Portal) -> None:
    def three_an_hour() -> int | None:
        with evidence() as session:
            return throttle.hit(session, "sign_in", "a@demo.invalid", [(3, HOUR)])

    assert in_threads(app, 12, three_an_hour).count(None) == 3


def test_waiting_looks_without_counting_and_success_clears(app: Portal) -> None:
    with evidence() as session:
        assert throttle.wait(session, "login_code", "k", LIMITS) is None
        assert throttle.wait(session, "login_code", "k", LIMITS) is None
        throttle.hit(session, "login_code", "k", LIMITS)
        assert throttle.wait(session, "login_code", "k", LIMITS)
        throttle.clear(session, "login_code", "k")
        assert throttle.wait(session, "login_code", "k", LIMITS) is None


def test_cleanup_takes_only_what_no_limit_needs(app: Portal) -> None:
    with clock.frozen(NOW):
        hit()
    with clock.frozen(NOW + HOUR - MINUTE), unit_of_work():
        assert throttle.cleanup() == 0
    with clock.frozen(NOW + HOUR), unit_of_work():
        assert throttle.cleanup() == 1


# search


@pytest.mark.pure
def test_bigrams() -> None:
    assert search.bigrams("北京医院") == ["北京", "京医", "医院"]
    assert search.bigrams("京") == ["京"]
    assert search.bigrams("ＣＴ室 3号楼 GIF-H290") == ["ct", "室", "3", "号楼", "gif", "h290"]
    assert search.bigrams("%_'\"\x00 ") == []
    assert search.bigrams("") == []


def naive(query: str, names: dict[UUID, str]) -> set[str]:
    """What must be found, without any index."""
    words = search.normalise(query).split()
    return {name for name in names.values() if all(word in search.normalise(name) for word in words)}


NAMES = [
    "华东第一示范医院", "东海样例人民医院", "东华示范中心", "第3示范医院", "CT 样例门诊部", "100%样例_医院", "O'样例\"院",
    "京", "样例京东路分院",
]  # fmt: skip
QUERIES = [
    "示范", "样例", "医", "京", "东", "第一", "医院", "华东", "东华", "东 医院", "样例 院", "第3", "3", "ct", "ｃｔ", "CT 样",
    "%", "_", "100%", "'", '"', "'; DROP TABLE search_gram; --", "\\", "不存在", "示x范", "\x00", "", "   ", "样例\u202e",
]  # fmt: skip


@pytest.fixture
def indexed(app: Portal) -> tuple[search.SearchIndex, dict[UUID, str]]:
    index, names = search.SearchIndex("sample"), {new_id(): name for name in NAMES}
    with unit_of_work():
        for ref, name in names.items():
            index.put(ref, name)
        search.SearchIndex("other").put(new_id(), "另一处的示范医院")
    return index, names


@pytest.mark.parametrize("query", QUERIES)
def test_finds_what_a_plain_scan_finds(indexed: tuple[search.SearchIndex, dict[UUID, str]], query: str) -> None:
    index, names = indexed
    mine = sa.select(search.SearchEntry.ref_id).where(search.SearchEntry.index_name == "sample")
    with unit_of_work(write=False):
        found = db.session.scalars(mine.where(index.matching(query, search.SearchEntry.ref_id)))
        assert {names[ref] for ref in found} == naive(query, names)


def test_put_again_replaces_and_remove_removes(indexed: tuple[search.SearchIndex, dict[UUID, str]]) -> None:
    index, names = indexed
    ref = next(iter(names))

    def found(query: str) -> bool:
        clause = index.matching(query, search.SearchEntry.ref_id)
        return ref in db.session.scalars(sa.select(search.SearchEntry.ref_id).where(clause)).all()

    with unit_of_work():
        index.put(ref, "全新名称", "老的别名")
        assert (found("示范"), found("全新"), found("别名"), found("名称老的")) == (False, True, True, False)
        index.remove(ref)
        assert not found("全新")


def test_similar_orders_by_shared_pairs(indexed: tuple[search.SearchIndex, dict[UUID, str]]) -> None:
    index, names = indexed
    with unit_of_work(write=False):
        best = [names[ref] for ref, _ in index.similar("华东第一示范医院分院", 3)]
    assert best[0] == "华东第一示范医院"


def test_a_search_uses_the_index(indexed: tuple[search.SearchIndex, dict[UUID, str]]) -> None:
    """On PostgreSQL table scans are forbidden for the question, as nine rows are read faster that way."""
    index, _names = indexed
    is_sqlite = db.engine.dialect.name == "sqlite"
    mine = sa.select(search.SearchEntry.ref_id).where(index.matching("示范", search.SearchEntry.ref_id))
    statement = mine.compile(db.engine, compile_kwargs={"literal_binds": True})
    with db.engine.connect() as connection:
        if not is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plan = " ".join(str(tuple(row)) for row in connection.exec_driver_sql(f"{explain} {statement}"))
    assert ("SEARCH search_gram" if is_sqlite else "pk_search_gram") in plan
    assert "SCAN search_gram" not in plan
    assert "Seq Scan" not in plan


# business numbers


def test_defaults_are_within_their_bounds_and_in_force(app: Portal) -> None:
    for spec in numbers.specs:
        if spec.unit != "text":
            assert spec.parse(spec.show(spec.default)) == spec.default
    with unit_of_work(write=False):
        wanted = {"review_due_hours": 8, "resubmission_due_hours": 4, "open_leases": 3, "undo_seconds": 60}
        assert {key: numbers.get(key) for key in wanted} == wanted
        assert numbers.office_hours() == (540, 720, 810, 1080)
        with pytest.raises(KeyError):
            numbers.get("unheard_of")


@pytest.mark.parametrize(
    ("key", "typed"),
    [("open_leases", "0"), ("open_leases", "11"), ("open_leases", "-1"), ("open_leases", "3.5"), ("open_leases", "٣"),
     ("open_leases", ""), ("open_leases", "9" * 40), ("office_opens", "25:00"), ("office_opens", "12:30"),
     ("office_opens", "9"), ("office_opens", "24:01"), ("contact_mailbox", "nobody"), ("contact_mailbox", "<a>@b.c"),
     ("contact_address", "x" * 201)],
)  # fmt: skip
def test_bad_values_are_refused(app: Portal, key: str, typed: str) -> None:
    with unit_of_work(), pytest.raises(Invalid) as caught:
        numbers.change(key, typed, None)
    assert "value" in caught.value.fields
    assert not numbers.overrides()


def test_a_change_is_in_force_at_once_within_a_request(app: Portal) -> None:
    with app.test_request_context(), unit_of_work():
        assert numbers.get("lease_minutes") == 15
        assert numbers.change("lease_minutes", " 20 ", None) == (15, 20)
        assert numbers.get("lease_minutes") == 20
        assert numbers.change("office_opens", "8:30", None) == (540, 510)
        assert numbers.office_hours().opens == 510


def test_one_statement_a_request(app: Portal) -> None:
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))
    with app.test_request_context(), unit_of_work(write=False):
        for spec in numbers.specs:
            numbers.text(spec.key)
    assert len([s for s in seen if "business_number" in s]) == 1
