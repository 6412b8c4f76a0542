"""The only writer of safety cases. Verbs take the actor first, flush, and leave the commit to the frame.

From below: `hear` (through `tickets.service.harm.on_harm`), `tell` (a colleague who learned of a harm).
The safety role: `file_case` `take` `judge` `extend` `decide` `hand_over` `set_hold` `close` `reopen`.
"""

from __future__ import annotations

from app.safety.service.decide import close, decide, reopen
from app.safety.service.extend import extend, hand_over, judge, set_hold, take
from app.safety.service.heard import file_case, hear, tell
from app.safety.service.step import Seen

__all__ = [
    "Seen", "close", "decide", "extend", "file_case", "hand_over", "hear", "judge", "reopen", "set_hold", "take",
    "tell",
]  # fmt: skip
