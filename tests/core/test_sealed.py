"""Sealed attributes: what is stored, what opens where, look-ups, and masks."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import keys, masking
from app.core.db import db
from app.core.errors import Gone, Invalid
from app.core.keys import Unreadable, keystore
from app.core.sealed import Sealed, sealed_attributes
from app.core.unit_of_work import unit_of_work
from tests.core.keyring_app import SampleSubject, sample_world

PHONE = "+8613800000001"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with sample_world(tmp_path) as made:
        yield made


def _save(**values: str | None) -> uuid.UUID:
    with unit_of_work():
        row = SampleSubject(subject_id=keys.new_subject(), **values)
        db.session.add(row)
        return row.id


def _load(row_id: uuid.UUID) -> SampleSubject:
    db.session.remove()
    row = db.session.get(SampleSubject, row_id)
    assert row is not None
    return row


def _swap(one: uuid.UUID, column: str, two: uuid.UUID, other: str) -> None:
    """Put the ciphertext at (two, other) where (one, column) was, as somebody with SQL could."""
    table = SampleSubject.__table__
    with unit_of_work():
        blob = db.session.scalar(sa.select(table.c[other]).where(table.c.id == two))
        db.session.execute(sa.update(table).where(table.c.id == one).values({column: blob}))


def test_values_come_back_and_are_nowhere_readable(app: Flask) -> None:
    row = _load(_save(openid="openid-of-a-sample", name="冯样例", phone=PHONE))
    assert (row.openid, row.name, row.phone) == ("openid-of-a-sample", "冯样例", PHONE)
    stored = b"".join(v for v in db.session.execute(sa.select(SampleSubject.__table__)).one() if isinstance(v, bytes))
    for plain in ("openid-of-a-sample", "冯样例", PHONE, "13800000001"):
        assert plain.encode() not in stored


def test_none_passes_through_and_clears_the_indexes(app: Flask) -> None:
    row_id = _save(openid=None, phone=PHONE)
    assert _load(row_id).openid is None
    with unit_of_work():
        found = db.session.get(SampleSubject, row_id)
        assert found is not None
        found.phone = None
    row = _load(row_id)
    assert (row.phone, row.phone_sealed, row.phone_index, row.phone_tail) == (None, None, None, None)


def test_empty_text_is_a_value(app: Flask) -> None:
    assert _load(_save(name="")).name == ""


@pytest.mark.parametrize("attribute", ["openid", "phone"])
def test_a_value_moved_to_another_row_does_not_open(app: Flask, attribute: str) -> None:
    one, two = _save(openid="a", phone=PHONE), _save(openid="b", phone="+8613800000002")
    _swap(one, f"{attribute}_sealed", two, f"{attribute}_sealed")
    with pytest.raises(Unreadable):
        getattr(_load(one), attribute)


def test_a_value_moved_to_another_column_does_not_open(app: Flask) -> None:
    one = _save(name="冯样例", phone=PHONE, openid="a")
    _swap(one, "name_sealed", one, "phone_sealed")
    with pytest.raises(Unreadable):
        _ = _load(one).name
    _swap(one, "name_sealed", one, "openid_sealed")  # sealed by class where a subject's key belongs
    with pytest.raises(Unreadable):
        _ = _load(one).name


def test_a_flipped_bit_does_not_open(app: Flask) -> None:
    row = _load(_save(openid="a"))
    assert row.openid_sealed is not None
    row.openid_sealed = row.openid_sealed[:-1] + bytes((row.openid_sealed[-1] ^ 1,))
    with pytest.raises(Unreadable):
        _ = row.openid


def test_the_same_value_twice_is_two_ciphertexts_and_one_index(app: Flask) -> None:
    one, two = _load(_save(openid="a")), None
    first = (one.openid_sealed, one.openid_index)
    two = _load(_save(openid="a"))
    assert first[0] != two.openid_sealed
    assert first[1] == two.openid_index


def test_a_destroyed_subject_reads_as_gone_while_class_values_stay(app: Flask) -> None:
    row_id = _save(openid="a", name="冯样例")
    subject = _load(row_id).subject_id
    assert subject is not None
    keystore.destroy([subject])
    row = _load(row_id)
    assert row.openid == "a"
    with pytest.raises(Gone):
        _ = row.name


def test_look_up_by_normalised_value_and_by_tail(app: Flask) -> None:
    wanted, other = _save(phone=PHONE, openid="a"), _save(phone="+8613800000002", openid="b")

    def ids(clause: sa.ColumnElement[bool]) -> set[uuid.UUID]:
        return set(db.session.scalars(sa.select(SampleSubject.id).where(clause)))

    assert ids(SampleSubject.phone.matches("138 0000 0001")) == {wanted}
    assert ids(SampleSubject.phone.matches("+86 138-0000-0001")) == {wanted}
    assert ids(SampleSubject.phone.tail_matches("0002")) == {other}
    assert ids(SampleSubject.openid.matches(" a ")) == {wanted}
    assert ids(SampleSubject.openid.matches("A")) == set()
    with pytest.raises(Invalid):
        SampleSubject.phone.matches("not a number")
    with pytest.raises(TypeError, match="no such index"):
        SampleSubject.name.matches("冯样例")


def test_indexes_are_keyed_per_column_and_the_tail_is_two_bytes(app: Flask) -> None:
    row = _load(_save(openid=PHONE, phone=PHONE))
    assert row.phone_index is not None and row.phone_tail is not None
    assert (len(row.phone_index), len(row.phone_tail)) == (32, 2)
    assert row.phone_index != row.openid_index


def test_a_phone_that_is_none_is_refused_before_anything_changes(app: Flask) -> None:
    row = _load(_save(phone=PHONE))
    before = (row.phone_sealed, row.phone_index)
    with pytest.raises(Invalid):
        row.phone = "12"
    assert (row.phone_sealed, row.phone_index) == before
    assert row.phone == PHONE


def test_reading_decrypts_once_and_follows_a_reload(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    row_id = _save(openid="a")
    row, calls, real = _load(row_id), [], Sealed.decrypt
    monkeypatch.setattr(Sealed, "decrypt", lambda *args: (calls.append(1), real(*args))[1])
    assert (row.openid, row.openid, len(calls)) == ("a", "a", 1)
    sealed = keys.seal("class:identifier", "sample_subject.openid_sealed", row_id, b"b")
    table = SampleSubject.__table__
    db.session.execute(sa.update(table).where(table.c.id == row_id).values(openid_sealed=sealed))
    db.session.refresh(row)
    assert (row.openid, len(calls)) == ("b", 2)
    db.session.rollback()
    assert (row.openid, len(calls)) == ("a", 3)


def test_a_worklist_opens_columns_with_keys_of_one_statement(app: Flask) -> None:
    ids = [_save(name=f"样例{n}", openid=f"o{n}") for n in range(3)]
    erased = _load(ids[0]).subject_id
    assert erased is not None
    keystore.destroy([erased])
    query = sa.select(
        SampleSubject.id, SampleSubject.subject_id, SampleSubject.name.column, SampleSubject.openid.column
    )
    rows = db.session.execute(query.order_by(SampleSubject.id)).all()
    subject_keys = keystore.load(row.subject_id for row in rows if row.subject_id)
    name, openid = SampleSubject.name.opener(), SampleSubject.openid.opener()
    assert [name(r.id, r.name_sealed, subject_keys.get(r.subject_id)) for r in rows] == [None, "样例1", "样例2"]
    assert [openid(r.id, r.openid_sealed) for r in rows] == ["o0", "o1", "o2"]
    assert openid(ids[0], None) is None


def test_a_value_by_subject_needs_its_subject_first(app: Flask) -> None:
    with pytest.raises(TypeError, match="subject_id"):
        SampleSubject(name="冯样例")
    with pytest.raises(TypeError, match="takes text"):
        SampleSubject(openid=5)


def test_the_registry_knows_every_sealed_attribute(app: Flask) -> None:
    assert set(sealed_attributes) == {("sample_subject", name) for name in ("openid", "name", "phone")}
    assert ("sample_subject", "openid_sealed") in keys.places
    assert ("sample_subject", "name_sealed") not in keys.places
    with pytest.raises((TypeError, RuntimeError)):  # Python 3.11 wraps what __set_name__ raises
        type("Loose", (), {"phone": Sealed("phone_sealed")})


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("+8613800000000", "138****0000"),
        ("13800000000", "138****0000"),
        ("+442079460000", "+44 ****0000"),
        ("+85290000000", "+852 ****0000"),
        ("12345", "****45"),
        ("", ""),
        (None, ""),
    ],
)
def test_mask_phone(value: str | None, masked: str) -> None:
    assert masking.mask_phone(value) == masked


@pytest.mark.parametrize(
    ("value", "masked"), [("冯样例", "冯**"), ("冯", "冯**"), (" Sample ", "S**"), ("", ""), (None, "")]
)
def test_mask_name(value: str | None, masked: str) -> None:
    assert masking.mask_name(value) == masked


@pytest.mark.parametrize(
    ("value", "masked"),
    [("someone@demo.invalid", "s***@demo.invalid"), ("@demo.invalid", "***@demo.invalid"), ("odd", "***"), (None, "")],
)
def test_mask_email(value: str | None, masked: str) -> None:
    assert masking.mask_email(value) == masked


def test_mask_openid() -> None:
    assert [masking.mask_openid(v) for v in ("oABCDEFGH1234", "short", "", None)] == ["***1234", "***", "", ""]


@pytest.mark.parametrize(
    "text", ["138 0000 0000", "+86 138-0000-0000", "008613800000000", " 13800000000 ", "１３８００００００００"]
)
def test_one_spelling_of_a_phone_number(text: str) -> None:
    assert masking.to_e164(text) == "+8613800000000"


@pytest.mark.parametrize("text", ["", "abc", "12", "1380000000000000000", "=1+1", "13800000000;ext=5"])
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        masking.to_e164(text)
    assert refused.value.code == "phone_invalid"
