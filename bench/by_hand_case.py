"""The case page by hand: what it reads, and how the portal's answer becomes its template.

Whoever writes this page by hand sends the whole of it: frame, navigation with its counts, dialogs, palette, help of
keys. Everything that can differ at the next request is a slot or a condition of the template: who is signed in and
what he chose, the verdicts, ways, reasons and texts of a draft, photos, whether the hospital is known, the lease, the
time left in office hours. What is not there (draft, checks, further cases in hand) is not asked for, as in the portal.
"""

from __future__ import annotations

import html as markup
import json
import re
from base64 import urlsafe_b64encode
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.core import calendar
from app.core.clock import SHANGHAI
from app.registrations.views.timeline import WORDS

if TYPE_CHECKING:
    from bench.by_hand import ByHand

CASE = (
    "SELECT r.id, r.number, r.subject_id, s.id, s.name_sealed, c.id, c.phone_sealed, c.subject_id, s.hospital_text, "
    "s.department_text, s.title, s.position, s.policy_version, s.submitted_at, r.due_at, r.lease_expires_at, r.round, "
    "r.evidence_version, r.lease_nonce, r.hospital_id, r.department_id, r.version, r.lease_staff_id, r.submitted_at, "
    "EXISTS (SELECT 1 FROM recusal x WHERE x.staff_id=:me AND x.customer_id=c.id), "
    "EXISTS (SELECT 1 FROM field_check x WHERE x.registration_id=r.id AND x.round=r.round), "
    "EXISTS (SELECT 1 FROM review_draft x WHERE x.registration_id=r.id AND x.staff_id=:me AND x.round=r.round), "
    "EXISTS (SELECT 1 FROM registration x WHERE x.lease_staff_id=:me AND x.lease_expires_at>:now AND x.id<>r.id), "
    "EXISTS (SELECT 1 FROM photo_reading x JOIN submission_image i ON i.id=x.image_id WHERE i.submission_id=s.id), "
    "EXISTS (SELECT 1 FROM photo_match x JOIN submission_image i ON i.id IN (x.image_id, x.earlier_id) "
    "WHERE i.submission_id=s.id), "
    "EXISTS (SELECT 1 FROM case_pass x WHERE x.registration_id=r.id), "
    "EXISTS (SELECT 1 FROM badge_hold x WHERE x.registration_id=r.id AND x.status IN ('proposed', 'active')) "
    "FROM registration r JOIN submission s ON s.registration_id=r.id AND s.round=r.round "
    "JOIN customer c ON c.id=r.customer_id WHERE r.number=:number AND r.id NOT IN "
    "(SELECT registration_id FROM second_reading WHERE lease_staff_id=:me AND status='waiting')"
)
CHECKS = "SELECT field, verdict, how FROM field_check WHERE registration_id=:id AND round=:round"
EVENTS = (
    "SELECT id, action, at, by_name, by_kind, round, reason_codes, undoes_id, public_sealed, note_sealed "
    "FROM registration_event WHERE registration_id=:id ORDER BY version DESC"
)
PICTURES = (
    "SELECT i.id, i.place, f.size, f.erase_at, f.held_until, f.erased_at FROM submission_image i "
    "JOIN stored_file f ON f.id=i.main_id WHERE i.submission_id=:submission ORDER BY i.place"
)
REASONS = (
    "SELECT code, kind, section, private_text, public_long, second_person FROM review_reason r WHERE active "
    "AND version=(SELECT max(version) FROM review_reason n WHERE n.code=r.code) ORDER BY place"
)
DRAFT = "SELECT id, entered_sealed FROM review_draft WHERE registration_id=:id AND staff_id=:me AND round=:round"
OTHERS = "SELECT number FROM registration WHERE lease_staff_id=:me AND lease_expires_at>:now ORDER BY due_at, id"
SETTINGS = (
    "SELECT key, value FROM business_number "
    "UNION ALL SELECT '', CAST(version AS VARCHAR) FROM calendar_state WHERE id=1"
)


