"""Roles: what each may, forbidden pairs, nobody raises himself, the last administrator, hand-over."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, StepUpRequired
from app.core.policy import SYSTEM, Permission
from app.dealers.models import Dealer
from app.staff import queries, roles, service
from app.staff.models import AccountState, RoleAssignment, StaffAccount
from app.staff.roles import FORBIDDEN_PAIRS, REVEALING, ROLES, Role
from app.staff.service.handover import HandoverSource, handover
from tests.factories import staff

KEYS = [
    "reviewer",
    "grant_manager",
    "triager",
    "dispatcher",
    "engineer",
    "dealer_user",
    "depot",
    "quality",
    "safety",
    "satisfaction_auditor",
    "privacy_officer",
    "auditor",
    "admin",
]


def fresh(app, *given, **kw):
    """An actor whose sign-in is fresh."""
    from dataclasses import replace

    return replace(staff.member(app, *given, **kw), signed_in_at=clock.now())


@pytest.fixture
def admin(app):
    return fresh(app, "admin")


# -- the table


@pytest.mark.pure
def test_the_keys_are_those_of_the_contract():
    assert [role.value for role in Role] == KEYS
    assert set(ROLES) == set(Role)
    assert all(spec.label and spec.does for spec in ROLES.values())


@pytest.mark.pure
def test_every_permission_belongs_to_a_role_and_a_dispatcher_sees_no_registrations():
    held = frozenset().union(*(spec.permissions | spec.lead for spec in ROLES.values()))
    assert held == set(Permission)
    for role in (Role.DISPATCHER, Role.ENGINEER, Role.DEALER_USER, Role.DEPOT, Role.QUALITY, Role.ADMIN, Role.AUDITOR):
        assert not (ROLES[role].permissions | ROLES[role].lead) & REVEALING


@pytest.mark.pure
def test_the_lead_switch_adds_the_leads_rights():
    plain = roles.permissions_of(Role.REVIEWER, lead=False)
    lead = roles.permissions_of(Role.REVIEWER, lead=True)
    assert lead - plain == {
        Permission.REGISTRATIONS_LEAD,
        Permission.REASONS_MANAGE,
        Permission.REGISTRATIONS_EXPORT,
        Permission.REGISTRATIONS_VIEWS,
        Permission.REGISTRATIONS_LEGAL_HOLD,
    }


@pytest.mark.pure
def test_rights_are_the_union_with_bounds():
    rights = roles.rights_of([("reviewer", ["33"], False), ("triager", None, False), ("grant_manager", ["31"], False)])
    assert rights[Permission.REGISTRATIONS_DECIDE] == {"33"}
    assert rights[Permission.CUSTOMERS_REVEAL] is None
    assert rights[Permission.HOSPITALS_READ] is None
    both = roles.rights_of([("reviewer", ["33"], False), ("grant_manager", ["31"], False)])
    assert both[Permission.HOSPITALS_READ] == {"31", "33"}
    assert Permission.STAFF_READ not in both


# -- forbidden pairs


@pytest.mark.pure
@pytest.mark.parametrize("one, other", list(combinations(Role, 2)))
def test_forbidden_pairs_over_all_pairs(one, other):
    pair = {one, other}
    revealing = any((ROLES[r].permissions | ROLES[r].lead) & REVEALING for r in pair - {Role.ADMIN})
    expected = Role.AUDITOR in pair or Role.DEALER_USER in pair or (Role.ADMIN in pair and revealing)
    assert (frozenset(pair) in FORBIDDEN_PAIRS) is expected
    if expected:
        with pytest.raises(Invalid) as refused:
            roles.refuse_forbidden(pair)
        assert refused.value.code == "forbidden_pair"
    else:
        roles.refuse_forbidden(pair)


def test_a_forbidden_pair_is_refused_on_the_page_in_words(app, work):
    target = staff.member(app, "reviewer")
    client = staff.signed_in(app, "admin")
    fields = {"csrf_token": staff.csrf(client), "role": "auditor", "reach": "country"}
    answer = client.post(f"/staff/{target.id}/roles", data=fields)
    assert answer.status_code == 422
    assert "不能由同一个账号兼任" in answer.text
    with work():
        assert queries.actor_of(target.id).roles == ("reviewer",)


# -- nobody raises himself


def test_nobody_changes_his_own_roles(app, admin, work):
    for act in (
        lambda: service.grant_role(admin, admin.id, "dispatcher"),
        lambda: service.change_role(admin, admin.id, "admin", None, True),
        lambda: service.take_role(admin, admin.id, "admin"),
        lambda: service.disable(admin, admin.id),
        lambda: service.reset_password(admin, admin.id, link=str),
        lambda: service.set_phone(admin, admin.id, "13800000001"),
        lambda: service.reset_second_factor(admin, admin.id),
    ):
        with pytest.raises(Forbidden), work():
            act()


@pytest.mark.parametrize("role", [key for key in KEYS if key != "admin"])
def test_no_other_role_gives_or_takes_roles(app, work, role):
    actor, target = fresh(app, role), staff.member(app, "engineer")
    for act in (
        lambda: service.grant_role(actor, target.id, "depot"),
        lambda: service.take_role(actor, target.id, "engineer"),
        lambda: service.disable(actor, target.id),
        lambda: service.invite(actor, "x@demo.invalid", "样例", link=str),
    ):
        with pytest.raises(Forbidden), work():
            act()


def test_granting_needs_a_sign_in_of_the_last_ten_minutes_7_5_3(app, work, admin):
    target = staff.member(app)
    with clock.advanced(timedelta(minutes=10, seconds=1)), pytest.raises(StepUpRequired), work():
        service.grant_role(admin, target.id, "engineer")
    with clock.advanced(timedelta(minutes=9)), work():
        service.grant_role(admin, target.id, "engineer")


def test_only_the_system_makes_active_accounts(app, work, admin):
    with pytest.raises(Forbidden), work():
        service.create_active(admin, "a@demo.invalid", "样例", staff.PASSWORD)


# -- giving, changing, taking


def test_giving_changing_and_taking_a_role_is_audited(app, work, admin):
    target = staff.member(app)
    with work():
        service.grant_role(admin, target.id, "reviewer", ["33", "31", "33"], True)
    with work():
        held = queries.actor_of(target.id)
        assert held.scope(Permission.REGISTRATIONS_LEAD) == {"31", "33"}
        with pytest.raises(Conflict):
            service.grant_role(admin, target.id, "reviewer")
    with work():
        service.change_role(admin, target.id, "reviewer", None, False)
    with work():
        held = queries.actor_of(target.id)
        assert held.scope(Permission.REGISTRATIONS_DECIDE) is None
        assert not held.may(Permission.REGISTRATIONS_LEAD)
        service.take_role(admin, target.id, "reviewer")
    with work():
        assert queries.actor_of(target.id).rights == {}
        with pytest.raises(NotFound):
            service.take_role(admin, target.id, "reviewer")
        events = db.session.execute(sa.select(AuditEvent.event, AuditEvent.reason_code).order_by(AuditEvent.seq)).all()
    assert [tuple(e) for e in events] == [
        ("staff.role_granted", "reviewer"),
        ("staff.role_changed", "reviewer"),
        ("staff.role_taken", "reviewer"),
    ]


@pytest.mark.parametrize("provinces", [[], [" "]])
def test_an_empty_choice_of_provinces_is_neither_everywhere_nor_nowhere(app, work, admin, provinces):
    target = staff.member(app)
    with pytest.raises(Invalid), work():
        service.grant_role(admin, target.id, "reviewer", provinces)


def test_roles_without_regions_take_no_bounds_and_unknown_keys_are_refused(app, work, admin):
    target = staff.member(app)
    for role, provinces in (("auditor", ["33"]), ("admin", ["33"]), ("root", None), ("", None)):
        with pytest.raises(Invalid), work():
            service.grant_role(admin, target.id, role, provinces)


def test_a_dealers_account_does_a_dealers_work_and_ours_never(app, work, admin):
    with work():
        dealer = Dealer(name="示范经销商")
        db.session.add(dealer)
        db.session.flush()
        dealer_id = dealer.id
    ours, theirs = staff.member(app), staff.member(app, dealer_id=dealer_id)
    for target, role in ((ours, "dealer_user"), (theirs, "engineer")):
        with pytest.raises(Invalid), work():
            service.grant_role(admin, target.id, role)
    with work():
        service.grant_role(admin, theirs.id, "dealer_user")


def test_a_disabled_account_gets_no_role(app, work, admin):
    target = staff.member(app)
    with work():
        service.disable(admin, target.id)
    with pytest.raises(Conflict), work():
        service.grant_role(admin, target.id, "engineer")


# -- the last administrator, hand-over


def test_the_last_administrator_stays(app, work):
    one, two = fresh(app, "admin"), fresh(app, "admin")
    with work():
        service.take_role(one, two.id, "admin")
    with pytest.raises(Conflict) as refused, work():
        service.disable(SYSTEM, one.id)
    assert refused.value.code == "last_admin"
    with pytest.raises(Conflict), work():
        service.take_role(SYSTEM, one.id, "admin")


def test_a_disabled_administrator_does_not_count(app, work):
    one, two = fresh(app, "admin"), fresh(app, "admin")
    with work():
        service.disable(one, two.id)
    with pytest.raises(Conflict), work():
        service.disable(SYSTEM, one.id)


def test_disabling_hands_over_what_was_held(app, work, admin):
    leaver, heir = staff.member(app, "engineer"), staff.member(app, "engineer")
    held = {leaver.id: 3}
    moved = []

    def release(actor, staff_id, heir_id):
        moved.append((actor.id, staff_id, heir_id))
        return held.pop(staff_id, 0)

    handover.add("test", HandoverSource(lambda staff_id: held.get(staff_id, 0), release, "上门任务"))
    try:
        client = staff.client_of(app, admin.id)
        assert "上门任务" in client.get(f"/staff/{leaver.id}").text
        fields = {"csrf_token": staff.csrf(client), "heir": str(heir.id)}
        assert client.post(f"/staff/{leaver.id}/disable", data=fields).status_code == 302
    finally:
        handover._entries.pop("test")
    assert moved == [(admin.id, leaver.id, heir.id)]
    with work():
        row = db.session.get(StaffAccount, leaver.id)
        assert row.state == AccountState.DISABLED
        with pytest.raises(NotFound):
            queries.actor_of(leaver.id)
        with pytest.raises(Conflict):
            service.disable(admin, leaver.id)


def test_the_heir_must_be_an_active_colleague(app, work, admin):
    leaver, gone = staff.member(app), staff.member(app)
    with work():
        service.disable(admin, gone.id)
    for heir_id in (gone.id, leaver.id):
        with pytest.raises(Invalid), work():
            service.disable(admin, leaver.id, heir_id=heir_id)


# -- own phone, names, teams


def test_the_own_phone_is_compared_under_the_customers_index(app, work, admin):
    from app.core import keys

    target = staff.member(app, "reviewer")
    with work():
        service.set_phone(admin, target.id, "138 0000 0007")
    with work():
        expected = keys.mac("index:customer.phone_sealed", b"full|+8613800000007")
        assert queries.actor_of(target.id).phone_index == expected
        sealed = db.session.get(StaffAccount, target.id).phone_sealed
        assert b"13800000007" not in sealed
        service.set_phone(admin, target.id, None)
    with work():
        assert queries.actor_of(target.id).phone_index is None


def test_teams_and_names(app, work):
    one = staff.member(app, ("reviewer", ["33"], False), name="样例甲")
    two = staff.member(app, "reviewer", name="样例乙")
    with work():
        assert [name for _id, name in queries.colleagues(Role.REVIEWER)] == ["样例乙", "样例甲"]
        assert queries.colleagues("reviewer", province="31") == [(two.id, "样例乙")]
        assert queries.names([one.id, None]) == {one.id: "样例甲"}


# -- the command


def test_the_command_prints_a_link_and_refuses_duplicates(app, work):
    runner = app.test_cli_runner()
    args = ["staff", "create", "--email", "First@demo.invalid", "--name", "样例管理员", "--role", "admin"]
    done = runner.invoke(args=args)
    assert done.exit_code == 0, done.output
    assert "/staff/invitation/" in done.output
    again = runner.invoke(args=args)
    assert again.exit_code == 1
    assert "已有账号" in again.output
    pair = ["staff", "create", "--email", "p@demo.invalid", "--name", "样例", "--role", "admin", "--role", "auditor"]
    refused = runner.invoke(args=pair)
    assert refused.exit_code == 1
    assert "兼任" in refused.output
    with work():
        assert db.session.scalars(sa.select(StaffAccount.email)).all() == ["first@demo.invalid"]
        assert db.session.scalars(sa.select(RoleAssignment.role)).all() == ["admin"]
