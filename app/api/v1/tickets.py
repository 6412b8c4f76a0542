"""Tickets as their readers see them: list, count, search, one, and all as a file; one scope behind each."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

from flask import Response
from pydantic import Field, StringConstraints

from app.api.v1.blueprint import bp
from app.api.v1.operations import Answer, Strict, operation
from app.api.v1.schemas import Instant, PlaceOut
from app.core import audit, clock
from app.core.policy import current_actor, customer
from app.dispatch.queries.people import work_number_of
from app.grants import service as grants
from app.grants.models import UseKind
from app.grants.scope import Which
from app.tickets.queries import depot, readable, talk
from app.tickets.workflow import Status

READING = {403: ("no_department_scope",), 422: ("invalid", "cursor_invalid", "query_too_short")}
ScopeName = Literal["mine", "department"]
Words = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


class TicketsQuery(Strict):
    """``scope``: ``mine``, or ``department`` (needs live department access); left out: everything readable."""

    scope: ScopeName | None = None
    q: Words | None = None
    cursor: Cursor | None = None
    limit: Annotated[int, Field(ge=1, le=readable.PAGE_MAX)] = 20


class CountQuery(Strict):
    scope: ScopeName | None = None
    q: Words | None = None


class ExportQuery(Strict):
    scope: ScopeName | None = None


MERGED = Status.MERGED.value


class TicketOut(Answer):
    """Of others' tickets the same: device, fault, status and times. Whom to call is not among it."""

    number: str
    status: str
    opened_at: Instant
    closed_at: Instant | None
    hospital: PlaceOut
    department: PlaceOut | None = Field(description="Of whoever reported it, as it was then.")
    device_department: PlaceOut | None
    device_model: str | None
    serial_number: str | None
    fault: str | None = Field(description="Null once the reporter's data was erased.")
    mine: bool


class StepOut(Answer):
    at: Instant
    status: str


class EngineerOut(Answer):
    """Who comes. ``work_phone`` is the company's telephone; null where none was entered, and for a dealer."""

    name: str
    work_phone: str | None


class QuoteLineOut(Answer):
    name: str
    quantity: int
    fen: int = Field(description="Price of one piece, in fen of CNY.")


class QuoteOut(Answer):
    """What a repair would cost; ``version`` goes back with the answer."""

    version: int
    amount_fen: int
    words: str
    lines: list[QuoteLineOut]
    valid_until: Instant
    answer: Literal["", "accepted", "declined", "expired"]


class WentOnOut(Answer):
    """The ticket in which a merged one goes on."""

    number: str
    status: str


class TicketDetailOut(TicketOut):
    merged_into: WentOnOut | None = Field(description="Where a merged report goes on: number and status, no more.")
    quote: QuoteOut | None = Field(description="The latest of an own ticket.")
    timeline: list[StepOut]
    engineer: EngineerOut | None = Field(description="Of an own ticket, once somebody accepted the job.")


class TicketsOut(Answer):
    items: list[TicketOut]
    next_cursor: str | None


class CountOut(Answer):
    count: int


class TicketsExportOut(Answer):
    """All readable tickets, the latest 5,000 at most; ``complete`` says whether that is all."""

    made_at: Instant
    complete: bool
    items: list[TicketOut]


@bp.get("/tickets")
@customer(evidence=True)
@operation("Readable tickets, the latest first", query=TicketsQuery, answers={200: TicketsOut}, problems=READING)
def tickets(query: TicketsQuery) -> TicketsOut:
    reader = readable.reader(current_actor())
    page = readable.page(
        reader, which=_which(query.scope), q=query.q or "", cursor=query.cursor or "", limit=query.limit
    )
    grants.note_use(reader.customer_id, (row.opened_by for row in page.rows), UseKind.LISTED)
    return TicketsOut(items=[_out(row) for row in page.rows], next_cursor=page.next_cursor)


@bp.get("/tickets/count")
@customer()
@operation("How many tickets are readable", query=CountQuery, answers={200: CountOut}, problems=READING)
def count_tickets(query: CountQuery) -> CountOut:
    reader = readable.reader(current_actor())
    return CountOut(count=readable.count(reader, which=_which(query.scope), q=query.q or ""))


@bp.get("/tickets/export")
@customer(evidence=True)
@operation("Readable tickets as a file", query=ExportQuery, answers={200: TicketsExportOut}, problems=READING)
def export_tickets(query: ExportQuery) -> Response:
    actor = current_actor()
    reader = readable.reader(actor)
    rows, complete = readable.everything(reader, which=_which(query.scope))
    grants.note_use(reader.customer_id, (row.opened_by for row in rows), UseKind.EXPORTED)
    audit.record("tickets.exported", actor, "customer", reader.customer_id, note=f"rows={len(rows)}")
    made = TicketsExportOut(made_at=clock.now(), complete=complete, items=[_out(row) for row in rows])
    response = Response(made.model_dump_json(indent=2), mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="tickets.json"'
    return response


@bp.get("/tickets/<string:number>")
@customer(evidence=True)
@operation("One readable ticket with its timeline", answers={200: TicketDetailOut}, problems={404: ("not_found",)})
def ticket(number: str) -> TicketDetailOut:
    reader = readable.reader(current_actor())
    row, steps = readable.one(reader, number)
    grants.note_use(reader.customer_id, [row.opened_by], UseKind.OPENED)
    timeline = [StepOut(at=step.at, status=step.status) for step in steps]
    name = talk.accepted_by(row.id) if row.mine else None
    engineer = EngineerOut(name=name, work_phone=work_number_of(row.id)) if name is not None else None
    found = depot.latest_quote(row.id) if row.mine else None
    quote = QuoteOut.model_validate(found) if found is not None else None
    went = readable.went_on(row.id) if row.status == MERGED else None
    merged_into = WentOnOut(number=went[0], status=went[1]) if went is not None else None
    return TicketDetailOut(
        **_out(row).model_dump(), timeline=timeline, engineer=engineer, quote=quote, merged_into=merged_into
    )


def _which(scope: str | None) -> Which:
    return Which(scope) if scope is not None else Which.ALL


def _out(row: readable.Row) -> TicketOut:
    def place(place_id: uuid.UUID | None, name: str | None) -> PlaceOut | None:
        return PlaceOut(id=place_id, name=name or "") if place_id is not None else None

    return TicketOut(
        number=row.number, status=row.status, opened_at=row.opened_at, closed_at=row.closed_at,
        hospital=PlaceOut(id=row.hospital_id, name=row.hospital),
        department=place(row.department_id, row.department),
        device_department=place(row.device_department_id, row.device_department),
        device_model=row.device_model, serial_number=row.serial_number, fault=row.fault, mine=row.mine,
    )  # fmt: skip
