"""The privacy policy in force, and what the person agrees to or withdraws."""

from __future__ import annotations

from app.api.v1.blueprint import bp
from app.api.v1.operations import operation
from app.api.v1.schemas import ConsentOut, ConsentRequest, PolicyOut
from app.consents import queries, service
from app.consents.models import ConsentEntry, Purpose
from app.core.errors import NotFound
from app.core.policy import current_actor, customer, public
from app.customers import queries as customers

CHANNEL = "mini_program"


@bp.get("/policy")
@public("the privacy policy must be readable before anybody agrees to it")
@operation("The privacy policy in force", answers={200: PolicyOut}, problems={404: ("not_found",)})
def current_policy() -> PolicyOut:
    row = queries.current_version()
    return PolicyOut(
        version=row.no,
        updated_on=row.updated_on,
        effective_on=row.effective_on,
        material=row.material,
        change_note=row.change_note,
        text=row.text,
        text_sha256=row.text_hash,
    )


@bp.post("/consents")
@customer()
@operation(
    "Agree to a purpose, or decline it", body=ConsentRequest, answers={201: ConsentOut},
    problems={404: ("not_found",), 422: ("policy_outdated",)},
)  # fmt: skip
def record_consent(body: ConsentRequest) -> object:
    actor = current_actor()
    subject = customers.me(actor, lock=True).subject_id
    if not body.given:
        return 201, _out(service.withdraw(actor, subject, body.purpose, channel=CHANNEL))
    entry = service.give(actor, subject, body.purpose, policy_version=body.policy_version, channel=CHANNEL)
    return 201, _out(entry)


@bp.post("/consents/<string:purpose>/withdraw")
@customer()
@operation("Withdraw a consent", answers={200: ConsentOut}, problems={404: ("not_found",)})
def withdraw_consent(purpose: str) -> ConsentOut:
    if purpose not in tuple(Purpose):
        raise NotFound()
    actor = current_actor()
    return _out(service.withdraw(actor, customers.me(actor, lock=True).subject_id, Purpose(purpose), channel=CHANNEL))


def _out(entry: ConsentEntry | None) -> ConsentOut:
    """404 where nothing was ever given: there is nothing to withdraw."""
    if entry is None:
        raise NotFound()
    return ConsentOut(purpose=entry.purpose, policy_version=entry.policy_version, given=entry.given, at=entry.at)
