"""The only writer of the ledger and of policy versions. Withdrawing is a new row, the past stays (PIPL 15)."""

from __future__ import annotations

import hashlib
import unicodedata
import uuid
from datetime import date
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.consents import queries
from app.consents.models import ConsentEntry, PolicyVersion, Purpose
from app.core import audit, clock
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid
from app.core.policy import Actor, Permission

POLICIES = Path(__file__).parent / "policies"
FIRST_FILE = POLICIES / "1-zh.txt"
FIRST_UPDATED, FIRST_EFFECTIVE = date(2022, 7, 1), date(2022, 3, 1)  # as the document itself says
TEXT_MAX_BYTES = 256 * 1024
EVIDENCE_MAX_KEYS = 10
EVIDENCE_MAX_CHARS = 200


class ConsentRequired(Forbidden):
    """Processing rests on a consent that is not there; ``facts`` name purpose, why and the version to show."""

    code = "consent_required"
    message = _l("需要您先同意最新的隐私政策。")


def digest(text: str) -> str:
    """sha256 of the UTF-8 text, hex: what the ledger keeps of a wording."""
    return hashlib.sha256(text.encode()).hexdigest()


def seed() -> int:
    """Publish version 1 from the repository's copy of the document; the number of versions added. Idempotent."""
    if db.session.scalar(sa.select(PolicyVersion.id).where(PolicyVersion.no == 1)) is not None:
        return 0
    _add(1, FIRST_FILE.read_text(encoding="utf-8"), FIRST_UPDATED, FIRST_EFFECTIVE, material=True, note="")
    return 1


def publish_version(
    actor: Actor,
    text: str,
    *,
    updated_on: date,
    effective_on: date,
    material: bool,
    change_note: str,
    newest_seen: int | None = None,
) -> PolicyVersion:
    """The next version, in force at once. After a material one every consent is asked for again.

    ``newest_seen`` is the version that the publisher had before himself. Raises Forbidden, Invalid for an empty text
    or one that nobody changed, Conflict when somebody published meanwhile.
    """
    if actor.kind != "system" and not actor.may(Permission.POLICY_PUBLISH):
        raise Forbidden()
    if not text.strip():
        raise Invalid(fields={"text": [_l("政策正文不能为空。")]})
    newest = db.session.scalar(sa.select(PolicyVersion).order_by(PolicyVersion.no.desc()).limit(1))
    no = (newest.no if newest else 0) + 1
    if newest_seen is not None and newest_seen != no - 1:
        raise Conflict(_l("刚刚有人发布了第 %(no)s 版，请先阅读再决定。", no=no - 1), code="policy_published")
    if newest_seen is not None and newest is not None and newest.text_hash == digest(text):
        raise Invalid(fields={"text": [_l("正文与现行版本完全相同。")]}, code="policy_unchanged")
    try:
        with db.session.begin_nested():
            row = _add(no, text, updated_on, effective_on, material=material, note=change_note)
    except IntegrityError as error:
        raise Conflict() from error
    audit.record("policy_version.published", actor, "policy_version", row.id, fields=("no", "material"))
    return row


def text_of(pasted: str, file: IO[bytes] | None) -> str:
    """The policy's text, pasted or from a file; line ends unified. Raises Invalid: both, no UTF-8, too long, binary."""
    data = file.read(TEXT_MAX_BYTES + 1) if file is not None else b""
    if data and pasted.strip():
        raise Invalid(fields={"file": [_l("正文或文件，请只给一个。")]})
    try:
        text = data.decode("utf-8-sig") if data else pasted
    except UnicodeDecodeError as error:
        raise Invalid(fields={"file": [_l("文件不是 UTF-8 编码的文本。")]}) from error
    if len(text.encode()) > TEXT_MAX_BYTES:
        raise Invalid(fields={"file" if data else "text": [_l("正文过长，最多 256 KiB。")]})
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip() + "\n"
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text):
        raise Invalid(fields={"file" if data else "text": [_l("正文里有不能显示的控制字符。")]})
    return text


def _add(no: int, text: str, updated_on: date, effective_on: date, *, material: bool, note: str) -> PolicyVersion:
    row = PolicyVersion(
        no=no,
        updated_on=updated_on,
        effective_on=effective_on,
        text=text,
        text_hash=digest(text),
        material=material,
        change_note=note,
        published_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    return row


def give(
    actor: Actor,
    subject_id: uuid.UUID,
    purpose: Purpose,
    *,
    policy_version: int,
    channel: str,
    wording: str = "",
    evidence: dict[str, Any] | None = None,
) -> ConsentEntry:
    """Record a consent to the wording shown (default: the policy's text).

    Raises Invalid when ``policy_version`` is not a published one or a material newer one exists: nobody can agree to
    less than what is in force.
    """
    shown = queries.find_version(policy_version)
    if shown is None:
        raise Invalid(fields={"policy_version": [_l("没有这个版本的隐私政策。")]})
    newest = queries.current_version()
    if shown.no < newest.no and _material_since(shown.no):
        raise Invalid(
            fields={"policy_version": [_l("隐私政策已有新版本，请阅读第 %(no)s 版后再同意。", no=newest.no)]},
            code="policy_outdated",
        )
    wording_hash = digest(wording) if wording else shown.text_hash
    return _append(actor, subject_id, purpose, shown.no, True, channel, wording_hash, evidence)


def withdraw(
    actor: Actor, subject_id: uuid.UUID, purpose: Purpose, *, channel: str, evidence: dict[str, Any] | None = None
) -> ConsentEntry | None:
    """Record a withdrawal; None when nothing was given. Withdrawing twice adds nothing."""
    last = queries.current(subject_id, purpose)
    if last is None or not last.given:
        return last
    return _append(actor, subject_id, purpose, last.policy_version, False, channel, last.wording_hash, evidence)


def require(subject_id: uuid.UUID, purpose: Purpose) -> None:
    """Raise ConsentRequired unless a consent to ``purpose`` is in force."""
    why = queries.missing(subject_id, purpose)
    if why is not None:
        raise ConsentRequired(purpose=purpose.value, why=why, policy_version=queries.current_version().no)


def _material_since(no: int) -> bool:
    newer = sa.select(PolicyVersion.no).where(
        PolicyVersion.no > no, PolicyVersion.material.is_(True), queries.published()
    )
    return bool(db.session.scalar(sa.select(newer.exists())))


def _append(
    actor: Actor,
    subject_id: uuid.UUID,
    purpose: Purpose,
    version: int,
    given: bool,
    channel: str,
    wording_hash: str,
    evidence: dict[str, Any] | None,
) -> ConsentEntry:
    if actor.kind == "anonymous":
        raise Forbidden()
    last = queries.current(subject_id, purpose)
    row = ConsentEntry(
        subject_id=subject_id,
        purpose=purpose.value,
        seq=(last.seq if last else 0) + 1,
        policy_version=version,
        given=given,
        channel=channel,
        wording_hash=wording_hash,
        at=clock.now(),
        evidence=_evidence(evidence or {}),
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except IntegrityError as error:
        raise Conflict() from error
    event = "consent.given" if given else "consent.withdrawn"
    audit.record(event, actor, "consent_entry", row.id, reason_code=purpose.value)
    return row


def _evidence(values: dict[str, Any]) -> dict[str, str]:
    """Small and flat: request id, contact's wording version and the like; never a name or a number of a person."""
    kept = list(values.items())[:EVIDENCE_MAX_KEYS]
    return {str(key)[:40]: str(value)[:EVIDENCE_MAX_CHARS] for key, value in kept}
