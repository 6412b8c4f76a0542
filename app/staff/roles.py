"""Roles: lists of permissions in one table, and the pairs that nobody may hold together (decisions.md 19)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid
from app.core.policy import Permission as P


class Role(StrEnum):
    """The keys of product.md; they are stored and must not be renamed."""

    REVIEWER = "reviewer"
    GRANT_MANAGER = "grant_manager"
    TRIAGER = "triager"
    DISPATCHER = "dispatcher"
    ENGINEER = "engineer"
    DEALER_USER = "dealer_user"
    DEPOT = "depot"
    QUALITY = "quality"
    SAFETY = "safety"
    SATISFACTION_AUDITOR = "satisfaction_auditor"
    PRIVACY_OFFICER = "privacy_officer"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """What a role is called, what it does, and what it may; ``lead`` is added by the lead switch of an assignment."""

    label: Any
    does: Any
    permissions: frozenset[P]
    lead: frozenset[P] = frozenset()
    bounded: bool = True  # whether provinces make sense for it


def _spec(label: Any, does: Any, *may: P, lead: Iterable[P] = (), bounded: bool = True) -> RoleSpec:
    return RoleSpec(label, does, frozenset(may), frozenset(lead), bounded)


ROLES: Mapping[Role, RoleSpec] = MappingProxyType(
    {
        Role.REVIEWER: _spec(
            _l("审核员"),
            _l("依据证件照片审核注册；不处理本人手机号的申请。"),
            P.REGISTRATIONS_READ,
            P.REGISTRATIONS_DECIDE,
            P.REGISTRATIONS_PROOF,
            P.HOSPITALS_READ,
            lead=(
                P.REGISTRATIONS_LEAD,
                P.REASONS_MANAGE,
                P.REGISTRATIONS_EXPORT,
                P.REGISTRATIONS_VIEWS,
                P.REGISTRATIONS_LEGAL_HOLD,
            ),
        ),
        Role.GRANT_MANAGER: _spec(
            _l("权限管理员"),
            _l("提出和批准高级权限；不批准自己提出的。"),
            P.GRANTS_READ,
            P.GRANTS_PROPOSE,
            P.GRANTS_DECIDE,
            P.GRANTS_REVIEW,
            P.TICKETS_VIEW_AS,
            P.CUSTOMERS_READ,
            P.CUSTOMERS_NAME,
            P.HOSPITALS_READ,
            lead=(P.GRANTS_LEAD,),
        ),
        Role.TRIAGER: _spec(
            _l("客服受理"),
            _l("受理和分类工单，与用户联系。"),
            P.TICKETS_READ,
            P.TICKETS_TRIAGE,
            P.DEVICES_READ,
            P.DEVICES_MANAGE,
            P.CUSTOMERS_READ,
            P.CUSTOMERS_NAME,
            P.CUSTOMERS_REVEAL,
            P.CUSTOMERS_SESSIONS,
            P.HOSPITALS_READ,
            lead=(P.TICKETS_LEAD, P.TICKETS_REPORT, P.TICKETS_EXPORT, P.CUSTOMERS_FREEZE, P.CUSTOMERS_EXPORT),
        ),
        Role.DISPATCHER: _spec(
            _l("调度员"),
            _l("为工程师和经销商排班派工；看不到证件和姓名。"),
            P.TICKETS_READ,
            P.TICKETS_DISPATCH,
            P.ENGINEERS_READ,
            P.DEALERS_READ,
            P.DEVICES_READ,
            P.HOSPITALS_READ,
            lead=(
                P.TICKETS_LEAD,
                P.TICKETS_REPORT,
                P.TICKETS_EXPORT,
                P.ENGINEERS_MANAGE,
                P.DISCLOSURES_READ,
                P.DISCLOSURES_EXPORT,
            ),
        ),
        Role.ENGINEER: _spec(_l("工程师"), _l("接受并完成自己的上门任务。"), P.VISITS_DO, P.SATISFACTION_OWN),
        Role.DEALER_USER: _spec(_l("经销商用户"), _l("只办理本经销商的上门任务。"), P.VISITS_DO, bounded=False),
        Role.DEPOT: _spec(_l("返厂维修"), _l("返厂接收、维修和报价。"), P.DEPOT_READ, P.DEPOT_WORK, P.DEVICES_READ),
        Role.QUALITY: _spec(
            _l("放行"), _l("维修后检验放行；与维修不能是同一人。"), P.DEPOT_READ, P.DEPOT_RELEASE, P.DEVICES_READ
        ),
        Role.SAFETY: _spec(
            _l("不良事件"),
            _l("处理保密的安全事件及其法定时限。"),
            P.TICKETS_READ,
            P.SAFETY_WORK,
            P.DEVICES_READ,
            P.CUSTOMERS_READ,
            P.CUSTOMERS_NAME,
            P.CUSTOMERS_REVEAL,
            P.HOSPITALS_READ,
        ),
        Role.SATISFACTION_AUDITOR: _spec(
            _l("满意度审核"),
            _l("审核评价并回访；不能改动分数。"),
            P.SATISFACTION_READ,
            P.SATISFACTION_AUDIT,
            P.SATISFACTION_REPORT,
            P.TICKETS_READ,
            P.CUSTOMERS_READ,
            P.CUSTOMERS_REVEAL,
            P.HOSPITALS_READ,
            lead=(P.SATISFACTION_MANAGE,),
        ),
        Role.PRIVACY_OFFICER: _spec(
            _l("个人信息保护专员"),
            _l("处理个人权利请求、同意、保存期限和对外提供。"),
            P.GRANTS_READ,
            P.TICKETS_VIEW_AS,
            P.CUSTOMERS_READ,
            P.CUSTOMERS_NAME,
            P.CUSTOMERS_REVEAL,
            P.REGISTRATIONS_VIEWS,
            P.REGISTRATIONS_PROOF,
            P.REGISTRATIONS_LEGAL_HOLD,
            P.CUSTOMERS_SESSIONS,
            P.CUSTOMERS_FREEZE,
            P.CUSTOMERS_EXPORT,
            P.NOTIFICATIONS_READ,
            P.SETTINGS_READ,
            P.POLICY_PUBLISH,
            P.DEALERS_READ,
            P.DISCLOSURES_READ,
            P.DISCLOSURES_EXPORT,
            bounded=False,
        ),
        Role.AUDITOR: _spec(
            _l("审计员"),
            _l("查阅审计日志；不能兼任其他角色。"),
            P.AUDIT_READ,
            P.AUDIT_EXPORT,
            P.REGISTRATIONS_VIEWS,
            P.REGISTRATIONS_PROOF,
            bounded=False,
        ),
        Role.ADMIN: _spec(
            _l("系统管理员"),
            _l("管理员工账号、角色、医院、经销商和设置；看不到用户的个人信息。"),
            P.STAFF_READ,
            P.STAFF_MANAGE,
            P.ROLES_GRANT,
            P.HOSPITALS_READ,
            P.HOSPITALS_MANAGE,
            P.DEVICES_READ,
            P.DEVICES_MANAGE,
            P.SETTINGS_READ,
            P.SETTINGS_MANAGE,
            P.POLICY_PUBLISH,
            P.NOTIFICATIONS_READ,
            P.NOTIFICATIONS_RETRY,
            P.PROMISES_MANAGE,
            P.TICKETS_REPORT,
            P.ENGINEERS_READ,
            P.ENGINEERS_MANAGE,
            P.DEALERS_READ,
            P.DEALERS_MANAGE,
            P.STYLE_READ,
            bounded=False,
        ),
    }
)

# Permissions that show a customer's data unmasked: whoever runs the accounts must not hold one (decisions.md 19).
REVEALING = frozenset(
    {
        P.REGISTRATIONS_READ,
        P.REGISTRATIONS_DECIDE,
        P.REGISTRATIONS_LEAD,
        P.REGISTRATIONS_EXPORT,
        P.CUSTOMERS_NAME,
        P.CUSTOMERS_REVEAL,
    }
)
Bounds = frozenset[str] | None  # provinces; None is everywhere


def _forbidden_pairs() -> frozenset[frozenset[Role]]:
    alone = (Role.AUDITOR, Role.DEALER_USER)
    found = {frozenset((role, other)) for role in alone for other in Role if other is not role}
    revealing = [r for r, spec in ROLES.items() if (spec.permissions | spec.lead) & REVEALING]
    return frozenset(found | {frozenset((Role.ADMIN, role)) for role in revealing})


FORBIDDEN_PAIRS = _forbidden_pairs()


def refuse_forbidden(roles: Iterable[Role | str]) -> None:
    """Raise Invalid when two of ``roles`` may not be held by one account."""
    for one, other in combinations(sorted({Role(r) for r in roles}), 2):
        if frozenset((one, other)) in FORBIDDEN_PAIRS:
            message = _l("“%(one)s”与“%(other)s”不能由同一个账号兼任。", one=ROLES[one].label, other=ROLES[other].label)
            raise Invalid(message, code="forbidden_pair", fields={"role": [message]})


def role_of(key: str) -> Role:
    """The role of a stored or typed key. Raises Invalid."""
    try:
        return Role(key)
    except ValueError as error:
        message = _l("没有这个角色。")
        raise Invalid(message, code="role_unknown", fields={"role": [message]}) from error


def permissions_of(role: Role, *, lead: bool) -> frozenset[P]:
    spec = ROLES[role]
    return spec.permissions | spec.lead if lead else spec.permissions


def rights_of(assignments: Iterable[tuple[str, Iterable[str] | None, bool]]) -> Mapping[P, Bounds]:
    """The union of (role, provinces, lead): an unbounded assignment wins over a bounded one, bounds add up."""
    rights: dict[P, Bounds] = {}
    for key, provinces, lead in assignments:
        bounds: Bounds = None if provinces is None else frozenset(provinces)
        for permission in permissions_of(Role(key), lead=lead):
            held = rights.get(permission, frozenset())
            rights[permission] = None if held is None or bounds is None else held | bounds
    return MappingProxyType(rights)
