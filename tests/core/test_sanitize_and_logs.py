"""What may pass: HTML through the sanitizer, text into the logs."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from flask import abort

from app.core import policy
from app.core.db import new_id
from app.core.logging import configure, logger, mask
from app.core.policy import Actor
from app.core.sanitize import safe_link, sanitize
from app.core.web import Portal
from tests.core.floor_app import floor_app

# sanitize

BAD_LINKS = [
    "javascript:1", "vbscript:1", "JaVaScRiPt:alert(1)", " javascript:1", "java\nscript:1", "java&#x0A;script:1",
    "&#106;avascript:1", "data:text/html;base64,PHNjcmlwdD4=", "//evil.invalid", "/path", "\u200bjavascript:1", "",
    "http:", "http:///evil", "https:\\\\evil.invalid", "mailto:", "file:///etc/passwd", "x:1",
]  # fmt: skip


@pytest.mark.pure
@pytest.mark.parametrize("link", BAD_LINKS)
def test_bad_links_lose_their_address(link: str) -> None:
    assert not safe_link(link)
    assert "href" not in sanitize(f'<a href="{link}">x</a>')


@pytest.mark.pure
@pytest.mark.parametrize("link", ["https://demo.invalid/a?b=1", "http://demo.invalid", "mailto:a@demo.invalid"])
def test_good_links_stay(link: str) -> None:
    assert f'href="{link}"' in sanitize(f'<a href="{link}">x</a>')


@pytest.mark.pure
@pytest.mark.parametrize(
    "html",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", '<p style="color:red" onclick="x">a</p>',
     "<svg><script>1</script></svg>", "<iframe src=x></iframe>", '<a href="https://demo.invalid" onclick=1>x</a>',
     "<!-- <b> -->", "<math><mi><b></mi></math>"],
)  # fmt: skip
def test_nothing_else_passes(html: str) -> None:
    cleaned = sanitize(html)
    for live in ("<script", "<img", "<svg", "<iframe", "<math", "<!--"):
        assert live not in cleaned
    for tag in cleaned.split("<")[1:]:
        assert "style=" not in tag.split(">")[0]
        assert " on" not in tag.split(">")[0]


@pytest.mark.pure
def test_allowed_tags_stay_and_cleaning_twice_changes_nothing() -> None:
    html = "<p>甲<br><b>乙</b><i>丙</i></p><ul><li>1</li></ul><ol><li>2</li></ol>"
    assert sanitize(html) == html
    assert sanitize(sanitize(html)) == html


# logs

CANARIES = {
    "phone": "13800001234", "phone_86": "+8613800001234", "spaced": "138 0000 1234",
    "openid": "oABCD1234efgh5678IJKL9012mnO", "token": "q7Xv0yKJ3mNpRsTuVwXyZ1a2B3c4D5e6F7g8H9i0JkL",
    "mail": "someone@demo.invalid",
}  # fmt: skip


class Output:
    """All that was written to standard output since the last `clear`."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys, self._text = capsys, ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().out
        return self._text

    def clear(self) -> None:
        self.getvalue()
        self._text = ""


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Output:
    configure()
    return Output(capsys)


def lines(out: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES.keys())
def test_canaries_never_reach_the_log(out: Output, canary: str) -> None:
    logger.info(f"text {canary} text", where=[{"deep": f"x {canary}"}], note=f"({canary})")
    logging.getLogger("somebody.else").warning("library says %s", canary)
    try:
        raise ValueError(f"failed for {canary}")
    except ValueError:
        logger.exception("caught")
        logging.getLogger("x").exception("caught too")
    assert len(lines(out)) == 4
    assert canary not in out.getvalue()


@pytest.mark.parametrize("key", ["password", "code", "lat", "lon", "cookie", "authorization", "new_token", "phone"])
def test_telling_keys_are_dropped_whatever_they_hold(out: Output, key: str) -> None:
    logger.info("event", **{key: "482913", "reason_code": "blurred"})
    assert lines(out)[0][key] == "***"
    assert lines(out)[0]["reason_code"] == "blurred"


def test_numbers_that_are_phones_are_masked_and_others_stay(out: Output) -> None:
    logger.info("event", n=13800001234, rows=1_234_567, ms=3.5)
    assert (lines(out)[0]["n"], lines(out)[0]["rows"], lines(out)[0]["ms"]) == ("[phone]", 1_234_567, 3.5)


def test_line_breaks_cannot_forge_a_line(out: Output) -> None:
    logger.info('a\r\n{"event": "forged"}\u2028b\x1b[31m')
    assert len(out.getvalue().splitlines()) == 1
    assert lines(out)[0]["event"] == 'a\\r\\n{"event": "forged"}\\u2028b\\x1b[31m'


@pytest.mark.pure
def test_ids_and_our_numbers_stay_readable() -> None:
    own = "0192f0c1-2b3c-7def-8abc-0123456789ab REG-20261124-0001 9f86d081884c7d65"
    assert mask(own) == own


def test_the_request_line_holds_the_template_and_no_query(tmp_path: Path, out: Output) -> None:
    with floor_app(tmp_path) as app:
        install_probe(app)
        actor = Actor("staff", id=new_id(), name="样例甲")
        app.extensions["acting"] = actor
        out.clear()
        app.test_client().get("/probe/13800001234?lat=31.2304&lon=121.4737&q=病人姓名")
        app.testing = False
        assert app.test_client().get("/probe/boom").status_code == 500
        app.test_client().get("/nowhere/13800001234")
    requests = [line for line in lines(out) if line["event"] == "request"]
    assert requests[0] == requests[0] | {
        "method": "GET", "path": "/probe/<what>", "status": 200, "actor": str(actor.id), "level": "info",
    }  # fmt: skip
    assert requests[0]["request_id"]
    assert [line["path"] for line in requests][-1] == "(none)"
    for canary in ("13800001234", "31.23", "121.47", "病人", "样例甲"):
        assert canary not in out.getvalue()


def install_probe(app: Portal) -> None:
    @app.get("/probe/<what>")
    @policy.public("a test")
    def probe(what: str) -> str:
        if what == "boom":
            raise RuntimeError("boom")
        return "ok" if what else abort(404)
