"""Pages of staff: signing in, one's own account, and the accounts of others."""

from flask import Blueprint

bp = Blueprint("staff", __name__, template_folder="../templates")

from app.staff.views import account, held, people, second_factor, sign_in  # noqa: E402, F401 -- they fill the blueprint
