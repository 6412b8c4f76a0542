"""kill -9 of real processes: an approval is whole or never was; a message goes out once, or is marked unknown.

The moments are made from outside: a lock on the database holds a process where it is to be killed, a stub of a
provider holds it inside a send. On SQLite that lock stops a transaction at its beginning, on PostgreSQL at its last
statement (the audit event), with everything else written and not committed; the series of kills covers the rest.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.audit import AuditEvent
from app.core.db import prepare_engine
from app.core.files import StoredFile
from app.core.jobs import Job, JobState
from app.core.outbox import Message, MessageState
from app.customers.models import CustomerProfile
from app.registrations.models import FieldCheck, Registration, RegistrationEvent, SubmissionImage
from app.registrations.service import FIELDS
from tests.databases import POSTGRES
from tests.object_store import ROOT, answers, free_port
from tests.stubs import aliyun, wechat
from tests.stubs.aliyun import AliyunStub
from tests.stubs.wechat import WeChatStub

pytestmark = pytest.mark.slow
PORTAL = "tests.features.registrations.crash_portal"
READY, SOON, HELD = 60.0, 15.0, 1.0  # seconds
LEASES = timedelta(minutes=4)  # longer than those of a job and of a message
TEMPLATE_SEND = "/cgi-bin/message/template/send"
CHECKED = {f"check_{name}": "seen" for name in FIELDS}


def wait_for(condition: Callable[[], Any], seconds: float = SOON) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


class Scene:
    """An instance of its own with its processes; reads and locks its database from outside."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": str(folder / "instance")}
        self.environ |= {"PORTAL_DATABASE_URL": url}
        self.engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
        prepare_engine(self.engine)
        self.children: list[subprocess.Popen[bytes]] = []
        self.port, self.cookies = free_port(), {"reviewer": "", "admin": ""}
        self.cases: list[dict[str, str]] = []

    def prepare(self, kind: str, count: int) -> None:
        command = [sys.executable, "-m", PORTAL, kind, str(count)]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, timeout=READY, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2_000:]
        found = json.loads(done.stdout.splitlines()[-1])
        self.cookies, self.cases = {name: found[name] for name in self.cookies}, found["cases"]

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with open(self.folder / "log", "ab") as log:
            arguments = [sys.executable, "-m", *command]
            child = subprocess.Popen(
                arguments, cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
            )
        self.children.append(child)
        return child

    def web(self) -> subprocess.Popen[bytes]:
        """The real web server with one worker process, ready for requests."""
        child = self.start(
            "gunicorn", "-b", f"127.0.0.1:{self.port}", "-w", "1", "--threads", "4", "-k", "gthread",
            "--no-control-socket", "--log-level", "warning", "wsgi:app",
        )  # fmt: skip
        self.wait_until_ready()
        return child

    def wait_until_ready(self) -> None:
        wait_for(lambda: answers(self.port) and _status(f"{self.base}/login") == 200, READY)

    def worker(self) -> subprocess.Popen[bytes]:
        """The real worker command; its channels reach the stubs."""
        return self.start("flask", "--app", PORTAL, "worker", "--poll", "0.1")

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        """kill -9, with everything that it started."""
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(SOON)

    def end(self) -> None:
        for child in self.children:
            if child.poll() is None:
                self.kill(child)
        self.engine.dispose()

    def reading(self) -> Session:
        return Session(self.engine)

    def count(self, *where: sa.ColumnElement[bool]) -> int:
        with self.reading() as session:
            return session.scalar(sa.select(sa.func.count()).where(*where)) or 0

    @contextmanager
    def locked(self, table: str) -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
        """Nobody writes (SQLite), or nobody writes to ``table`` (PostgreSQL). Yields a wait until ``child`` stands."""
        if not POSTGRES:
            connection = sqlite3.connect(self.folder / "instance" / "portal.db", isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._opened
            finally:
                connection.execute("ROLLBACK")
                connection.close()
            return
        with psycopg.connect(self.url) as holder:
            holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")  # type: ignore[call-overload]
            yield lambda _child: wait_for(self._somebody_waits, READY)
            holder.rollback()

    def _somebody_waits(self) -> bool:
        """Of this database: relation locks know it."""
        query = (
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE NOT l.granted AND d.datname = current_database()"
        )
        with self.reading() as session:
            return bool(session.scalar(sa.text(query)))

    def _opened(self, child: subprocess.Popen[bytes]) -> None:
        """The process, or its child, has the database open; a moment later it stands before the lock."""
        database = str(self.folder / "instance" / "portal.db")

        def opened() -> bool:
            return any(database in _files_of(pid) for pid in (child.pid, *children_of(child.pid)))

        wait_for(opened, READY)
        time.sleep(HELD)

    def later(self) -> None:
        """As if the leases of killed workers had run out."""
        with self.reading() as session, session.begin():
            for job in session.scalars(sa.select(Job).where(Job.state == JobState.RUNNING)):
                assert job.locked_until is not None
                job.locked_until -= LEASES
            for job in session.scalars(sa.select(Job).where(Job.state == JobState.READY)):
                job.run_at -= LEASES
            for message in session.scalars(sa.select(Message).where(Message.state == MessageState.SENDING)):
                assert message.started_at is not None
                message.started_at -= LEASES

    def drain(self) -> None:
        """Workers run, time passes, until no message is left to send."""
        child = self.worker()
        open_states = Message.state.in_((MessageState.WAITING, MessageState.SENDING))
        for _round in range(3):
            self.later()
            wait_for(lambda: not self.count(Job.state == JobState.READY, Job.kind == "outbox.deliver"), READY)
            wait_for(lambda: not self.count(Job.state == JobState.RUNNING), READY)
        assert self.count(open_states) == 0
        self.kill(child)

    def states(self) -> dict[str, str]:
        """State of the message by the number of its case."""
        query = (
            sa.select(Registration.number, Message.state)
            .select_from(Message)
            .join(Registration, Registration.subject_id == Message.subject_id)
        )
        with self.reading() as session:
            return {row.number: row.state for row in session.execute(query)}

    def traces(self, case: dict[str, str]) -> tuple[bool, ...]:
        """Each thing that an approval leaves, and whether it is there."""
        row_id = uuid.UUID(case["id"])
        with self.reading() as session:
            row = session.get_one(Registration, row_id)
            event = session.scalars(
                sa.select(RegistrationEvent.id).where(
                    RegistrationEvent.registration_id == row_id, RegistrationEvent.action == "approve_registration"
                )
            ).all()
            message = session.scalars(
                sa.select(Message.id).where(Message.dedupe_key.in_([f"registration:{found}" for found in event]))
            ).all()
            assert len(event) <= 1
            mine = SubmissionImage.registration_id == row_id
            life = sa.select(StoredFile.erase_at).join(SubmissionImage, SubmissionImage.main_id == StoredFile.id)
            audited = AuditEvent.object_id == str(row_id), AuditEvent.event == "registration.approved"
            found = (
                row.status == "approved",
                row.lease_staff_id is None,
                len(event) == 1,
                len(message) == 1,
                _count(session, Job.key.in_([f"message:{one}" for one in message])) == 1,
                _count(session, *audited) == 1,
                _count(session, CustomerProfile.registration_id == row_id) == 1,
                _count(session, FieldCheck.registration_id == row_id) == len(FIELDS),
                all(at is not None for at in session.scalars(life.where(mine))),
            )
        return found

    def verify_audit(self) -> None:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "audit", "verify"]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, timeout=READY, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()[-2_000:]


