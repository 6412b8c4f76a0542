"""E-mail: what is sent, and which failures may be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

import config
from app.notifications import templates
from app.notifications.delivery import Letter, Outcome, Verdict
from app.notifications.email import SmtpMail
from tests.stubs.smtp import SmtpStub

LETTER = Letter("m1", "staff_invitation", "someone@demo.invalid", {"link": "https://portal.invalid/invitation/x"})


@pytest.fixture
def server() -> Iterator[SmtpStub]:
    with SmtpStub() as stub:
        yield stub


def _send(server: SmtpStub, letter: Letter = LETTER) -> Outcome:
    mail = SmtpMail(config.Smtp(host="127.0.0.1", port=server.port, sender="portal@demo.invalid"))
    return mail.send(letter, *templates.get(letter.template).email_text(letter.params))


def test_an_invitation_in_both_languages(server: SmtpStub) -> None:
    assert _send(server).verdict is Verdict.SENT
    message = message_from_bytes(server.messages[0], policy=policy.default)
    body = message.get_content()
    assert "员工后台邀请 / Invitation" in message["Subject"]
    assert body.count(LETTER.params["link"]) == 2
    assert message["Message-ID"] == "<m1@demo.invalid>"
    assert message["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("verb", "line", "verdict"),
    [
        ("RCPT", "550 no such box", Verdict.DEAD),
        ("RCPT", "451 later", Verdict.RETRY),
        ("MAIL", "421 busy", Verdict.RETRY),
        ("DATA", "554 no", Verdict.DEAD),
        ("END", "552 too much", Verdict.DEAD),
        ("END", "451 later", Verdict.RETRY),
    ],
)
def test_refusals(server: SmtpStub, verb: str, line: str, verdict: Verdict) -> None:
    server.refuse[verb] = line
    assert _send(server).verdict is verdict
    assert server.messages == []


@pytest.mark.parametrize(
    ("verb", "verdict"), [("MAIL", Verdict.RETRY), ("RCPT", Verdict.RETRY), ("END", Verdict.UNKNOWN)]
)
def test_a_lost_connection_is_unknown_only_after_the_body(server: SmtpStub, verb: str, verdict: Verdict) -> None:
    server.hang_up_at = verb
    assert _send(server).verdict is verdict


def test_header_lines_cannot_be_injected(server: SmtpStub) -> None:
    letter = Letter("m1", "staff_invitation", "a@demo.invalid\r\nBcc: b@demo.invalid", LETTER.params)
    assert _send(server, letter).verdict is Verdict.DEAD
    assert server.messages == []
