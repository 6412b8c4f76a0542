"""The only writer of dispatch. Verbs take the actor first; they flush, the frame commits.

Dispatchers: `offer` `recall` `lift_exclusion` `move_visit` `withdraw`, and `place` over them; for a week's
proposal `request_plan` `cancel_plan` `apply_rows` `undo_row`.
Whoever was asked: `accept` `decline` `reschedule`. Admin: `end_contract`. Time: `follow`, `lapse`.
Engineers' records: `app.dispatch.service.people`.
"""

from app.dispatch.service.answer import accept, decline
from app.dispatch.service.lapse import Touched, end_contract
from app.dispatch.service.offer import Order, lift_exclusion, offer, recall
from app.dispatch.service.place import Placement, place
from app.dispatch.service.plans import Taken, apply_rows, cancel_plan, request_plan, undo_row
from app.dispatch.service.prove import NotEligible
from app.dispatch.service.visits import NewTime, move_visit, reschedule, withdraw

__all__ = [
    "NewTime",
    "NotEligible",
    "Order",
    "Placement",
    "Taken",
    "Touched",
    "accept",
    "apply_rows",
    "cancel_plan",
    "decline",
    "end_contract",
    "lift_exclusion",
    "move_visit",
    "offer",
    "place",
    "recall",
    "request_plan",
    "reschedule",
    "undo_row",
    "withdraw",
]
