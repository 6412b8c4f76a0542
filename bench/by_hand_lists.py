"""The ticket lists by hand: one statement for session and counts, one for the rows, drawn by a compiled template.

Open queue, a page behind row N/2, a hospital with a status, a word of the report. Words are found as the portal finds
them, by token and rechecked in the opened text of the latest 200, with the rows' columns read in the same statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.core import calendar
from app.core.clock import SHANGHAI
from app.core.sealed_search import CANDIDATES, TOKEN_BYTES, rechecked
from app.core.search import bigrams
from app.tickets.models import NEVER
from app.tickets.models.ticket import fault_tokens
from app.tickets.words import CHIPS, PRIORITY_CHIPS
from app.tickets.workflow import ENDED, OPEN
from bench.by_hand import CAP, NAMES, as_uuid, moment, raw, slot, unseal

if TYPE_CHECKING:
    from bench.by_hand_tickets import TicketsByHand

STATUS = {status: (str(chip.word), chip.tone, chip.shape) for status, chip in CHIPS.items()}
PRIORITY = {key: (str(chip.word), chip.tone, chip.shape) for key, chip in PRIORITY_CHIPS.items()}
OPEN_WORDS, ENDED_WORDS = sorted(map(str, OPEN)), sorted(map(str, ENDED))
COUNTED: tuple[tuple[str, ...], ...] = (
    ("status='submitted'", "status='triaging'"),
    ("status='triaging' AND triager_id=:me", "status='need_info' AND triager_id=:me"),
    tuple(f"status='{s}' AND due_at<:now" for s in OPEN_WORDS),
    tuple(f"status='{s}'" for s in ("need_info", "wait_quote", "resolved")),
    tuple(f"status='{s}'" for s in OPEN_WORDS),
)
FIELDS = (
    "t.id, t.number, h.name, t.device_model, t.serial_number, t.priority, t.status, t.due_at, "
    "coalesce(nullif(t.assignee_name,''), nullif(t.triager_name,'')), t.province, t.opened_at, "
    "(SELECT version FROM calendar_state WHERE id=1), "
    "(SELECT CAST(around_the_clock AS VARCHAR) FROM sla_policy WHERE valid_from<=:now ORDER BY version DESC LIMIT 1)"
)
JOINED = "ticket t JOIN hospital h ON h.id=t.hospital_id"


def _union(statuses: Iterable[str], more: str, order: str) -> str:
    """The first 51 of each status by its index, the first 51 of those with their columns."""
    parts = " UNION ALL ".join(
        f"SELECT * FROM (SELECT id FROM ticket WHERE status='{s}'{more} ORDER BY {order} LIMIT 51) AS p{n}"
        for n, s in enumerate(statuses)
    )
    ordered = ", ".join("t." + part.strip() for part in order.split(","))
    return f"SELECT {FIELDS} FROM {JOINED} WHERE t.id IN (SELECT id FROM ({parts}) AS u) ORDER BY {ordered} LIMIT 51"


SQL = {
    "queue": _union(OPEN_WORDS, "", "due_at, id"),
    "deep": _union(ENDED_WORDS, " AND (opened_at, id)<(:at, :id)", "opened_at DESC, id DESC"),
    "filter": f"SELECT {FIELDS} FROM {JOINED} WHERE t.hospital_id IN (SELECT id FROM hospital WHERE name_key LIKE "
    ":like AND active AND merged_into IS NULL) AND t.status='closed' ORDER BY t.opened_at DESC, t.id DESC LIMIT 51",
    "word": f"SELECT {FIELDS}, t.subject_id, t.fault_sealed FROM (SELECT ref_id FROM sealed_token WHERE token=:token "
    f"ORDER BY ref_id DESC LIMIT {CANDIDATES}) AS s JOIN ticket t ON t.id=s.ref_id "
    "JOIN hospital h ON h.id=t.hospital_id ORDER BY t.opened_at DESC, t.id DESC",
}


def counts() -> str:
    """What tabs and navigation count, capped, as columns of the session's statement."""
    columns = []
    for tab in (*COUNTED, ("status='submitted'",)):
        parts = [
            f"SELECT * FROM (SELECT 1 FROM ticket WHERE {where} ORDER BY due_at, id LIMIT {CAP}) AS t" for where in tab
        ]
        columns.append(f"(SELECT count(*) FROM ({' UNION ALL '.join(parts)} LIMIT {CAP}) AS u)")
    return ", " + ", ".join(columns)


def rows(hand: TicketsByHand, name: str, now: datetime) -> list[Any]:
    """At most 51 rows of the list, as read."""
    args: dict[str, Any] = hand.asked[name]
    if "word" not in args:
        return hand.main.all(SQL[name], now=now, **args)
    (gram,) = bigrams(args["word"])
    found = hand.main.all(
        SQL["word"], now=now, token=hand.ring.macs(fault_tokens.purpose, gram.encode())[0][:TOKEN_BYTES]
    )
    secrets = hand.secrets({row[-2] for row in found})
    place = "ticket.fault_sealed"
    said = ((row, unseal(secrets[row[-2]], row[-1], place, row[0]) if row[-1] else "") for row in found)
    return [row for row, text in said if rechecked(f"{text}\n{row[3]}", args["word"])][:51]


