"""The only writer of staff: sign-in, sessions, accounts, roles, second factor. Plain values in, no request."""

from app.staff.service.accounts import (
    accept_invitation,
    change_password,
    create_active,
    disable,
    enable,
    invitation_account,
    invite,
    refuse_used_email,
    reset_password,
    save_list_choice,
    save_preferences,
    set_phone,
    set_wecom_id,
)
from app.staff.service.handover import HandoverSource, Holding, handover, holdings
from app.staff.service.roles import change_role, grant_role, take_role
from app.staff.service.second_factor import (
    confirm_second_factor,
    new_recovery_codes,
    remove_second_factor,
    reset_second_factor,
    start_second_factor,
)
from app.staff.service.sessions import end_all_sessions, end_session, forget_sessions
from app.staff.service.sign_in import (
    Outcome,
    SignIn,
    Visitor,
    finish_second_factor,
    sign_in,
    sign_out,
    step_up,
)

__all__ = [
    "HandoverSource",
    "Holding",
    "Outcome",
    "SignIn",
    "Visitor",
    "accept_invitation",
    "change_password",
    "change_role",
    "confirm_second_factor",
    "create_active",
    "disable",
    "enable",
    "end_all_sessions",
    "end_session",
    "finish_second_factor",
    "forget_sessions",
    "grant_role",
    "handover",
    "holdings",
    "invitation_account",
    "invite",
    "new_recovery_codes",
    "refuse_used_email",
    "remove_second_factor",
    "reset_password",
    "reset_second_factor",
    "save_list_choice",
    "save_preferences",
    "set_phone",
    "set_wecom_id",
    "sign_in",
    "sign_out",
    "start_second_factor",
    "step_up",
    "take_role",
]
