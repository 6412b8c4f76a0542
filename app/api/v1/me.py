"""The person's own data: see, correct, take away, ask about."""

from __future__ import annotations

from flask import Response

from app.api.v1 import views
from app.api.v1.blueprint import bp
from app.api.v1.operations import operation
from app.api.v1.schemas import ExportOut, MeOut, MePatch, PrivacyRequestIn, PrivacyRequestOut, PrivacyRequestsOut
from app.core import audit, clock
from app.core.policy import Actor, current_actor, customer
from app.customers import queries, service
from app.customers.export import everything
from app.customers.models import RightsKind, RightsRequest


@bp.get("/me")
@customer()
@operation("The account and what is known about the person", answers={200: MeOut})
def me() -> MeOut:
    return _me(current_actor())


@bp.patch("/me")
@customer()
@operation("Change the gender, or take it back", body=MePatch, answers={200: MeOut})
def change_me(body: MePatch) -> MeOut:
    actor = current_actor()
    service.set_gender(actor, body.gender)
    return _me(actor)


@bp.get("/me/export")
@customer(evidence=True)
@operation("Everything held about the person, as a file", answers={200: ExportOut})
def export() -> Response:
    actor = current_actor()
    person = queries.me(actor)
    made = ExportOut(made_at=clock.now(), classes=everything(person))
    audit.record("customer.data_exported", actor, "customer", person.id)
    response = Response(made.model_dump_json(indent=2), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@bp.post("/me/privacy-requests")
@customer()
@operation("Ask for something about the own data", body=PrivacyRequestIn, answers={201: PrivacyRequestOut})
def ask(body: PrivacyRequestIn) -> object:
    return 201, _request(service.ask_about_own_data(current_actor(), RightsKind(body.type), body.text))


@bp.get("/me/privacy-requests")
@customer()
@operation("The own requests, newest first", answers={200: PrivacyRequestsOut})
def asked() -> PrivacyRequestsOut:
    return PrivacyRequestsOut(items=[_request(row) for row in queries.rights_requests(current_actor())])


def _me(actor: Actor) -> MeOut:
    person = queries.me(actor)
    return MeOut(
        phone=person.phone or "",
        created_at=person.created_at,
        customer=views.customer_out(actor, person),
        consents=views.consents_out(person),
        consent_required=views.consents_missing(person),
    )


def _request(row: RightsRequest) -> PrivacyRequestOut:
    return PrivacyRequestOut(
        number=row.number, type=row.kind, text=row.text, received_at=row.received_at, due_on=row.due_on, state=row.state
    )