def values(hand: TicketsByHand, name: str, now: datetime) -> dict[str, Any]:
    found = rows(hand, name, now)
    days = hand.calendar(str(found[0][11])) if found else None
    return {"rows": [_row(row, days, now) for row in found[:50]]}


def _row(row: Any, days: Any, now: datetime) -> dict[str, Any]:
    due, opened = moment(row[7]), moment(row[10])
    local = opened.astimezone(SHANGHAI)
    shown = {
        "id": as_uuid(row[0]).hex, "number": row[1], "hospital": row[2], "device": f"{row[3]} · {row[4]}",
        "priority": PRIORITY[row[5] or ""], "status": STATUS[row[6]], "holder": row[8], "province": NAMES[row[9]],
        "iso": opened.isoformat(), "whole": local.strftime("%Y-%m-%d %H:%M:%S"), "at": local.strftime("%m-%d %H:%M"),
        "due": due.astimezone(SHANGHAI).strftime("%m-%d %H:%M") if due < NEVER else None, "left": None,
    }  # fmt: skip
    if shown["due"] and row[6] not in ENDED:
        every_hour = row[5] and f'"{row[5]}"' in (row[12] or "")
        rest = None if every_hour else calendar.left(days, opened, due, now)
        minutes = int(abs(rest.seconds if rest else (due - now).total_seconds())) // 60
        late = due < now
        span = f"{minutes // 60} 小时" if minutes >= 600 else f"{minutes // 60} 小时 {minutes % 60} 分"
        shown |= {"left": f"{'超时' if late else '剩余'} {span}", "tone": "late" if late else "calm"}
        shown["share"] = f"{48 * rest.share:.1f}" if rest and not late else None
    return shown


CHIP = (
    '<span class="chip chip--{{{{ r.{0}[1] }}}}"><svg viewBox="0 0 8 8" aria-hidden="true">'
    '<use href="/static/images/sprite.svg#s-{{{{ r.{0}[2] }}}}"/></svg>{{{{ r.{0}[0] }}}}</span>'
)
FUSE = (
    '{% if r.share %}<svg class="fuse is-calm" width="48" height="4" viewBox="0 0 48 4" preserveAspectRatio="none" '
    'aria-hidden="true" focusable="false"><rect width="48" height="4" rx="2"/>'
    '<rect class="v" width="{{ r.share }}" height="4" rx="2"/></svg>{% endif %}'
)
ROW = (
    '{% for r in rows %}<tr role="row" data-row data-id="{{ r.id }}" data-href="/tickets/{{ r.number }}" '
    'data-drawer="/tickets/{{ r.number }}/drawer"><td role="cell" class="tick"><input class="box" type="checkbox" '
    'name="id" value="{{ r.id }}" form="bulk" aria-label="{{ r.number }}"></td>'
    '<td role="cell" class="c-number  rowlink" data-label="编号">'
    '<a href="/tickets/{{ r.number }}">{{ r.number }}</a></td>'
    '<td role="cell" class="c-hospital " data-label="医院">{{ r.hospital }}</td>'
    '<td role="cell" class="c-device " data-label="设备">{{ r.device }}</td>'
    '<td role="cell" class="c-priority " data-label="优先级">' + CHIP.format("priority") + "</td>"
    '<td role="cell" class="c-status " data-label="状态">' + CHIP.format("status") + "</td>"
    '<td role="cell" class="c-due " data-label="截止">{% if r.due is none %}<span class="s">—</span>'
    '{% elif r.left is none %}<span class="due"><time>{{ r.due }}</time></span>{% else %}'
    '<span class="due due--{{ r.tone }}"><time>{{ r.due }}</time> <span class="left is-{{ r.tone }}">{{ r.left }}'
    + FUSE
    + "</span></span>{% endif %}</td>"
    '<td role="cell" class="c-holder " data-label="处理人">{% if r.holder %}{{ r.holder }}{% else %}'
    '<span class="s">—</span>{% endif %}</td>'
    '<td role="cell" class="c-province " data-label="省份">{{ r.province }}</td>'
    '<td role="cell" class="c-opened " data-label="报修"><time datetime="{{ r.iso }}" title="{{ r.whole }}">{{ r.at }}'
    "</time></td></tr>{% endfor %}"
)


def template(html: str) -> str:
    """The portal's answer with the rows as a loop and the counts of tabs and navigation as slots."""
    head, _start, tail = raw(html).partition('<tbody role="rowgroup">')
    _old, end, rest = tail.partition("</tbody>")
    before, tabs, after = head.partition('<nav class="tabs"')
    n = iter(range(len(COUNTED)))
    after = re.sub(
        r"<b>[\d,+]+</b>", lambda _m: f"<b>{slot(f'counts[{next(n)}]')}</b>", after, count=len(COUNTED)
    )  # fmt: skip
    return navigation(before) + tabs + after + '<tbody role="rowgroup">{% endraw %}' + ROW + "{% raw %}" + end + rest


def navigation(html: str) -> str:
    """What the frame counts beside 工单."""
    shown: Callable[[re.Match[str]], str] = lambda m: m[1] + f"<b>{slot('counts[-1]')}</b>"
    return re.sub(r"(<span>工单</span>)<b>[\d,+]+</b>", shown, html)
