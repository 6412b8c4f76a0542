"""The same two pages as one would write them for speed alone: drivers, few statements, a compiled template.

The template is made from the portal's own answer, with slots where data stands, so both send the same page: rows,
counts, the case's fields, reasons and history come from the database; words that depend on no row are constants.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import secrets
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import jinja2
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask

from app.core import calendar, numbers
from app.core.clock import SHANGHAI
from app.core.keys import cipher, keystore, ring
from app.core.web import HEADERS
from app.hospitals.provinces import PROVINCES
from app.registrations.queries.queue import CHIPS
from app.registrations.task import LEASE_KEY
from bench import by_hand_case

NAMES = {p.code: p.zh for p in PROVINCES}
WORDS = {status: (str(chip.word), chip.tone, chip.shape) for status, chip in CHIPS.items()}
CAP = 1_001
DEFAULTS = {"theme": "system", "density": "compact", "nav": "wide", "keys": "on", "lang": "zh"}
FIXED_HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store"), *HEADERS.items()]
FREE = "(lease_expires_at IS NULL OR lease_expires_at<=:now OR lease_staff_id=:me)"
DECIDABLE = (f"status='pending' AND {FREE}", "status='on_hold' AND wakes_at<=:now")
RETAKE = "status='needs_resubmission' AND (wakes_at>:now) IS TRUE"  # walk the order: see core/sql_hints.py
LATE = tuple(f"status='{s}' AND due_at<:now" for s in ("pending", "on_hold", "awaiting_second", "appealed"))
ANY_OPEN = (*(f"status='{s}'" for s in ("pending", "on_hold", "awaiting_second", "appealed")), RETAKE)
TABS = (
    DECIDABLE, LATE, ("status='awaiting_second'",), ("status='on_hold' AND (wakes_at>:now) IS TRUE",), (RETAKE,),
    ("status='appealed'",), ANY_OPEN,
)  # fmt: skip
WAITING = (
    DECIDABLE,
    tuple(f"{where} AND due_at<:now" for where in DECIDABLE),
)  # what the case page says is left, and late
READINGS = (
    "(SELECT count(*) FROM (SELECT 1 FROM second_reading s WHERE s.status='waiting' AND s.due_at>:now AND "
    "(s.lease_expires_at IS NULL OR s.lease_expires_at<=:now OR s.lease_staff_id=:me) AND EXISTS (SELECT 1 FROM "
    "submission_image i JOIN stored_file f ON f.id=i.main_id WHERE i.submission_id=s.submission_id AND "
    "f.erased_at IS NULL AND (f.erase_at IS NULL OR f.erase_at>:now)) AND NOT EXISTS (SELECT 1 FROM "
    "registration_event e WHERE e.registration_id=s.registration_id AND e.by_id=:me) AND NOT EXISTS (SELECT 1 FROM "
    f"reading_pass p WHERE p.reading_id=s.id AND p.staff_id=:me) LIMIT {CAP}) AS t)"
)  # the navigation's second counter
SESSION = (
    "SELECT a.id, a.name, a.preferences, r.role{counts} FROM staff_session s JOIN staff_account a ON a.id=s.staff_id "
    "LEFT JOIN role_assignment r ON r.staff_id=a.id WHERE s.token_hash=:hash AND s.ended_at IS NULL "
    "AND s.expires_at>:now AND s.last_seen_at>:idle AND a.state='active'"
)
FIELDS = (
    "id, number, subject_id, name_sealed, hospital_text, department_text, province, due_at, round, status, "
    "CASE WHEN lease_expires_at>:now THEN lease_name END AS holder, changed_at"
)
ROWS = " UNION ALL ".join(
    f"SELECT * FROM (SELECT {FIELDS} FROM registration WHERE {where} ORDER BY due_at, id LIMIT 51) AS {name}"
    for where, name in zip(DECIDABLE, "ab", strict=True)
) + " ORDER BY due_at, id LIMIT 51"  # fmt: skip
ROW = (
    '{% for r in rows %}<tr role="row" data-row data-id="{{ r.id }}" data-href="/registrations/{{ r.number }}" '
    'data-drawer="/registrations/{{ r.number }}/drawer"><td role="cell" class="c-number " data-label="编号">'
    '<a href="/registrations/{{ r.number }}">{{ r.number }}</a></td>'
    '<td role="cell" class="c-name " data-label="申请人">'
    '<b>{{ r.name }}</b></td><td role="cell" class="c-hospital " data-label="医院">{{ r.hospital }}</td>'
    '<td role="cell" class="c-department " data-label="科室">{{ r.department }}</td>'
    '<td role="cell" class="c-province " data-label="省份">{{ r.province }}</td>'
    '<td role="cell" class="c-due " data-label="截止"><span class="due due--{{ r.tone }}"><time>{{ r.due }}</time> '
    '<span class="left is-{{ r.tone }}">{{ r.left }}</span></span></td>'
    '<td role="cell" class="c-round num" data-label="轮次">{{ r.round }}</td><td role="cell" class="c-status " '
    'data-label="状态"><span class="chip chip--{{ r.chip[1] }}"><svg viewBox="0 0 8 8" aria-hidden="true">'
    '<use href="/static/images/sprite.svg#s-{{ r.chip[2] }}"/></svg>{{ r.chip[0] }}</span></td>'
    '<td role="cell" class="c-holder " data-label="处理人">{{ r.holder or "—" }}</td>'
    '<td role="cell" class="c-changed " data-label="最近变动"><time datetime="{{ r.iso }}" title="{{ r.whole }}">'
    "{{ r.changed }}</time></td></tr>{% endfor %}"
)


class Connection:
    """One open driver connection; SQL with ``:name`` on both databases."""

    def __init__(self, url: str) -> None:
        self.postgres = url.startswith("postgresql")
        if self.postgres:
            self.raw: Any = psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True)
            self.raw.prepare_threshold = 0
        else:
            self.raw = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        self._ready: dict[str, str] = {}

    def all(self, sql: str, **values: Any) -> list[Any]:
        if not self.postgres:
            return self.raw.execute(sql, {k: self.bind(v) for k, v in values.items()}).fetchall()  # type: ignore[no-any-return]
        ready = self._ready.get(sql)
        if ready is None:
            ready = self._ready[sql] = re.sub(r":([a-z]+)", r"%(\1)s", sql)
        return self.raw.execute(ready, values, binary=True).fetchall()  # type: ignore[no-any-return]

    def bind(self, value: Any) -> Any:
        if isinstance(value, uuid.UUID):
            return value.hex
        return value.replace(tzinfo=None).isoformat(" ", "microseconds") if isinstance(value, datetime) else value


def counted(tabs: Iterable[tuple[str, ...]]) -> str:
    """Capped counts as columns of the session's statement."""
    columns = []
    for tab in tabs:
        parts = [
            f"SELECT * FROM (SELECT 1 FROM registration WHERE {where} ORDER BY due_at, id LIMIT {CAP}) AS t"
            for where in tab
        ]
        columns.append(f"(SELECT count(*) FROM ({' UNION ALL '.join(parts)} LIMIT {CAP}) AS u)")
    return ", " + ", ".join(columns)