class Browser:
    """Somebody at the real server, without scripts."""

    def __init__(self, scene: Scene, who: str = "reviewer") -> None:
        self.scene, self.http = scene, requests.Session()
        self.http.cookies.set("portal", scene.cookies[who])
        self.last = 0.0  # seconds that the last post took

    def page(self, path: str) -> str:
        answer = self.http.get(self.scene.base + path, timeout=SOON)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def form(self, path: str) -> dict[str, str]:
        """Hidden fields of the page."""
        tags = re.findall(r"<input[^>]*type=\"hidden\"[^>]*>", self.page(path))
        names = [re.search(r'name="([^"]*)"', tag) for tag in tags]
        values = [re.search(r'value="([^"]*)"', tag) for tag in tags]
        return {name[1]: value[1] for name, value in zip(names, values, strict=True) if name and value}

    def post(self, path: str, data: dict[str, str]) -> requests.Response | None:
        """None when the server died."""
        begun = time.monotonic()
        try:
            return self.http.post(self.scene.base + path, data=data, timeout=READY, allow_redirects=False)
        except requests.ConnectionError:
            return None
        finally:
            self.last = time.monotonic() - begun

    def open_next(self) -> dict[str, str]:
        """Claim the next case, or go on with the one in hand."""
        answer = self.post("/registrations/next", {"csrf_token": self.form("/registrations")["csrf_token"]})
        assert answer is not None and answer.status_code == 302
        number = answer.headers["Location"].rpartition("/")[2]
        return next(case for case in self.scene.cases if case["number"] == number)

    def approve(self, case: dict[str, str]) -> requests.Response | None:
        path = f"/registrations/{case['number']}"
        return self.post(f"{path}/approve", {**self.form(path), **CHECKED})

    def approve_aside(self, case: dict[str, str]) -> tuple[threading.Thread, list[requests.Response | None]]:
        """Send it from a thread; the list gets the answer."""
        path, answer = f"/registrations/{case['number']}", []
        data = {**self.form(path), **CHECKED}
        thread = threading.Thread(target=lambda: answer.append(self.post(f"{path}/approve", data)))
        thread.start()
        return thread, answer