def values(hand: ByHand, number: str, now: datetime) -> dict[str, Any]:
    """Five statements, one to the key store, and one for each companion that is there; numbers and calendar in one."""
    from bench.by_hand import as_uuid, moment, unseal

    row = hand.main.all(CASE, number=number, me=hand.me, now=now)[0]
    case_id, round_, held = as_uuid(row[0]), row[16], moment(row[15])
    if row[22] is None or as_uuid(row[22]) != hand.me or held <= now or row[24] or any(row[28:]):
        raise RuntimeError("the bench opens a case that is in hand, with nothing read, passed on or held beside it")
    secrets = hand.secrets({row[2], row[7]})
    pictures = hand.main.all(PICTURES, submission=as_uuid(row[3]))
    numbers = dict(hand.main.all(SETTINGS))
    phone = unseal(secrets[row[7]], row[6], "customer.phone_sealed", row[5]).removeprefix("+86")
    due, sent = moment(row[14]), moment(row[23])
    events = hand.main.all(EVENTS, id=case_id)
    undone = {event[7] for event in events}
    return {
        "number": row[1],
        "claims": [unseal(secrets[row[2]], row[4], "submission.name_sealed", row[3]), *row[8:12]],
        **entered(hand, row, secrets),
        "others": [n for (n,) in hand.main.all(OTHERS, me=hand.me, now=now) if n != number] if row[27] else [],
        "pictures": [(as_uuid(p[0]), p[1]) for p in pictures if p[5] is None and (not p[3] or moment(p[3]) > now)],
        "phone": f"{phone[:3]}****{phone[-4:]}", "policy": row[12], "submitted": short(moment(row[13])),
        "due": when(due), "left": left(hand, numbers[""], sent, due, now), "lease": when(held),
        "rounds": int(numbers.get("max_rounds", 5)), "evidence": row[17], "round": round_, "version": row[21],
        "token": urlsafe_b64encode(hand.mac(row[18] + hand.me.bytes)).decode().rstrip("="),
        "known": (row[19] is not None, row[20] is not None), "today": now.astimezone(SHANGHAI).date(),
        "until": hand.calendar(numbers[""]).add_working_days(now.astimezone(SHANGHAI).date(), 1),
        "reasons": hand.main.all(REASONS),
        "events": [
            {"title": f"{WORDS_ZH.get(action, action)}{'（已撤销）' if event in undone else ''}",
             "at": when(moment(at)), "who": name or "申请人"}
            for event, action, at, name, *_rest in events
        ],
    }  # fmt: skip


WORDS_ZH = {action: str(word) for action, word in WORDS.items()}


def entered(hand: ByHand, row: Any, secrets: dict[Any, Any]) -> dict[str, Any]:
    """What stands in the form: a draft, else what was checked already."""
    from bench.by_hand import as_uuid, unseal

    case_id, blank = as_uuid(row[0]), {"public": "", "private": "", "marked": ()}
    if row[26]:
        ((draft_id, sealed),) = hand.main.all(DRAFT, id=case_id, me=hand.me, round=row[16])
        kept = json.loads(unseal(secrets[row[2]], sealed, "review_draft.entered_sealed", draft_id))
        texts = {"public": kept["public_text"], "private": kept["private_note"]}
        ways = defaultdict(lambda: ("", ""), kept["ways"])
        return {"said": kept["checks"], "ways": ways, "marked": kept["reasons"], **texts}
    checks = hand.main.all(CHECKS, id=case_id, round=row[16]) if row[25] else ()
    ways = defaultdict(lambda: ("", ""), {c[0]: (c[2], "") for c in checks if c[2]})
    return {**blank, "said": {c[0]: c[1] for c in checks}, "ways": ways}


