"""The mini program as tests play it: every answer is checked against the published contract."""

from __future__ import annotations

import io
import itertools
from typing import Any

import sqlalchemy as sa
from PIL import Image, ImageDraw
from werkzeug.test import TestResponse

from app.api.v1.openapi import operations
from app.api.v1.operations import Operation
from app.api.v1.schemas import Problem
from app.core import throttle
from app.core.db import db
from app.core.outbox import Message
from app.core.unit_of_work import unit_of_work
from app.core.web import Portal

_numbers = itertools.count(1)
NUMBER = "+8613800000001"


def badge(kind: str = "JPEG") -> bytes:
    """A small drawn card; every call gives another picture."""
    number = next(_numbers)
    out = io.BytesIO()
    picture = Image.new("RGB", (240, 150), (30, 60, 120))
    ImageDraw.Draw(picture).text((20, 60), f"BADGE {number}", fill="white")
    picture.save(out, kind)
    return out.getvalue()


class Phone:
    """A client with an optional token."""

    def __init__(self, app: Portal, contract: dict[str, Any]) -> None:
        self.app, self.contract, self.token = app, contract, ""
        self._http = app.test_client()

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kw: Any) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        response = self._http.open("/api/v1" + path, method=method, headers={**sent, **(headers or {})}, **kw)
        self._check(method, response)
        return response

    def get(self, path: str, **kw: Any) -> TestResponse:
        return self.call("GET", path, **kw)

    def post(self, path: str, json: Any = None, **kw: Any) -> TestResponse:
        return self.call("POST", path, **({"json": json} if json is not None else {}), **kw)

    def last_code(self, number: str = NUMBER, template: str = "login_code") -> str:
        """What the newest message to this number says, as the person would read it."""
        with self.app.app_context():
            rows = db.session.scalars(
                sa.select(Message)
                .where(Message.template == template)
                .order_by(Message.created_at.desc(), Message.id.desc())
            )
            for row in rows:
                if row.addresses.get("sms") == number:
                    return row.params["code"]
        raise AssertionError(f"no {template} for {number}")

    def ask_code(self, number: str = NUMBER, **kw: Any) -> TestResponse:
        """Ask for a code as if a minute had passed."""
        with self.app.app_context(), unit_of_work():
            db.session.execute(sa.delete(throttle.ThrottleHit))
        return self.post("/login-codes", {"phone": number, **kw})

    def sign_in(self, number: str = NUMBER, **kw: Any) -> TestResponse:
        assert self.ask_code(number).status_code == 202
        response = self.post("/sessions", {"phone": number, "code": self.last_code(number), **kw})
        if response.status_code == 201:
            self.token = response.json["token"]
        return response

    def agree(self) -> None:
        answer = self.post("/consents", {"purpose": "service", "policy_version": 1, "given": True})
        assert answer.status_code == 201, answer.get_data(as_text=True)

    def register(self, story: Any, path: str = "/registrations", *, headers: Any = None, **kw: Any) -> TestResponse:
        """Send a registration; ``None`` leaves a field out."""
        fields: dict[str, Any] = {
            "name": "冯虚构",
            "hospital_id": str(story.hospital_id),
            "department_id": str(story.department_id),
            "position": "护士长",
            "title": "主管护师",
            "is_adult": "true",
            "policy_version": "1",
            "badge_consent": "true",
            "badges": [(io.BytesIO(badge()), "badge.jpg")],
            **kw,
        }
        data = {name: value for name, value in fields.items() if value is not None}
        return self.post(path, data=data, content_type="multipart/form-data", headers=headers)

    def ready(self, number: str = NUMBER) -> Phone:
        """Signed in and agreed to the policy."""
        assert self.sign_in(number).status_code == 201
        self.agree()
        return self

    def _check(self, method: str, response: TestResponse) -> None:
        """Status, media type, model and code are those of the document."""
        with self.app.app_context():
            adapter = self.app.url_map.bind("localhost")
            try:
                endpoint, _values = adapter.match(response.request.path, method=method)
            except Exception:
                return
            found: Operation = next(
                o for rule, m, o in operations(self.app) if rule.endpoint == endpoint and m == method
            )
            rule = next(r for r, m, _o in operations(self.app) if r.endpoint == endpoint and m == method)
        path = rule.rule.replace("<uuid:", "{").replace("<string:", "{").replace(">", "}")
        documented = self.contract["paths"][path][method.lower()]["responses"]
        status = str(response.status_code)
        assert status in documented, f"{method} {path}: {status} is not documented: {response.get_data(as_text=True)}"
        if response.status_code >= 400:
            assert response.mimetype == "application/problem+json"
            problem = Problem.model_validate({k: v for k, v in response.json.items() if k in Problem.model_fields})
            assert problem.code in documented[status]["description"], f"{method} {path}: {problem.code}"
        elif (model := found.answers[response.status_code]) is not None:
            assert response.mimetype == "application/json"
            model.model_validate_json(response.get_data())
        elif path != "/api/v1/openapi.json" and not path.endswith("/files/{file_id}"):
            assert response.get_data() == b""
