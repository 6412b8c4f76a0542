"""The disclosure ledger: what of a person's data a dealer was shown, when, for what, on what basis (PIPL 21, 23, 56).

One row per field and view. It names fields, never values: erasing a person leaves the proof whole, and the proof holds
nothing of him. Append-only, and an evidence table: the page that shows the data writes it while it is read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy import event
from sqlalchemy.orm import Mapped

from app.core import triggers
from app.core.columns import DataClass, plain
from app.core.db import Base
from app.core.unit_of_work import declare_evidence
from app.dealers.models import DealerRole
from app.dispatch import ddl

WORK, USAGE = DataClass.WORK, DataClass.USAGE
KEPT_YEARS = 3  # at least (PIPL 56, 网络数据安全管理条例 12): no code of ours deletes a row


class Field(StrEnum):
    """The minimum of C32; nothing else of a person is ever shown to a dealer."""

    CONTACT_NAME = "contact_name"
    CONTACT_PHONE = "contact_phone"
    HOSPITAL = "hospital"
    DEPARTMENT = "department"
    DEVICE = "device"
    FAULT = "fault"


FIELD_LABELS: Mapping[str, Any] = {
    Field.CONTACT_NAME.value: _l("联系人姓名"),
    Field.CONTACT_PHONE.value: _l("联系人电话"),
    Field.HOSPITAL.value: _l("医院"),
    Field.DEPARTMENT.value: _l("科室"),
    Field.DEVICE.value: _l("设备"),
    Field.FAULT.value: _l("故障描述"),
}
PURPOSES: Mapping[str, Any] = {"on_site": _l("上门检查维修"), "collect": _l("上门取件")}
BASES: Mapping[str, Any] = {
    DealerRole.ENTRUSTED.value: _l("委托处理（个保法第 21 条）"),
    DealerRole.INDEPENDENT.value: _l("提供（个保法第 23 条）"),
}


class Disclosure(Base):
    """One field of one view."""

    __tablename__ = "disclosure"
    __table_args__ = (
        sa.Index("ix_disclosure_at", "at", "id"),
        sa.Index("ix_disclosure_province", "province", "at", "id"),
        sa.Index("ix_disclosure_ticket", "ticket_id", "at", "id"),
        sa.Index("ix_disclosure_dealer", "dealer_id", "at", "id"),
    )

    id: Mapped[uuid.UUID] = plain(primary_key=True)
    at: Mapped[datetime] = plain(nullable=False, cls=USAGE)
    ticket_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("ticket.id"), nullable=False)
    dispatch_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("dispatch.id"), nullable=False, index=True)
    province: Mapped[str] = plain(sa.String(2), nullable=False, cls=WORK)  # of the ticket
    dealer_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("dealer.id"), nullable=False)
    dealer_name: Mapped[str] = plain(sa.String(120), nullable=False)
    staff_id: Mapped[uuid.UUID] = plain(nullable=False)
    staff_name: Mapped[str] = plain(sa.String(80), nullable=False, cls=WORK)
    field: Mapped[str] = plain(sa.String(16), nullable=False)
    purpose: Mapped[str] = plain(sa.String(16), nullable=False)
    basis: Mapped[str] = plain(sa.String(16), nullable=False)
    contract_id: Mapped[uuid.UUID] = plain(sa.ForeignKey("dealer_contract.id"), nullable=False, index=True)
    contract_number: Mapped[str] = plain(sa.String(40), nullable=False)
    contract_version: Mapped[int] = plain(nullable=False)


class AppendOnly(RuntimeError):
    """Somebody tried to change or delete what is kept as proof."""


@event.listens_for(Disclosure, "before_update")
@event.listens_for(Disclosure, "before_delete")
def _refuse(_mapper: object, _connection: object, row: Base) -> None:
    raise AppendOnly(f"{row.__tablename__} is append-only")


triggers.attach(Disclosure.__table__, ddl.CREATE, ddl.POSTGRESQL_DROP)
declare_evidence(Disclosure.__tablename__)