def short(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def when(at: datetime) -> tuple[str, str, str]:
    local = at.astimezone(SHANGHAI)
    return local.isoformat(timespec="seconds"), local.strftime("%Y-%m-%d %H:%M:%S"), local.strftime("%m-%d %H:%M")


def left(hand: ByHand, version: str, sent: datetime, due: datetime, now: datetime) -> str:
    """In office hours, as the portal says it."""
    rest = calendar.left(hand.calendar(version), sent, due, now)
    minutes = int(abs(rest.seconds if rest else (due - now).total_seconds())) // 60
    return f"{'剩余' if due > now else '超时'} {minutes // 60} 小时 {minutes % 60} 分"


def template(html: str, number: str, claimed: list[str], phone: str) -> str:
    """The portal's answer with loops, conditions and slots where data stands."""
    from bench.by_hand import raw, slot

    text = raw(html).replace(number, slot("number")).replace(phone, slot("phone"))
    for i, value in enumerate(claimed):
        text = text.replace(f"<strong>{markup.escape(value)}</strong>", f"<strong>{slot(f'claims[{i}]')}</strong>")
    text = re.sub(r"还有 [\d,+]+ 件，[\d,+]+ 件", f"还有 {slot('counts[0]')} 件，{slot('counts[1]')} 件", text)
    text = re.sub(r"(?:剩余|超时) [^<]+", slot("left"), text, count=1)
    text = re.sub(r"占用至 [\d :-]+", "占用至 " + slot("lease[2]"), text)
    text = re.sub(r"第 1 轮，共可 \d 轮", f"第 {slot('round')} 轮，共可 {slot('rounds')} 轮", text)
    for pattern, name in FIXED:
        text, found = re.subn(pattern, lambda m, n=name: m[1] + slot(n), text)  # type: ignore[misc]
        if not found:
            raise RuntimeError(f"the case page has no {name}")
    n = iter(range(99))
    text = re.sub(
        r'<label class="reason">.*?</label>', lambda m: _reason(m[0], f"reasons[{next(n)}]"), text, flags=re.S
    )
    text = re.sub(r'name="check_(\w+)" value="(\w+)"(?: checked)?', _radio, text)
    text = re.sub(r'<select class="field" name="how_(\w+)".*?</select>', _ways, text, flags=re.S)
    text = re.sub(r'(name="how_note_(\w+)" value=")', lambda m: m[1] + slot(f"ways['{m[2]}'][1]"), text)
    text = re.sub(r"(data-viewer-stage>).*?(</div>)", lambda m: m[1] + PICTURE + m[2], text, flags=re.S)
    places = iter((0, 1))
    text = re.sub(r'<p class="hint is-late">.*?</p>', lambda m: _known(m[0], next(places)), text, flags=re.S)
    head, start, tail = text.partition('<ol class="timeline"')
    _old, end, rest = tail.partition("</ol>")
    return head + start + ' aria-label="经过">{% endraw %}' + EVENT + "{% raw %}" + end + rest


FIXED = (
    (r'(pulse\?version=)\d+', "version"), (r'(name="lease_token" value=")[^"]*', "token"),
    (r'(name="evidence_version" value=")\d+', "evidence"), (r'(data-today=")[\d-]+', "today"),
    (r'(name="until" value=")[\d-]*', "until"), (r'(data-lease-until=")[^"]*', "lease[0]"),
    (r'(data-public-text>)[^<]*', "public"), (r'(<span data-count>)\d+', "public|length"),
    (r'(<textarea class="field one"[^>]*>)[^<]*', "private"), (r'(<p class="say say--l">证件 )\d+', "pictures|length"),
    (r'(政策 )[^ ]+', "policy"), (r'(·? ?经过 )\d+', "events|length"),
)  # fmt: skip
PICTURE = (
    '{% endraw %}{% for id, place in pictures %}<img src="/registrations/{{ number }}/images/{{ id }}" '
    'alt="证件照片第 {{ place }} 张" decoding="async"{% if not loop.first %} loading="lazy"{% endif %}>'
    "{% endfor %}{% raw %}"
)


def _radio(found: re.Match[str]) -> str:
    from bench.by_hand import slot

    return found[0].removesuffix(" checked") + slot(f"' checked' if said['{found[1]}'] == '{found[2]}' else ''")


def _ways(found: re.Match[str]) -> str:
    from bench.by_hand import slot

    chosen = f"ways['{found[1]}'][0]"
    option = r'<option value="(\w*)"(?: selected)?>'
    return re.sub(
        option,
        lambda m: f'<option value="{m[1]}"' + slot(f"' selected' if {chosen} == '{m[1]}' else ''") + ">",
        found[0],
    )


def _known(html: str, place: int) -> str:
    said = f'{{% if known[{place}] %}}<p class="hint">已在名录中</p>{{% else %}}'
    return "{% endraw %}" + said + "{% raw %}" + html + "{% endraw %}{% endif %}{% raw %}"


def _reason(html: str, name: str) -> str:
    """One reason with its code, kind and two texts as slots."""
    from bench.by_hand import slot

    ticked = slot(f"' checked' if {name}[0] in marked else ''")
    html = re.sub(r'value="[^"]*"', f'value="{slot(name + "[0]")}"' + ticked, html, count=1)
    html = re.sub(r'data-kind="[^"]*"', f'data-kind="{slot(name + "[1]")}"', html, count=1)
    html = re.sub(r'data-public="[^"]*"', f'data-public="{slot(name + "[4]")}"', html, count=1)
    return re.sub(r"<span>[^<]*</span>", f"<span>{slot(name + '[3]')}</span>", html, count=1)


EVENT = (
    '{% for e in events %}<li class="timeline-item is-idle"><span class="timeline-at"><time datetime="{{ e.at[0] }}" '
    'title="{{ e.at[1] }} 北京时间">{{ e.at[2] }}</time></span><span class="timeline-dot" aria-hidden="true"></span>'
    '<div class="timeline-body"><p>{{ e.title }}</p></div><span class="timeline-who">'
    "{{ e.who }}</span></li>{% endfor %}"
)
