"""The customer's side of a ticket that is under way: messages, answers, files, confirming, objecting, calling off."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Annotated

from flask import Response
from pydantic import AfterValidator, Field, StringConstraints

from app.api.v1.blueprint import bp
from app.api.v1.operations import Answer, Files, Strict, operation
from app.api.v1.reports import BAD_FILES, CLOSED, PHOTO_FAULTS, PHOTOS, require_service
from app.api.v1.schemas import FreeText, Instant
from app.api.v1.text import clean_text
from app.api.v1.uploads import photos_of
from app.core import audit
from app.core.files import vault
from app.core.policy import current_actor, customer
from app.tickets import service
from app.tickets.models import Ticket
from app.tickets.queries import files, talk
from app.tickets.service.files import PHOTOS_MAX
from app.tickets.service.talk import MESSAGE_MAX_CHARS
from app.tickets.triage import QUESTIONS

FILES = {PHOTOS: Files(0, PHOTOS_MAX)}
Said = Annotated[str, StringConstraints(min_length=1, max_length=MESSAGE_MAX_CHARS), AfterValidator(clean_text)]
MISSING = {404: ("not_found",)}
WRITING = {**CLOSED, **MISSING, **BAD_FILES, 409: ("ticket_ended", "transition_refused", "conflict")}
ENDED = ("ticket_ended", "transition_refused", "on_hold", "conflict", "custody_open", "parts_open", "loaner_out",
         "check_open", "not_a_visit", "not_in_depot")  # fmt: skip
ENDING = {**CLOSED, **MISSING, 409: ENDED}


class MessageRequest(Strict):
    """Words, up to nine ``photos``, or both."""

    text: Said | None = None


class ObjectionRequest(Strict):
    text: FreeText


class FileOut(Answer):
    id: uuid.UUID
    kind: str
    media_type: str
    at: Instant
    gone: bool = Field(description="Erased as promised; opening it answers 410.")


class QuestionOut(Answer):
    code: str
    text: str


class MessageOut(Answer):
    id: uuid.UUID
    at: Instant
    mine: bool
    text: str | None
    questions: list[QuestionOut]
    answers: uuid.UUID | None
    files: list[FileOut]


class TalkOut(Answer):
    """Oldest first, the latest 200. ``files`` came with the report itself."""

    items: list[MessageOut]
    files: list[FileOut]
    open_questions: list[QuestionOut]


class WrittenOut(Answer):
    id: uuid.UUID


class StatusOut(Answer):
    number: str
    status: str


@bp.get("/tickets/<string:number>/messages")
@customer()
@operation("The conversation about an own ticket", answers={200: TalkOut}, problems=MISSING)
def messages(number: str) -> TalkOut:
    found = talk.own(current_actor(), number)
    return TalkOut(
        items=[
            MessageOut(
                id=one.id, at=one.at, mine=one.mine, text=one.text, questions=_questions(one.questions),
                answers=one.answers, files=[FileOut.model_validate(f) for f in one.files],
            )
            for one in found.messages
        ],
        files=[FileOut.model_validate(f) for f in found.files],
        open_questions=_questions(found.open_questions),
    )  # fmt: skip


@bp.post("/tickets/<string:number>/messages")
@customer()
@operation(
    "Write to the service", body=MessageRequest, files=FILES, answers={201: WrittenOut},
    problems={**WRITING, 422: ("invalid", *PHOTO_FAULTS)},
)  # fmt: skip
def write_message(number: str, body: MessageRequest) -> object:
    actor = current_actor()
    require_service(actor)
    return 201, WrittenOut(id=service.write_own(actor, number, body.text or "", photos_of(PHOTOS)).id)


@bp.post("/tickets/<string:number>/answers")
@customer()
@operation(
    "Answer what was asked", body=MessageRequest, files=FILES, answers={200: StatusOut},
    problems={**WRITING, 422: ("invalid", "answer_required", *PHOTO_FAULTS)},
)  # fmt: skip
def answer_questions(number: str, body: MessageRequest) -> StatusOut:
    actor = current_actor()
    require_service(actor)
    return _status(service.answer_own(actor, number, body.text or "", photos_of(PHOTOS)))


@bp.post("/tickets/<string:number>/confirm")
@customer()
@operation("It is repaired", answers={200: StatusOut}, problems=ENDING)
def confirm_ticket(number: str) -> StatusOut:
    actor = current_actor()
    require_service(actor)
    service.open_own(actor, number)
    return _status(service.confirm(actor, number))


@bp.post("/tickets/<string:number>/object")
@customer()
@operation(
    "It is not repaired", body=ObjectionRequest, answers={200: StatusOut},
    problems={**ENDING, 422: ("invalid", "objection_required")},
)  # fmt: skip
def object_ticket(number: str, body: ObjectionRequest) -> StatusOut:
    actor = current_actor()
    require_service(actor)
    service.open_own(actor, number)
    return _status(service.object_to(actor, number, body.text))


@bp.post("/tickets/<string:number>/cancel")
@customer()
@operation("Call the report off, while nobody is on the way", answers={200: StatusOut}, problems=ENDING)
def cancel_ticket(number: str) -> StatusOut:
    actor = current_actor()
    require_service(actor)
    service.open_own(actor, number)
    return _status(service.cancel_own(actor, number))


@bp.get("/tickets/<string:number>/files/<uuid:file_id>")
@customer(evidence=True)
@operation(
    "A file of an own ticket", answers={200: None}, problems={**MISSING, 410: ("gone", "file_gone")},
)  # fmt: skip
def ticket_file(number: str, file_id: uuid.UUID) -> Response:
    """Committed as an event before the first byte; never kept by anything on the way."""
    actor = current_actor()
    stored = files.own(actor, number, file_id)
    clear = vault.open_sealed(stored)
    audit.record("ticket.file_opened", actor, "stored_file", stored.id, reason_code="own")

    def body() -> Iterator[bytes]:
        yield clear

    return Response(body(), mimetype=stored.media_type, headers={"Cache-Control": "no-store"})


def _status(row: Ticket) -> StatusOut:
    return StatusOut(number=row.number, status=row.status)


def _questions(codes: Sequence[str]) -> list[QuestionOut]:
    return [QuestionOut(code=code, text=str(QUESTIONS.get(code, code))) for code in codes]
