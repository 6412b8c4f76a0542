"""The only writer of tickets. Verbs take the actor first, then plain values; they flush, the frame commits.

Reports: `record_ticket` `take_over`. The customer: `write_own` `answer_own`. Triage: `claim`
`release` `note_down` `ask` `record_answer` `finish` `reject` `merge`. Endings: `confirm` `object_to` `cancel_own`
`cancel` `close` `record_objection` `reopen`.
"""

from __future__ import annotations

from app.tickets.service.endings import cancel, cancel_own, close, confirm, object_to, record_objection, reopen
from app.tickets.service.move import Said, locked, move
from app.tickets.service.record import Intake, record_ticket, take_over
from app.tickets.service.talk import answer_own, open_own, write_own
from app.tickets.service.triage import Seen, ask, claim, find, finish, merge, note_down, record_answer, reject, release

__all__ = [
    "Intake", "Said", "Seen", "answer_own", "ask", "cancel", "cancel_own", "claim", "close", "confirm", "find",
    "finish", "locked", "merge", "move", "note_down", "object_to", "open_own", "record_answer",
    "record_objection", "record_ticket", "reject", "release", "reopen", "take_over", "write_own",
]  # fmt: skip
