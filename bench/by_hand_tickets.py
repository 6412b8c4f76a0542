"""The pages of tickets by hand: lists (`by_hand_lists`), one ticket, and one transition, with the portal's own duties.

Session, rights and token are checked, the counts of the frame made, the same values decrypted. A claim locks the row,
compares the version, appends history, log, clock and audit row (hash chain, sealed address) in one transaction. On the
ticket's page what depends on the status alone (acts of the head, the next step) is a constant of this status.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import jinja2
from flask import Flask

from app.core import calendar
from app.core.audit import chain
from app.core.db import new_id
from app.tickets.timeline import WORDS
from app.tickets.triage import FAULT_CLASSES
from bench import by_hand_lists
from bench.by_hand import CAP as COUNT_CAP
from bench.by_hand import DEFAULTS, FIXED_HEADERS, NAMES, SESSION, ByHand, as_uuid, moment, raw, slot, unseal
from bench.by_hand_case import left, when

TICKET = (
    "SELECT t.id, t.number, t.subject_id, t.fault_sealed, t.status, t.version, t.opened_at, t.due_at, t.priority, "
    "t.device_model, t.serial_number, t.fault_class, t.province, h.name, d.id, c.id, c.subject_id, c.phone_sealed, "
    "c.name_sealed, (SELECT min(due_at) FROM sla_clock k WHERE k.ticket_id=t.id AND k.cycle=t.cycle AND "
    "k.stopped_at IS NULL), (SELECT version FROM calendar_state WHERE id=1), "
    "(SELECT count(*) FROM wechat_identity w WHERE w.customer_id=c.id), t.customer_id, i.number, x.id "
    "FROM ticket t JOIN hospital h ON h.id=t.hospital_id LEFT JOIN device d ON d.id=t.device_id "
    "LEFT JOIN customer c ON c.id=t.customer_id LEFT JOIN ticket i ON i.id=t.merged_into_id "
    "LEFT JOIN ticket_contact x ON x.ticket_id=t.id WHERE t.number=:number"
)
EVENTS = (
    "SELECT id, at, action, by_kind, by_name, text_sealed, note_sealed FROM ticket_event WHERE ticket_id=:id "
    "ORDER BY version DESC LIMIT 200"
)
MESSAGES = (
    "SELECT id, at, direction, by_kind, by_name, text_sealed FROM ticket_message WHERE ticket_id=:id "
    "ORDER BY at DESC, id DESC LIMIT 200"
)
FILES = (
    "SELECT f.id, f.kind, s.media_type, s.erase_at, s.erased_at FROM ticket_file f JOIN stored_file s "
    "ON s.id=f.file_id WHERE f.ticket_id=:id ORDER BY f.at, f.kind, f.place, f.id"
)
CLAIM = (
    "UPDATE ticket SET status='triaging', version=version+1, triager_id=:me, triager_name=:name, touched_at=:now, "
    "changed_at=:now, wakes_at=:idle, due_at=:due WHERE id=:id AND version=:version AND status='submitted'"
)
SAID = {"from_customer": ("用户来信", "in"), "to_customer": ("发给用户", "out"), "internal": ("内部备注", "note")}


class TicketsByHand(ByHand):
    """A WSGI callable with the lists, one ticket's page, and the post that claims a report.

    ``asked`` holds what a list was asked for: its own name is the address's last part.
    """

    def __init__(self, app: Flask, me: uuid.UUID, pages: dict[str, str], asked: dict[str, dict[str, Any]]) -> None:
        super().__init__(app, me, "", "")
        self.app = app
        env = jinja2.Environment(autoescape=True)
        self.pages = {name: env.from_string(text) for name, text in pages.items()}
        self.asked = asked
        waiting = f", (SELECT count(*) FROM (SELECT 1 FROM ticket WHERE status='submitted' LIMIT {COUNT_CAP}) AS t)"
        self.sessions = {"list": SESSION.format(counts=by_hand_lists.counts()), "one": SESSION.format(counts=waiting)}

    def calendar(self, version: str) -> calendar.WorkCalendar:
        return self._days

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        token = environ["HTTP_COOKIE"].split("=", 1)[1]
        path, now = environ["PATH_INFO"], datetime.now(UTC)
        *_rest, last = path.split("/")
        who = self.main.all(
            self.sessions["list" if last in self.asked else "one"], now=now, me=self.me,
            hash=hashlib.sha256(token.encode()).digest(), idle=now - timedelta(minutes=30),
        )  # fmt: skip
        if not who or who[0][3] != "triager":
            start_response("403 Forbidden", [])
            return [b""]
        csrf = hmac.new(self.secret, b"csrf|" + token.encode(), hashlib.sha256).hexdigest()
        if environ["REQUEST_METHOD"] == "POST":
            form = parse_qs(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
            if not hmac.compare_digest(form["csrf_token"][0], csrf):
                start_response("403 Forbidden", [])
                return [b""]
            number = path.split("/")[2]
            self.claim(number, int(form["version"][0]), who[0][1], now)
            start_response("303 See Other", [("Location", f"/tickets/{number}/triage"), *FIXED_HEADERS])
            return [b""]
        counts = [f"{n:,}" if n < COUNT_CAP else f"{COUNT_CAP - 1:,}+" for n in who[0][4:]]
        kept = who[0][2] or {}
        chosen = {**DEFAULTS, **(json.loads(kept) if isinstance(kept, str) else kept)}
        name = last if last in self.asked else "ticket"
        values = by_hand_lists.values(self, name, now) if last in self.asked else self.ticket(last, now)
        body = self.pages[name].render(csrf=csrf, counts=counts, me=who[0][1], chosen=chosen, **values).encode()
        self.lines.info("GET %s 200 %s %s", name, secrets.token_hex(8), who[0][0])
        start_response("200 OK", [*FIXED_HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def csrf(self, cookie: str) -> str:
        token = cookie.split("=", 1)[1]
        return hmac.new(self.secret, b"csrf|" + token.encode(), hashlib.sha256).hexdigest()

    def ticket(self, number: str, now: datetime) -> dict[str, Any]:
        """Four statements and one to the key store."""
        row = self.main.all(TICKET, number=number)[0]
        ticket_id = as_uuid(row[0])
        opened = self.secrets({row[2], row[16]})
        phone = unseal(opened[row[16]], row[17], "customer.phone_sealed", row[15]).removeprefix("+86")
        due, running, began = moment(row[7]), moment(row[19]), moment(row[6])
        said = [self.step(e, opened[row[2]]) for e in self.main.all(EVENTS, id=ticket_id)]
        said += [self.said(m, opened[row[2]]) for m in self.main.all(MESSAGES, id=ticket_id)]
        files = self.main.all(FILES, id=ticket_id)
        return {
            "number": row[1], "fault": unseal(opened[row[2]], row[3], "ticket.fault_sealed", row[0]),
            "status": by_hand_lists.STATUS[row[4]], "priority": by_hand_lists.PRIORITY[row[8] or ""],
            "model": row[9], "serial": row[10], "hospital": row[13], "province": NAMES[row[12]],
            "phone": f"{phone[:3]}****{phone[-4:]}", "customer": as_uuid(row[15]), "device": as_uuid(row[14]),
            "due": when(due), "left": left(self, str(row[20]), began, running, now), "opened": when(began)[1],
            "class_": str(FAULT_CLASSES.get(row[11], row[11])), "pictures": [f for f in files if f[1] == "photo"],
            "files": files, "items": sorted(said, key=lambda item: item["sort"], reverse=True),
        }  # fmt: skip

    def step(self, row: Any, secret: Any) -> dict[str, Any]:
        return {
            "sort": moment(row[1]), "at": when(moment(row[1])), "kind": "step", "title": str(WORDS.get(row[2], row[2])),
            "who": row[4] or ("用户" if row[3] == "customer" else "系统"),
            "tone": "done" if row[2] == "finish_triage" else "idle",
            "text": unseal(secret, row[5], "ticket_event.text_sealed", row[0]) if row[5] else None,
            "note": unseal(secret, row[6], "ticket_event.note_sealed", row[0]) if row[6] else None,
        }  # fmt: skip

    def said(self, row: Any, secret: Any) -> dict[str, Any]:
        title, kind = SAID[row[2]]
        return {
            "sort": moment(row[1]), "at": when(moment(row[1])), "kind": kind, "title": title, "tone": "idle",
            "who": row[4] or "用户", "text": unseal(secret, row[5], "ticket_message.text_sealed", row[0]), "note": None,
        }  # fmt: skip

    def claim(self, number: str, version: int, name: str, now: datetime) -> None:
        """The transition in one transaction."""
        postgres, run = self.main.postgres, self.main.raw.execute
        run("BEGIN" if postgres else "BEGIN IMMEDIATE")
        lock = " FOR UPDATE" if postgres else ""
        found = self.main.all(
            f"SELECT id, subject_id, status, version, cycle, wakes_at FROM ticket WHERE number=:number{lock}",
            number=number,
        )  # fmt: skip
        row = found[0]
        ticket_id = as_uuid(row[0])
        log = self.main.all("SELECT seq, act, metric, at FROM sla_event WHERE ticket_id=:id ORDER BY seq", id=ticket_id)
        clocks = self.main.all(
            "SELECT id, metric, started_at, due_at, budget_seconds, stopped_at FROM sla_clock WHERE ticket_id=:id "
            "AND cycle=1", id=ticket_id,
        )  # fmt: skip
        rest = [moment(c[3]) for c in clocks if c[1] != "first_touch" and c[5] is None]
        self.main.all(CLAIM + " RETURNING 1", me=self.me, name=name, now=now, idle=now + timedelta(minutes=30),
                      due=min(rest), id=ticket_id, version=version)  # fmt: skip
        self.main.all(
            "INSERT INTO ticket_event (id, ticket_id, version, action, status_from, status_to, by_kind, by_id, by_name,"
            " at, reason, subject_id) VALUES (:new, :id, :version, 'claim_ticket', 'submitted', 'triaging', 'staff', "
            ":me, :name, :now, '', :subject) RETURNING 1",
            new=new_id(), id=ticket_id, version=version + 1, me=self.me, name=name, now=now, subject=as_uuid(row[1]),
        )  # fmt: skip
        touch = next(c for c in clocks if c[1] == "first_touch")
        used = self._days.working_time_between(moment(touch[2]), now)
        late = used.total_seconds() > touch[4]
        self.main.all(
            "INSERT INTO sla_event (id, ticket_id, cycle, seq, act, metric, pause, reason, stops, by_id, by_name, at, "
            "subject_id) VALUES (:new, :id, 1, :seq, 'stop', 'first_touch', '', '', '[]', :me, :name, :now, :subject) "
            "RETURNING 1", new=new_id(), id=ticket_id, seq=len(log) + 1, me=self.me, name=name, now=now,
            subject=as_uuid(row[1]),
        )  # fmt: skip
        self.main.all(
            "UPDATE sla_clock SET stopped_at=:now, used_seconds=:used, outcome=:outcome WHERE id=:id RETURNING 1",
            now=now, used=int(used.total_seconds()), outcome="late" if late else "in_time", id=as_uuid(touch[0]),
        )  # fmt: skip
        self.main.all(
            "DELETE FROM escalation WHERE clock_id=:id AND fired_at IS NULL RETURNING 1", id=as_uuid(touch[0])
        )
        self.audit(ticket_id, name, now)
        run("COMMIT")

    def audit(self, ticket_id: uuid.UUID, name: str, now: datetime) -> None:
        """The chain's next row and its sealed address, as the portal hashes and seals them."""
        if self.main.postgres:
            self.main.all("SELECT pg_advisory_xact_lock(:lock)", lock=chain.LOCK)
        head = self.main.all(
            "SELECT chain, seq, row_hash, recorded_at FROM audit_event ORDER BY chain DESC, seq DESC LIMIT 1"
        )
        last = chain.Head(head[0][0], head[0][1], head[0][2], moment(head[0][3])) if head else None
        event = {
            "at": now, "actor_kind": "staff", "actor_id": self.me, "actor_name": name, "session_hash": None,
            "event": "ticket.claimed", "object_type": "ticket", "object_id": str(ticket_id), "reason_code": None,
            "fields": [], "result": "ok", "request_id": secrets.token_hex(8), "note": {"address": "127.0.0.1"},
        }  # fmt: skip
        with self.app.app_context():
            rows, notes = chain._rows(last, [event])
        for table, values in (("audit_event", rows[0]), ("audit_note", notes[0])):
            names = {re.sub("_", "", key): key for key in values}  # a marker holds letters alone
            marks = ", ".join(f":{mark}" for mark in names)
            given = {mark: json.dumps(values[key]) if key == "fields" else values[key] for mark, key in names.items()}
            self.main.all(
                f"INSERT INTO {table} ({', '.join(names.values())}) VALUES ({marks}) RETURNING 1", **given
            )  # fmt: skip


