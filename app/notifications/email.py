"""E-mail by SMTP: plain text, TLS always (loopback excepted), one attempt per call."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

import config
from app.notifications.delivery import Letter, Outcome, Verdict, sent

TIMEOUT_SECONDS = 10.0
IMPLICIT_TLS_PORT = 465
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SmtpMail:
    """Before the body went out a failure is harmless and retried; after it, nobody knows."""

    def __init__(self, settings: config.Smtp) -> None:
        self._settings = settings

    @property
    def configured(self) -> bool:
        return bool(self._settings.host and self._settings.sender)

    def send(self, letter: Letter, subject: str, text: str) -> Outcome:
        try:
            message = self._message(letter, subject, text)
        except ValueError:  # a line break in an address
            return Outcome(Verdict.DEAD, "address_invalid")
        handed_over = False
        try:
            with self._connect() as server:
                self._greet(server)
                self._expect(server.mail(self._settings.sender))
                self._expect(server.rcpt(letter.to))
                handed_over = True
                self._expect(server.data(message.as_bytes()))
        except _Refused as refused:
            verdict = Verdict.DEAD if refused.code >= 500 else Verdict.RETRY
            return Outcome(verdict, f"smtp_{refused.code}")
        except smtplib.SMTPAuthenticationError:
            return Outcome(Verdict.DEAD, "smtp_authentication", stop=True)
        except smtplib.SMTPDataError as error:
            return Outcome(Verdict.DEAD if error.smtp_code >= 500 else Verdict.RETRY, f"smtp_{error.smtp_code}")
        except (smtplib.SMTPException, OSError):
            return Outcome(Verdict.UNKNOWN if handed_over else Verdict.RETRY, "smtp_no_connection")
        return sent()

    def _message(self, letter: Letter, subject: str, text: str) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._settings.sender, letter.to, subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{letter.id}@{self._settings.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        return message

    def _connect(self) -> smtplib.SMTP:
        host, port = self._settings.host, self._settings.port
        if port == IMPLICIT_TLS_PORT:
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)

    def _greet(self, server: smtplib.SMTP) -> None:
        server.ehlo()
        secure = isinstance(server, smtplib.SMTP_SSL)
        if not secure and (self._settings.host not in LOOPBACK or server.has_extn("starttls")):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        if self._settings.user:
            server.login(self._settings.user, self._settings.password)

    @staticmethod
    def _expect(answer: tuple[int, bytes]) -> None:
        if not 200 <= answer[0] < 300:
            raise _Refused(answer[0])


class _Refused(Exception):
    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))