def _count(session: Session, *where: sa.ColumnElement[bool]) -> int:
    return session.scalar(sa.select(sa.func.count()).where(*where)) or 0


def _status(url: str) -> int:
    try:
        return requests.get(url, timeout=SOON).status_code
    except requests.RequestException:
        return 0


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _files_of(pid: int) -> set[str]:
    try:
        return {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A database for the processes: SQLite in the instance, or one of its own on the suite's server."""
    (tmp_path / "instance").mkdir()
    if not POSTGRES:
        yield f"sqlite:///{tmp_path}/instance/portal.db"
        return
    name = f"crash_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        yield f"{POSTGRES.rsplit('/', 1)[0]}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


@pytest.fixture
def scene(tmp_path: Path, url: str) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = Scene(tmp_path, url)
        stack.callback(made.end)
        yield made


@pytest.fixture
def sms(scene: Scene) -> Iterator[AliyunStub]:
    with AliyunStub() as stub:
        scene.environ |= {
            "PORTAL_SMS_ENDPOINT": stub.base,
            "PORTAL_SMS_ACCESS_KEY_ID": aliyun.KEY_ID,
            "PORTAL_SMS_ACCESS_KEY_SECRET": aliyun.KEY_VALUE,
            "PORTAL_SMS_SIGN_NAME": aliyun.SIGN_NAME,
            "PORTAL_SMS_TEMPLATE_LOGIN_CODE": "SMS_CODE",
            "PORTAL_SMS_TEMPLATE_REVIEW_RESULT": "SMS_RESULT",
        }
        yield stub


@pytest.fixture
def official(scene: Scene) -> Iterator[WeChatStub]:
    with WeChatStub() as stub:
        scene.environ |= {
            "PORTAL_WECHAT_API_BASE": stub.base,
            "PORTAL_WECHAT_OFFICIAL_APPID": wechat.OFFICIAL,
            "PORTAL_WECHAT_OFFICIAL_SECRET": wechat.SECRET,
            "PORTAL_WECHAT_TEMPLATE_REVIEW_RESULT": wechat.TEMPLATE_ID,
        }
        yield stub


def sent_numbers(stub: AliyunStub) -> list[str]:
    with stub.lock:
        return [params["number"] for _phone, _template, params in stub.delivered]


def has_seen(stub: AliyunStub, calls: int) -> bool:
    return len(stub.requests) >= calls


def test_an_approval_killed_on_its_way_never_was_and_works_again(scene: Scene) -> None:
    scene.prepare("waiting", 1)
    server, browser = scene.web(), Browser(scene)
    case = browser.open_next()
    before = scene.traces(case)
    with scene.locked("audit_event") as stands:
        thread, answer = browser.approve_aside(case)
        stands(server)
        assert answer == []  # it stands before the lock
        scene.kill(server)
        thread.join(SOON)
        assert answer == [None]
    assert not any(before) and scene.traces(case) == before
    scene.web()
    done = browser.approve(case)
    assert done is not None and done.status_code == 302
    assert all(scene.traces(case))
    scene.verify_audit()


def test_killed_at_any_moment_an_approval_is_whole_or_never_was(scene: Scene) -> None:
    kills = 6
    scene.prepare("waiting", kills + 6)  # every decision claims the next case too
    master, browser = scene.web(), Browser(scene)
    browser.approve(browser.open_next())  # warm: templates are compiled
    browser.approve(browser.open_next())
    whole, took = 0, browser.last
    for step in range(kills):
        case = browser.open_next()
        thread, answer = browser.approve_aside(case)
        time.sleep(took * (step + 1) / kills)
        (child,) = children_of(master.pid)
        os.kill(child, signal.SIGKILL)
        thread.join(SOON)
        scene.wait_until_ready()
        traces = scene.traces(case)
        assert all(traces) or not any(traces), (step, traces)
        assert all(traces) or answer == [None]  # whoever was told that it worked can rely on it
        whole += all(traces)
        if not all(traces):
            again = browser.approve(case)
            assert again is not None and again.status_code == 302
            assert all(scene.traces(case))
    assert whole < kills, "no kill came before the commit"
    scene.verify_audit()


def test_a_worker_killed_before_its_send_sends_exactly_once(scene: Scene, sms: AliyunStub) -> None:
    scene.prepare("approved", 3)
    with scene.locked("message") as stands:
        worker = scene.worker()
        stands(worker)
        assert worker.poll() is None
        scene.kill(worker)
    assert sms.requests == []
    assert set(scene.states().values()) == {"waiting"}
    scene.drain()
    assert set(scene.states().values()) == {"sent"}
    assert sorted(sent_numbers(sms)) == sorted(case["number"] for case in scene.cases)


def test_a_worker_killed_inside_a_send_leaves_it_unknown_and_repeats_nothing(scene: Scene, sms: AliyunStub) -> None:
    scene.prepare("approved", 1)
    sms.delay("/", 2.0)
    worker = scene.worker()
    wait_for(lambda: sms.requests, READY)
    scene.kill(worker)
    assert set(scene.states().values()) == {"sending"}
    wait_for(lambda: sent_numbers(sms))  # the provider delivered it; nobody heard the answer
    sms.delay("/", 0.0)
    scene.drain()
    assert set(scene.states().values()) == {"unknown"}
    assert len(sms.requests) == 1
    scene.web()
    overseer = Browser(scene, "admin")
    (link,) = set(re.findall(r"/notifications/[0-9a-f-]{36}", overseer.page("/notifications?tab=unknown")))
    assert "对方可能已经收到" in overseer.page(link)


def test_a_send_that_may_be_repeated_is_and_arrives_once(scene: Scene, official: WeChatStub) -> None:
    scene.prepare("approved", 1)
    openid = f"o-{uuid.UUID(scene.cases[0]['id']).hex[:20]}"
    official.users.add(openid)
    official.followers.add(openid)
    official.delay(TEMPLATE_SEND, 2.0)
    worker = scene.worker()
    wait_for(lambda: official.calls(TEMPLATE_SEND), READY)
    scene.kill(worker)
    wait_for(lambda: official.client_ids)
    official.delay(TEMPLATE_SEND, 0.0)
    scene.drain()
    assert set(scene.states().values()) == {"sent"}
    assert len(official.calls(TEMPLATE_SEND)) == 2
    assert len(official.client_ids) == 1  # WeChat knows it by our id, and drops the second


def test_workers_killed_again_and_again_send_nothing_twice(scene: Scene, sms: AliyunStub) -> None:
    messages, kills = 20, 4
    scene.prepare("approved", messages)
    sms.delay("/", 0.03)
    for kill in range(kills):
        worker, seen = scene.worker(), len(sms.requests)
        wait_for(partial(has_seen, sms, seen + 3), READY)
        time.sleep(0.011 * kill)  # in, between and after sends
        scene.kill(worker)
        scene.later()
    scene.drain()
    states, sent = scene.states(), sent_numbers(sms)
    assert len(states) == messages and set(states.values()) <= {"sent", "unknown"}
    assert len(sent) == len(set(sent)) == len(sms.requests)
    assert {number for number, state in states.items() if state == "sent"} <= set(sent)
    assert sum(state == "unknown" for state in states.values()) <= kills