def ticket_template(html: str, known: dict[str, str]) -> str:
    """The portal's answer with slots where ``known`` data stand, and the conversation as a loop."""
    text = by_hand_lists.navigation(raw(html))
    text = re.sub(r"chip chip--\w+(\"><svg width.*?#s-)\w+(\"/></svg>)[^<]+(</span>)", _chips(), text, count=2)
    text = re.sub(r"(?:剩余|超时) [^<]+", slot("left"), text, count=1)
    for name, value in sorted(known.items(), key=lambda pair: -len(pair[1])):
        if value not in text:
            raise RuntimeError(f"the ticket's page does not show {name}")
        text = text.replace(value, slot(name))
    head, start, tail = text.partition('<ol class="tk-said"')
    opening, _old, rest = tail.partition(">")
    _items, end, rest = rest.partition("</ol>")
    return head + start + opening + ">{% endraw %}" + ITEM + "{% raw %}" + end + rest


def _chips() -> Callable[[re.Match[str]], str]:
    names = iter(("status", "priority"))

    def draw(found: re.Match[str]) -> str:
        name = next(names)
        return (
            "chip chip--"
            + slot(f"{name}[1]")
            + found[1]
            + slot(f"{name}[2]")
            + found[2]
            + slot(f"{name}[0]")
            + found[3]
        )

    return draw


ITEM = (
    '{% for i in items %}\n<li class="tk-item tk-item--{{ i.kind }} is-{{ i.tone }}"><p class="tk-when">'
    '<time datetime="{{ i.at[0] }}" title="{{ i.at[1] }} 北京时间">{{ i.at[2] }}</time> <b>{{ i.title }}</b> '
    '<span class="second">{{ i.who }}</span>\n</p>{% if i.text %}<p class="tk-text" lang="zh-CN">{{ i.text }}</p>'
    '{% endif %}{% if i.note %}<p class="tk-text tk-text--note" lang="zh-CN"><span class="sr">内部备注</span>'
    "{{ i.note }}</p>{% endif %}</li>{% endfor %}"
)