class ByHand:
    """A WSGI callable with both pages."""

    def __init__(self, app: Flask, me: uuid.UUID, queue: str, case: str) -> None:
        settings = app.extensions["settings"]
        self.main, self.keys, self.me = Connection(settings.database_url), Connection(settings.keystore_url), me
        self.secret = settings.secret_key.encode()
        self.lines = logging.getLogger("by_hand")
        env = jinja2.Environment(autoescape=True)
        self.pages = {"queue": env.from_string(queue), "case": env.from_string(case)}
        with app.app_context():
            self.ring, self._days = ring(), calendar.current()
            self._version = numbers.companion(calendar.VERSION)
        self.sessions = {
            name: SESSION.format(counts=f"{counted(shown)}, {READINGS}")
            for name, shown in (("queue", TABS), ("case", WAITING))
        }  # fmt: skip

    def mac(self, data: bytes) -> bytes:
        return self.ring.macs(LEASE_KEY, data)[0]

    def calendar(self, version: str) -> calendar.WorkCalendar:
        """Kept from the start; the bench changes no calendar."""
        if version != self._version:
            raise RuntimeError("the calendar has changed")
        return self._days

    def close(self) -> None:
        self.main.raw.close()
        self.keys.raw.close()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        token = environ["HTTP_COOKIE"].split("=", 1)[1]
        path, now = environ["PATH_INFO"], datetime.now(UTC)
        name = "queue" if path == "/registrations" else "case"
        who = self.main.all(
            self.sessions[name], hash=hashlib.sha256(token.encode()).digest(), now=now,
            idle=now - timedelta(minutes=30), me=self.me,
        )  # fmt: skip
        if not who or who[0][3] != "reviewer":
            start_response("403 Forbidden", [])
            return [b""]
        csrf = hmac.new(self.secret, b"csrf|" + token.encode(), hashlib.sha256).hexdigest()
        counts = [f"{n:,}" if n < CAP else f"{CAP - 1:,}+" for n in who[0][4:]]
        kept = who[0][2] or {}
        chosen = {**DEFAULTS, **(json.loads(kept) if isinstance(kept, str) else kept)}
        values = self.queue(now) if name == "queue" else by_hand_case.values(self, path.rsplit("/", 1)[1], now)
        body = self.pages[name].render(csrf=csrf, counts=counts, me=who[0][1], chosen=chosen, **values).encode()
        request_id = secrets.token_hex(8)
        self.lines.info("%s %s 200 %s %s", environ["REQUEST_METHOD"], name, request_id, who[0][0])
        lengths = [("Content-Length", str(len(body))), ("X-Request-Id", request_id)]
        start_response("200 OK", [*FIXED_HEADERS, *lengths])
        return [body]

    def queue(self, now: datetime) -> dict[str, Any]:
        rows = self.main.all(ROWS, now=now, me=self.me)[:50]
        opened = self.secrets({row[2] for row in rows})
        return {"rows": [self.row(row, opened, now) for row in rows]}

    def row(self, row: Any, secrets: dict[Any, AESGCM], now: datetime) -> dict[str, Any]:
        due, changed = moment(row[7]), moment(row[11])
        left = int((due - now).total_seconds())
        minutes = abs(left) // 60
        hours, days = minutes // 60 % 24, minutes // 1440
        span = f"{days} 天 {hours} 小时" if days else f"{hours} 小时 {minutes % 60} 分"
        local = changed.astimezone(SHANGHAI)
        return {
            "id": as_uuid(row[0]).hex, "number": row[1], "hospital": row[4], "department": row[5],
            "name": unseal(secrets[row[2]], row[3], "registration.name_sealed", row[0]),
            "province": NAMES.get(row[6], ""), "due": due.astimezone(SHANGHAI).strftime("%m-%d %H:%M"),
            "tone": "late" if left < 0 else "calm", "left": f"超时 {span}" if left < 0 else f"剩余 {span}",
            "round": row[8], "chip": WORDS[row[9]], "holder": row[10], "iso": changed.isoformat(),
            "whole": local.strftime("%Y-%m-%d %H:%M:%S"), "changed": local.strftime("%m-%d %H:%M"),
        }  # fmt: skip

    def secrets(self, ids: set[Any]) -> dict[Any, AESGCM]:
        """Subject keys from the key store, unwrapped: one statement."""
        marks = ",".join(f"'{as_uuid(i).hex}'" for i in ids)
        found: dict[Any, AESGCM] = {}
        for hexed, wrapped in self.keys.all(f"SELECT id, wrapped FROM item_key WHERE id IN ({marks})"):
            key_id = uuid.UUID(hexed)
            wrapper = self.ring.by_id(cipher.key_id_of(wrapped))
            bound = keystore._bound("subject", key_id)
            secret = AESGCM(cipher.decrypt(wrapper.aead, wrapper.id, wrapped, bound))
            found[key_id] = found[key_id.hex] = secret
        return found


def moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def as_uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)


def unseal(secret: AESGCM, blob: bytes, place: str, row_id: Any) -> str:
    return cipher.decrypt(secret, 0, blob, cipher.place_data(place, as_uuid(row_id))).decode()


def slot(expression: str) -> str:
    return "{% endraw %}{{ " + expression + " }}{% raw %}"


def raw(html: str) -> str:
    """The portal's answer as a Jinja2 template that says the same, with the token as a slot."""
    text = re.sub(r'(name="csrf_token"[^>]*? value=")[^"]*', lambda m: m[1] + slot("csrf"), html)
    return "{% raw %}" + frame(text) + "{% endraw %}"


def frame(text: str) -> str:
    """Who is signed in, what he chose, and what the navigation counts, as slots."""
    text = text.replace("样例员工", slot("me")).replace(">样</span>", ">" + slot("me[:1]") + "</span>")
    for name in ("theme", "density", "keys"):
        chosen = slot("chosen['" + name + "']")
        text = re.sub(f'data-{name}="[^"]*"', f'data-{name}="{chosen}"', text, count=1)
    pressed = r'name="(theme|density|keys|lang)" value="(\w+)" aria-pressed="\w+"'
    text = re.sub(pressed, lambda m: f'name="{m[1]}" value="{m[2]}" aria-pressed="{_when(m)}"', text)
    first = r'(title="注册审核)(?: [\d,+]+)?(".*?</a>)'
    text = re.sub(first, lambda m: f"{m[1]} {slot('counts[0]')}" + _count(m[2], "counts[0]"), text, count=1)
    text = re.sub(r'(<dialog class="menu".*?<span>注册审核</span>.*?</a>)', lambda m: _count(m[1], "counts[0]"), text,
                  count=1, flags=re.S)  # fmt: skip
    return re.sub(r"(<span>盲复读</span>)(?:<b>[\d,+]+</b>)?", lambda m: m[1] + READINGS_SLOT, text)


def _when(found: re.Match[str]) -> str:
    return slot(f"'true' if chosen['{found[1]}'] == '{found[2]}' else 'false'")


def _count(html: str, name: str) -> str:
    return re.sub(r"<b>[\d,+]+</b>(?=</a>$)", f"<b>{slot(name)}</b>", html)


READINGS_SLOT = "{% endraw %}{% if counts[-1] != '0' %}<b>{{ counts[-1] }}</b>{% endif %}{% raw %}"


def queue_template(html: str) -> str:
    head, _start, tail = raw(html).partition('<tbody role="rowgroup">')
    _old, end, rest = tail.partition("</tbody>")
    n = iter(range(len(TABS)))
    before, tabs, after = head.partition('<nav class="tabs"')
    after = re.sub(r"<b>[\d,+]+</b>", lambda _m: f"<b>{slot(f'counts[{next(n)}]')}</b>", after, count=len(TABS))
    head = before + tabs + after
    return head + '<tbody role="rowgroup">' + "{% endraw %}" + ROW + "{% raw %}" + end + rest
