"""The register of contracts: draft, confirm, end. A contract opens something only from its confirmation on.

Confirming asks for all eight elements of PIPL 21, the number of the impact assessment (PIPL 55) and the file.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError

from app.core import audit, clock
from app.core.clock import SHANGHAI
from app.core.db import db
from app.core.errors import Conflict, Invalid, NotFound, TooLarge, UnsupportedMedia
from app.core.files import vault
from app.core.policy import Actor, Permission
from app.dealers.models import (
    ELEMENT_MAX_CHARS,
    NUMBER_MAX_CHARS,
    AtTheEnd,
    DealerContract,
    EndKind,
    SubEntrusting,
)
from app.dealers.service.directory import locked

MANAGE = Permission.DEALERS_MANAGE
FILE_KIND = "dealer_contract"
FILE_MAX_BYTES = 10 * 1024 * 1024
PDF = b"%PDF-"
LATEST_YEAR = 2100
ELEMENTS: Mapping[str, Any] = {
    "purpose": _l("目的"),
    "term": _l("期限"),
    "method": _l("方式"),
    "data_kinds": _l("个人信息种类"),
    "measures": _l("保护措施"),
    "duties": _l("双方权利义务"),
    "supervision": _l("监督方式"),
    "at_the_end": _l("终止后返还或删除"),
}
END_REASONS: Mapping[str, Any] = {
    "agreed": _l("双方同意提前终止"),
    "breach": _l("违反合同"),
    "leak": _l("个人信息安全事件"),
    "no_longer_needed": _l("不再合作"),
}


@dataclass(frozen=True, slots=True)
class ContractData:
    """What a person may say about a contract; days are the first and the last one."""

    number: str
    valid_from: date | None
    valid_until: date | None
    elements: Mapping[str, str] = field(default_factory=dict)
    assessment_id: str = ""
    sub_entrusting: str = SubEntrusting.FORBIDDEN.value
    may_repair: bool = False
    may_collect: bool = False


def add_contract(actor: Actor, dealer_id: uuid.UUID, data: ContractData, file: bytes | None = None) -> DealerContract:
    """A draft. Raises Invalid naming every wrong field, TooLarge, UnsupportedMedia, NotFound."""
    actor.require(MANAGE)
    dealer = locked(dealer_id)
    row = DealerContract(dealer_id=dealer.id, created_at=clock.now(), **_checked(data))
    _keep_file(row, file)
    _save(row)
    audit.record("dealer_contract.added", actor, "dealer_contract", row.id)
    return row


def change_contract(
    actor: Actor, contract_id: uuid.UUID, version: int, data: ContractData, file: bytes | None = None
) -> DealerContract:
    """Correct a draft; what was confirmed is not rewritten, a new contract follows it."""
    row = _of(actor, contract_id)
    if row.confirmed_at is not None:
        raise Conflict(_l("合同已生效，不能改写；请登记新的合同。"), code="contract_confirmed")
    if row.version != version:
        raise Conflict(_l("这份合同刚刚有人改过，您填写的内容还在。"), code="contract_changed")
    for name, value in _checked(data).items():
        setattr(row, name, value)
    _keep_file(row, file)
    row.version += 1
    _save(row)
    audit.record("dealer_contract.changed", actor, "dealer_contract", row.id)
    return row


def confirm_contract(actor: Actor, contract_id: uuid.UUID) -> DealerContract:
    """From now on, within its days, the contract opens access. Raises Invalid naming what is missing."""
    row = _of(actor, contract_id)
    if row.confirmed_at is not None:
        return row
    missing = missing_elements(row)
    if missing:
        raise Invalid(
            _l("合同还不完整，补全后才能生效。"), code="contract_incomplete",
            fields={name: [_l("缺这一项。")] for name in missing},
        )  # fmt: skip
    row.confirmed_at, row.confirmed_by, row.confirmed_name = clock.now(), actor.id, actor.name
    row.version += 1
    db.session.flush()
    audit.record("dealer_contract.confirmed", actor, "dealer_contract", row.id)
    return row


def end_contract(actor: Actor, contract_id: uuid.UUID, kind: EndKind, reason: str) -> DealerContract:
    """Move its end to now. Whoever calls it unschedules what rested on it (`app.dispatch.service.lapse`)."""
    row = _of(actor, contract_id)
    if reason not in END_REASONS:
        raise Invalid(fields={"reason": [_l("请选择原因。")]})
    now = clock.now()
    if row.ended_at is not None or row.ends_at <= now:
        raise Conflict(
            _l("这份合同已经终止。"), who=row.ended_name or None, what="ended", when=row.ended_at or row.ends_at
        )
    row.ends_at = max(now, row.starts_at)
    row.ended_at, row.ended_kind, row.ended_reason = now, kind.value, reason
    row.ended_by, row.ended_name = actor.id, actor.name
    row.version += 1
    db.session.flush()
    audit.record(f"dealer_contract.{kind.value}", actor, "dealer_contract", row.id, reason_code=reason)
    return row


def confirm_deletion(actor: Actor, contract_id: uuid.UUID) -> DealerContract:
    """The dealer has returned or deleted the data; asked for once the contract has ended. Twice is once."""
    row = _of(actor, contract_id)
    if row.ends_at > clock.now():
        raise Conflict(_l("合同还没有终止。"), code="contract_runs")
    if row.deletion_confirmed_at is None:
        row.deletion_confirmed_at = clock.now()
        row.version += 1
        db.session.flush()
        audit.record("dealer_contract.deletion_confirmed", actor, "dealer_contract", row.id)
    return row


def missing_elements(row: DealerContract) -> list[str]:
    """What a contract lacks before it may be confirmed."""
    wanted = (*ELEMENTS, "assessment_id")
    return [*(name for name in wanted if not getattr(row, name)), *([] if row.file_id else ["file"])]


def midnight(day: date) -> datetime:
    """The beginning of a China day, in UTC."""
    return datetime.combine(day, time(), tzinfo=SHANGHAI).astimezone(UTC)


def _of(actor: Actor, contract_id: uuid.UUID) -> DealerContract:
    actor.require(MANAGE)
    query = sa.select(DealerContract).where(DealerContract.id == contract_id).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _checked(data: ContractData) -> dict[str, Any]:
    wrong: dict[str, list[Any]] = {}
    number, first, last = data.number.strip(), data.valid_from, data.valid_until
    if not number:
        wrong["number"] = [_l("请填写编号。")]
    for name, value in (("number", number), ("assessment_id", data.assessment_id)):
        if len(value) > NUMBER_MAX_CHARS:
            wrong[name] = [_l("最多 %(limit)s 个字。", limit=NUMBER_MAX_CHARS)]
    for name, day in (("valid_from", first), ("valid_until", last)):
        if day is None:
            wrong[name] = [_l("请填写日期。")]
        elif day.year > LATEST_YEAR:
            wrong[name] = [_l("日期太远。")]
    if first is not None and last is not None and last < first:
        wrong["valid_until"] = [_l("最后一天不能早于第一天。")]
    texts = {name: data.elements.get(name, "").strip() for name in ELEMENTS}
    for name, value in texts.items():
        if len(value) > ELEMENT_MAX_CHARS:
            wrong[name] = [_l("最多 %(limit)s 个字。", limit=ELEMENT_MAX_CHARS)]
    if texts["at_the_end"] not in {"", *AtTheEnd}:
        wrong["at_the_end"] = [_l("没有这个选项。")]
    if data.sub_entrusting not in set(SubEntrusting):
        wrong["sub_entrusting"] = [_l("没有这个选项。")]
    if wrong or first is None or last is None:
        raise Invalid(fields=wrong)
    return {
        "number": number, "valid_from": first, "valid_until": last, "starts_at": midnight(first),
        "ends_at": midnight(last + timedelta(days=1)), "assessment_id": data.assessment_id.strip(),
        "sub_entrusting": data.sub_entrusting, "may_repair": data.may_repair, "may_collect": data.may_collect, **texts,
    }  # fmt: skip


def _keep_file(row: DealerContract, data: bytes | None) -> None:
    """A PDF by its content, kept sealed; a draft's former file goes."""
    if not data:
        return
    if len(data) > FILE_MAX_BYTES:
        raise TooLarge()
    if not data.startswith(PDF):
        raise UnsupportedMedia(_l("合同文件须为 PDF。"))
    row.file_id = vault.put_sealed(FILE_KIND, data, "application/pdf").id


def _save(row: DealerContract) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(row)
            db.session.flush()
    except IntegrityError as error:
        raise Invalid(fields={"number": [_l("这个合同编号已经登记。")]}) from error
