"""The only writer of customers. Verbs take plain values, flush, and leave the commit to the frame.

Sign-in: `throttle_codes` `send_code` `sign_in` `sign_out` `touch_token`. Profile, called by the registrations:
`note_application` `adopt_registration` `abandon_registration` `suspend` `reinstate` `end` `recipient`. The person:
`set_gender` `ask_about_own_data`. Staff: `throttle_reveals` `reveal` `end_session` `end_sessions` `freeze_account`
`release_account`. Jobs: `cleanup`.
"""

from __future__ import annotations

from app.customers.service.access import (
    Revealed,
    end_session,
    end_sessions,
    freeze_account,
    release_account,
    reveal,
    throttle_reveals,
)
from app.customers.service.codes import send_code, throttle_codes
from app.customers.service.profile import (
    abandon_registration,
    adopt_registration,
    end,
    note_application,
    recipient,
    reinstate,
    set_gender,
    suspend,
)
from app.customers.service.rights import ask_about_own_data
from app.customers.service.sign_in import Proof, SignedIn, cleanup, sign_in, sign_out, touch_token

__all__ = [
    "Proof", "Revealed", "SignedIn", "abandon_registration", "adopt_registration", "ask_about_own_data", "cleanup",
    "end", "end_session", "end_sessions", "freeze_account", "note_application", "recipient", "reinstate",
    "release_account", "reveal", "send_code", "set_gender", "sign_in", "sign_out", "suspend", "throttle_codes",
    "throttle_reveals", "touch_token",
]  # fmt: skip
