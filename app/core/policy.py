"""Policy: who may do what, and the mark that every endpoint carries.

Permissions are named ``resource:action`` in one enum, each with a sentence. Roles are lists of them.
Every registered view function carries a `Mark`; `check_marks` refuses to let the app start when one is missing. Reads
take the `Actor`: outside its scope is 404, lacking the permission is 403.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from flask import g

from app.core import clock
from app.core.errors import Forbidden, NotFound, StepUpRequired, Unauthenticated

if TYPE_CHECKING:
    from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])
STEP_UP_AGE = timedelta(minutes=10)
ATTRIBUTE = "__policy__"


class Permission(StrEnum):
    """Every right in the portal. Read, write, decide, export and grant are separate rights."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Permission:
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    __hash__ = str.__hash__  # as equal as strings; the enum's own hash is Python, and rights are asked for all the time

    REGISTRATIONS_READ = "registrations:read", "See the queue of registrations and their history, names included."
    REGISTRATIONS_DECIDE = "registrations:decide", "Claim a registration, open its badge and decide on it."
    REGISTRATIONS_LEAD = "registrations:lead", "Pick any case, release another person's claim, suspend, revoke."
    REGISTRATIONS_VIEWS = "registrations:views", "See who opened the photos of a registration, when and why; no photo."
    REGISTRATIONS_PROOF = "registrations:proof", "See what was checked and when the photos were destroyed; no names."
    REGISTRATIONS_LEGAL_HOLD = "registrations:legal_hold", "Propose, approve or end a legal hold on photos; two people."
    REGISTRATIONS_EXPORT = "registrations:export", "Export the queue of registrations."
    REASONS_MANAGE = "reasons:manage", "Edit the catalogue of review reasons."
    CUSTOMERS_READ = "customers:read", "See customers with masked personal data."
    CUSTOMERS_NAME = "customers:name", "See customers' names in full; everybody else sees the surname and two stars."
    CUSTOMERS_REVEAL = "customers:reveal", "Reveal a masked value with a reason; logged."
    CUSTOMERS_SESSIONS = "customers:sessions", "End a customer's sign-ins on the mini program, with a reason."
    CUSTOMERS_FREEZE = "customers:freeze", "Freeze a customer's account and release it again, with a reason."
    CUSTOMERS_EXPORT = "customers:export", "Export the list of customers, masked and without names."
    GRANTS_READ = "grants:read", "See department grants, their basis and their use."
    GRANTS_PROPOSE = "grants:propose", "Propose a department grant or its renewal."
    GRANTS_DECIDE = "grants:decide", "Approve, refuse, confirm again or revoke a grant; never what one proposed."
    GRANTS_REVIEW = "grants:review", "Decide items of a grant review; never on one's own grants."
    GRANTS_LEAD = "grants:lead", "Open grant reviews and change the rules of grants."
    TICKETS_VIEW_AS = "tickets:view-as", "See which tickets a customer sees, without contents; logged."
    HOSPITALS_READ = "hospitals:read", "See hospitals and departments."
    HOSPITALS_MANAGE = "hospitals:manage", "Create, edit and merge hospitals and departments, and map unknown names."
    STAFF_READ = "staff:read", "See staff accounts, roles and sessions."
    STAFF_MANAGE = "staff:manage", "Invite and disable staff, end their sessions."
    ROLES_GRANT = "roles:grant", "Give and take roles; needs a fresh sign-in, never for oneself."
    NOTIFICATIONS_READ = "notifications:read", "See outgoing messages and their delivery state, recipients masked."
    NOTIFICATIONS_RETRY = "notifications:retry", "Send a failed message again or give it up."
    AUDIT_READ = "audit:read", "Read and verify the audit log."
    AUDIT_EXPORT = "audit:export", "Export the audit log."
    SETTINGS_READ = "settings:read", "See business numbers, the calendar and policy versions."
    SETTINGS_MANAGE = "settings:manage", "Change business numbers within their floor and ceiling, and the calendar."
    TICKETS_READ = "tickets:read", "See tickets, their device and history; contacts masked."
    TICKETS_REPORT = "tickets:report", "See figures of the tickets of one's regions; no ticket and no person."
    TICKETS_EXPORT = "tickets:export", "Export lists of tickets, without contacts."
    TICKETS_TRIAGE = (
        "tickets:triage",
        "Take reports, claim, question, triage, merge and reject tickets, talk to the customer.",
    )
    TICKETS_LEAD = (
        "tickets:lead",
        "What a triage lead decides: P1 rejections, mergers across hospitals, cancelling, reopening.",
    )
    TICKETS_DISPATCH = "tickets:dispatch", "Offer tickets to engineers and dealers, recall offers, move visits."
    ENGINEERS_READ = "engineers:read", "See engineers: territory, skills, shifts, absences and how busy they are."
    ENGINEERS_MANAGE = "engineers:manage", "Keep engineers' territory, certificates, shifts and absences; import them."
    DEALERS_READ = "dealers:read", "See dealers, their users and their contracts."
    DEALERS_MANAGE = (
        "dealers:manage",
        "Keep dealers and the register of contracts; end or revoke a contract; import them.",
    )
    DISCLOSURES_READ = "disclosures:read", "See what dealers were shown of whom, and what they have yet to delete."
    DISCLOSURES_EXPORT = "disclosures:export", "Export the disclosure ledger; it names fields and holds no values."
    DEVICES_READ = "devices:read", "See the device register: serials, places, warranty and contract."
    DEVICES_MANAGE = "devices:manage", "Add, correct and retire devices of the register."
    VISITS_DO = "visits:do", "Accept and carry out one's own visits; an engineer's or a dealer's right."
    DEPOT_READ = "depot:read", "See what the depot has to do and a device's repair, without the contact."
    DEPOT_WORK = "depot:work", "Receive, repair and quote devices in the depot."
    DEPOT_RELEASE = "depot:release", "Test and release repaired devices; never one's own repair."
    SAFETY_WORK = "safety:work", "Open, decide and report adverse events; set and clear the hold on their tickets."
    PROMISES_MANAGE = "promises:manage", "Publish new versions of the service times."
    SATISFACTION_READ = "satisfaction:read", "See single ratings, except those about oneself."
    SATISFACTION_AUDIT = "satisfaction:audit", "Audit ratings, decide complaints, run follow-ups; never change a score."
    SATISFACTION_MANAGE = "satisfaction:manage", "Propose and approve lists of harm words; see agreement of auditors."
    SATISFACTION_OWN = "satisfaction:own", "See sums of the ratings of one's own work, five raters or more."
    SATISFACTION_REPORT = "satisfaction:report", "See the report on satisfaction; nothing below five raters."
    POLICY_PUBLISH = "policy:publish", "Publish a new version of the privacy policy."
    STYLE_READ = "style:read", "See the page of tokens, chips and components."


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. Plain values, made once per request from the session row; safe to keep after the transaction."""

    kind: Literal["staff", "customer", "system", "anonymous"]
    id: uuid.UUID | None = None
    name: str = ""
    # permission -> provinces it is bounded to; None means everywhere
    rights: Mapping[Permission, frozenset[str] | None] = field(default_factory=lambda: MappingProxyType({}))
    roles: tuple[str, ...] = ()
    session_id: uuid.UUID | None = None
    signed_in_at: datetime | None = None  # last time the password was given, for step-up
    phone_index: bytes | None = None  # blind index of the staff member's own phone: nobody decides on himself
    preferences: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def may(self, permission: Permission) -> bool:
        return permission in self.rights

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the actor holds ``permission`` somewhere."""
        if permission not in self.rights:
            raise Unauthenticated() if self.kind == "anonymous" else Forbidden()

    def scope(self, permission: Permission) -> frozenset[str] | None:
        """Provinces within which the permission holds; None = everywhere. Raises Forbidden without the permission."""
        self.require(permission)
        return self.rights[permission]

    def require_step_up(self) -> None:
        """Raise StepUpRequired unless the password was given within the last ten minutes."""
        if self.signed_in_at is None or clock.now() - self.signed_in_at > STEP_UP_AGE:
            raise StepUpRequired()


