"""The case page by hand: what it reads, and how the portal's answer becomes its template."""

from __future__ import annotations

import html as markup
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from app.core.clock import SHANGHAI

if TYPE_CHECKING:
    from bench.by_hand import ByHand

CASE = (
    "SELECT r.id, r.number, r.subject_id, s.id, s.name_sealed, c.id, c.phone_sealed, c.subject_id, s.hospital_text, "
    "s.department_text, s.title, s.position, s.policy_version, s.submitted_at, r.due_at, r.lease_expires_at, r.round, "
    "r.evidence_version, r.lease_nonce, r.hospital_id, r.department_id, s.round, "
    "EXISTS (SELECT 1 FROM recusal x WHERE x.staff_id=:me AND x.customer_id=c.id), "
    "EXISTS (SELECT 1 FROM photo_reading x JOIN submission_image i ON i.id=x.image_id WHERE i.submission_id=s.id), "
    "EXISTS (SELECT 1 FROM photo_match x JOIN submission_image i ON i.id IN (x.image_id, x.earlier_id) "
    "WHERE i.submission_id=s.id), "
    "EXISTS (SELECT 1 FROM case_pass x WHERE x.registration_id=r.id), "
    "EXISTS (SELECT 1 FROM badge_hold x WHERE x.registration_id=r.id AND x.status IN ('proposed', 'active')) "
    "FROM registration r JOIN submission s ON s.registration_id=r.id AND s.round=r.round "
    "JOIN customer c ON c.id=r.customer_id WHERE r.number=:number"
)
CHECKS = "SELECT field, verdict, how FROM field_check WHERE registration_id=:id AND round=:round"
EVENTS = (
    "SELECT id, action, at, by_name, by_kind, round, reason_codes, undoes_id FROM registration_event "
    "WHERE registration_id=:id ORDER BY version DESC"
)
PICTURES = (
    "SELECT i.id, i.place, f.size, f.erase_at, f.erased_at FROM submission_image i "
    "JOIN stored_file f ON f.id=i.main_id WHERE i.submission_id=:submission ORDER BY i.place"
)
REASONS = (
    "SELECT code, kind, section, private_text, public_long, second_person FROM review_reason r WHERE active "
    "AND version=(SELECT max(version) FROM review_reason n WHERE n.code=r.code) ORDER BY place"
)
DRAFT = "SELECT entered_sealed FROM review_draft WHERE registration_id=:id AND staff_id=:me AND round=:round"
OTHERS = "SELECT number FROM registration WHERE lease_staff_id=:me AND lease_expires_at>:now ORDER BY due_at, id"
SETTINGS = (
    "SELECT key, value FROM business_number "
    "UNION ALL SELECT '', CAST(version AS VARCHAR) FROM calendar_state WHERE id=1"
)


def values(hand: ByHand, number: str, now: datetime) -> dict[str, Any]:
    """Eight statements and one to the key store; numbers and calendar version in one."""
    from bench.by_hand import as_uuid, moment, unseal

    row = hand.main.all(CASE, number=number, me=hand.me)[0]
    case_id, round_ = as_uuid(row[0]), row[16]
    secrets = hand.secrets({row[2], row[7]})
    said = {field: verdict for field, verdict, _how in hand.main.all(CHECKS, id=case_id, round=round_)}
    pictures = hand.main.all(PICTURES, submission=as_uuid(row[3]))
    draft = hand.main.all(DRAFT, id=case_id, me=hand.me, round=round_)
    numbers = dict(hand.main.all(SETTINGS))
    others = [n for (n,) in hand.main.all(OTHERS, me=hand.me, now=now) if n != number]
    phone = unseal(secrets[row[7]], row[6], "customer.phone_sealed", row[5]).removeprefix("+86")
    due = moment(row[14])
    return {
        "number": row[1],
        "claims": [unseal(secrets[row[2]], row[4], "submission.name_sealed", row[3]), *row[8:12]],
        "said": said, "pictures": pictures, "draft": draft, "others": others,
        "phone": f"{phone[:3]}****{phone[-4:]}", "policy": row[12], "submitted": short(moment(row[13])),
        "due": when(due), "left": left(due - now), "lease": when(moment(row[15])),
        "rounds": int(numbers.get("max_rounds", 5)), "evidence": row[17], "round": round_,
        "reasons": hand.main.all(REASONS),
        "events": [
            {"title": action, "at": when(moment(at)), "who": name or "申请人"}
            for _id, action, at, name, *_rest in hand.main.all(EVENTS, id=case_id)
        ],
    }  # fmt: skip


def short(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")


def when(at: datetime) -> tuple[str, str, str]:
    local = at.astimezone(SHANGHAI)
    return local.isoformat(timespec="seconds"), local.strftime("%Y-%m-%d %H:%M:%S"), local.strftime("%m-%d %H:%M")


def left(rest: timedelta) -> str:
    minutes = int(abs(rest.total_seconds())) // 60
    return f"{'剩余' if rest > timedelta() else '超时'} {minutes // 60} 小时 {minutes % 60} 分"


def template(html: str, number: str, claimed: list[str], phone: str) -> str:
    """The portal's answer with loops and slots where data stands."""
    from bench.by_hand import raw, slot

    text = raw(html).replace(number, slot("number")).replace(phone, slot("phone"))
    for i, value in enumerate(claimed):
        text = text.replace(f"<strong>{markup.escape(value)}</strong>", f"<strong>{slot(f'claims[{i}]')}</strong>")
    text = re.sub(r"还有 [\d,+]+ 件，[\d,+]+ 件", f"还有 {slot('counts[0]')} 件，{slot('counts[1]')} 件", text)
    text = re.sub(r"(?:剩余|超时) [^<]+", slot("left"), text, count=1)
    text = re.sub(r"占用至 [\d :-]+", "占用至 " + slot("lease[2]"), text)
    text = re.sub(r"第 1 轮，共可 \d 轮", f"第 {slot('round')} 轮，共可 {slot('rounds')} 轮", text)
    n = iter(range(99))
    text = re.sub(
        r'<label class="reason">.*?</label>', lambda m: _reason(m[0], f"reasons[{next(n)}]"), text, flags=re.S
    )
    head, start, tail = text.partition('<ol class="timeline"')
    _old, end, rest = tail.partition("</ol>")
    return head + start + ' aria-label="经过">{% endraw %}' + EVENT + "{% raw %}" + end + rest


def _reason(html: str, name: str) -> str:
    """One reason with its code, kind and two texts as slots."""
    from bench.by_hand import slot

    html = re.sub(r'value="[^"]*"', f'value="{slot(name + "[0]")}"', html, count=1)
    html = re.sub(r'data-kind="[^"]*"', f'data-kind="{slot(name + "[1]")}"', html, count=1)
    html = re.sub(r'data-public="[^"]*"', f'data-public="{slot(name + "[4]")}"', html, count=1)
    return re.sub(r"<span>[^<]*</span>", f"<span>{slot(name + '[3]')}</span>", html, count=1)


EVENT = (
    '{% for e in events %}<li class="timeline-item is-idle"><span class="timeline-at"><time datetime="{{ e.at[0] }}" '
    'title="{{ e.at[1] }} 北京时间">{{ e.at[2] }}</time></span><span class="timeline-dot" aria-hidden="true"></span>'
    '<div class="timeline-body"><p>{{ e.title }}</p></div><span class="timeline-who">'
    "{{ e.who }}</span></li>{% endfor %}"
)
