"""``/healthz`` ``/readyz`` ``/metrics``: read by machines; no personal data, no session."""

from __future__ import annotations

import hmac
import time
from ipaddress import ip_address

import sqlalchemy as sa
from flask import Blueprint, Response, abort, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

import config
from app.core import keys
from app.core.db import db
from app.core.files import watermark
from app.core.policy import public
from app.core.web import Portal, client_address, problem

bp = Blueprint("health", __name__)
REQUESTS = Counter("portal_requests_total", "Answered requests.", ("method", "route", "status"))
SECONDS = Histogram("portal_request_seconds", "Time to answer, in seconds.", ("route",))


@bp.get("/healthz")
@public("load balancers ask whether the process lives")
def healthz() -> Response:
    return Response("ok\n", mimetype="text/plain")


@bp.get("/readyz")
@public("load balancers ask whether requests may come")
def readyz() -> Response:
    """200 when the database and the key store answer, else 503 naming which does not; then what works only in part."""
    failing = [name for name, ask in (("database", _database), ("keystore", _keystore)) if not ask()]
    if failing:
        return problem(503, "not_ready", "not ready", failing=failing)
    notes = (
        [] if watermark.cjk_font() else ["watermark: no Chinese font here, badge photos carry staff codes, not names"]
    )
    return Response("\n".join(["ready", *notes, ""]), mimetype="text/plain")


@bp.get("/metrics")
@public("monitoring; answered on loopback or with the token only")
def metrics() -> Response:
    settings: config.Settings = current_app.extensions["settings"]
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    with_token = bool(settings.metrics_token) and hmac.compare_digest(given, settings.metrics_token)
    if not with_token and not ip_address(client_address()).is_loopback:
        abort(404)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database() -> bool:
    try:
        db.session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True


def _keystore() -> bool:
    try:
        with keys.keystore.store().begin(write=False) as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return False
    return True


def watch(app: Portal) -> None:
    """Count and time every request by its route's template, never by its path."""

    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        REQUESTS.labels(request.method, route, response.status_code).inc()
        SECONDS.labels(route).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response
