"""The file store on a real S3 service, which checks signatures and refuses a second create."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.core.db import db
from app.core.errors import Gone, Unavailable
from app.core.files import StoredFile, upkeep, vault
from app.core.files.stores import ObjectStore, new_object_key, open_store
from app.core.keys import keystore
from app.core.unit_of_work import unit_of_work
from tests.core.keyring_app import sample_world
from tests.object_store import ACCESS, SECRET, ObjectStoreServer

pytestmark = pytest.mark.slow
BUCKET = "portal-files"
CONTENT = b"content of a sample image " * 4_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreServer]:
    made = ObjectStoreServer(tmp_path_factory.mktemp("swift"))
    try:
        made.start()
        made.create_bucket(BUCKET)
        yield made
    finally:
        made.stop()


@pytest.fixture
def store(server: ObjectStoreServer) -> ObjectStore:
    return open_store(server.url(BUCKET), ACCESS, SECRET)


@pytest.fixture
def app(tmp_path: Path, store: ObjectStore) -> Iterator[Flask]:
    with sample_world(tmp_path) as made:
        made.extensions["file_store"] = store
        yield made


@pytest.mark.parametrize("content", [b"", b"one", CONTENT, bytes(range(256)) * 40_000], ids=["0", "3", "100k", "10M"])
def test_what_was_put_is_there_and_comes_back(store: ObjectStore, content: bytes) -> None:
    key = new_object_key()
    assert not store.exists(key)
    store.put(key, content)
    assert store.exists(key)
    assert store.get(key) == content


def test_an_object_is_created_once(store: ObjectStore) -> None:
    key = new_object_key()
    store.put(key, b"first")
    with pytest.raises(FileExistsError):
        store.put(key, b"second")
    assert store.get(key) == b"first"


def test_when_several_create_one_object_at_once_a_winner_is_kept(store: ObjectStore) -> None:
    key, gate, won = new_object_key(), threading.Barrier(4), []

    def create(number: int) -> None:
        gate.wait()
        try:
            store.put(key, b"%d" % number)
            won.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) >= 1
    assert store.get(key) in [b"%d" % number for number in won]


def test_deleted_is_gone_and_deleting_twice_is_no_error(store: ObjectStore) -> None:
    key = new_object_key()
    store.put(key, b"content")
    store.delete(key)
    store.delete(key)
    assert not store.exists(key)
    with pytest.raises(Gone) as refused:
        store.get(key)
    assert refused.value.code == "file_gone"


def test_a_wrong_secret_reads_and_changes_nothing(server: ObjectStoreServer, store: ObjectStore) -> None:
    key = new_object_key()
    store.put(key, b"content")
    for access, secret in ((ACCESS, "wrong"), ("test:nobody", SECRET)):
        stranger = open_store(server.url(BUCKET), access, secret)
        for act in (stranger.get, stranger.exists, stranger.delete, lambda k: stranger.put(k, b"x")):  # noqa: B023
            with pytest.raises(Unavailable) as refused:
                act(key)
            assert refused.value.code == "file_store_down"
    assert store.get(key) == b"content"


def test_a_missing_bucket_is_unavailable_not_gone(server: ObjectStoreServer) -> None:
    """Else a typing error in the settings would look as if every photo had been erased, or erase none and say it did."""
    elsewhere = open_store(server.url("no-such-bucket"), ACCESS, SECRET)
    for act in (elsewhere.get, elsewhere.delete, lambda key: elsewhere.put(key, b"content")):
        with pytest.raises(Unavailable):
            act(new_object_key())


def test_a_sealed_file_lives_and_ends_in_the_bucket(app: Flask, store: ObjectStore) -> None:
    row = put()
    assert vault.open_sealed(row) == CONTENT
    assert b"sample" not in store.get(row.object_key)
    with unit_of_work():
        vault.erase(load(row.id))
    assert not store.exists(row.object_key)


def test_a_rollback_leaves_no_object_in_the_bucket(app: Flask, store: ObjectStore) -> None:
    with pytest.raises(ZeroDivisionError), unit_of_work():
        key = vault.put_sealed("badge", CONTENT, "image/jpeg").object_key
        assert store.exists(key)
        raise ZeroDivisionError
    assert not store.exists(key)


def test_an_erasure_while_the_service_is_down_is_finished_when_it_is_back(
    app: Flask, server: ObjectStoreServer, store: ObjectStore
) -> None:
    row = put()
    server.stop()
    try:
        with unit_of_work():
            vault.erase(load(row.id))  # commits; nobody is told that it failed
        with pytest.raises(Gone):
            vault.open_sealed(load(row.id))
        with pytest.raises(Gone):
            keystore.key(row.key_id)
        with pytest.raises(Unavailable):
            upkeep.erase()  # the job: it will be tried again
        assert load(row.id).purged_at is None
    finally:
        server.start()
    assert store.exists(row.object_key)
    upkeep.erase()
    assert not store.exists(row.object_key)
    assert load(row.id).purged_at is not None


def put() -> StoredFile:
    with unit_of_work():
        made = vault.put_sealed("badge", CONTENT, "image/jpeg").id
    return load(made)


def load(file_id: object) -> StoredFile:
    db.session.remove()
    return db.session.get_one(StoredFile, file_id)