ANONYMOUS = Actor("anonymous")
# Jobs, commands and demo data: every right everywhere, but no person behind it
SYSTEM = Actor("system", name="system", rights=MappingProxyType(dict.fromkeys(Permission)))


@dataclass(frozen=True, slots=True)
class Mark:
    """The policy of one endpoint."""

    kind: Literal["permission", "signed_in", "customer", "public"]
    permission: Permission | None = None
    why: str = ""
    evidence: bool = False  # a GET that may append to evidence tables
    step_up: bool = False
    hidden: bool = False  # whoever lacks the right gets 404: that there is anything is confidential

    def check(self, actor: Actor) -> None:
        """Raise unless ``actor`` may call the endpoint."""
        if self.kind == "public":
            return
        if actor.kind == "anonymous":
            raise Unauthenticated()
        if self.hidden and self.permission is not None and not actor.may(self.permission):
            raise NotFound()
        if (self.kind == "customer") != (actor.kind == "customer"):
            raise Forbidden()
        if self.permission is not None:
            actor.require(self.permission)
        if self.step_up:
            actor.require_step_up()


def permit(
    permission: Permission, *, evidence: bool = False, step_up: bool = False, hidden: bool = False
) -> Callable[[View], View]:
    """Staff holding ``permission``; ``hidden`` from all others, as if it were not there."""
    return _mark(Mark("permission", permission, evidence=evidence, step_up=step_up, hidden=hidden))


def signed_in(*, evidence: bool = False, step_up: bool = False) -> Callable[[View], View]:
    """Any signed-in staff member."""
    return _mark(Mark("signed_in", evidence=evidence, step_up=step_up))


def customer(*, evidence: bool = False) -> Callable[[View], View]:
    """A customer of the mini program with a live bearer token."""
    return _mark(Mark("customer", evidence=evidence))


def public(why: str, *, evidence: bool = False) -> Callable[[View], View]:
    """Anybody; ``why`` says the reason."""
    if not why:
        raise ValueError("a public endpoint says why")
    return _mark(Mark("public", why=why, evidence=evidence))


def _mark(mark: Mark) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        setattr(view, ATTRIBUTE, mark)
        return view

    return decorate


class PolicyGap(RuntimeError):
    """An endpoint without a policy mark; the app does not start."""


def mark_of(app: Flask, endpoint: str | None) -> Mark | None:
    return getattr(app.view_functions.get(endpoint or ""), ATTRIBUTE, None)


def check_marks(app: Flask) -> None:
    """Boot check: every endpoint of the URL map carries a mark on its *registered* function."""
    gaps = sorted({rule.endpoint for rule in app.url_map.iter_rules() if mark_of(app, rule.endpoint) is None})
    if gaps:
        raise PolicyGap(f"endpoints without a policy mark: {', '.join(gaps)}")


def current_actor() -> Actor:
    """The actor of the running request; anonymous until the session or token was read."""
    return g.get("actor", ANONYMOUS)
