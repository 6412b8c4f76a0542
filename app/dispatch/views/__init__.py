"""Pages of dispatch: engineers, the pool and the candidates of a ticket, contracts that end, imports."""

from flask import Blueprint

bp = Blueprint("dispatch", __name__, url_prefix="/dispatch", template_folder="../templates")
engineers_bp = Blueprint("engineers", __name__, url_prefix="/engineers", template_folder="../templates")
contracts_bp = Blueprint("contracts", __name__, url_prefix="/dealers/contracts", template_folder="../templates")
people_bp = Blueprint("people", __name__, template_folder="../templates")

from app.dispatch.views import (  # noqa: E402
    board,
    bulk,
    candidates,
    contracts,
    engineers,
    imports,
    map_view,
    move,
    plans,
    weights,
)

__all__ = [
    "board",
    "bp",
    "bulk",
    "candidates",
    "contracts",
    "contracts_bp",
    "engineers",
    "engineers_bp",
    "imports",
    "map_view",
    "move",
    "people_bp",
    "plans",
    "weights",
]
