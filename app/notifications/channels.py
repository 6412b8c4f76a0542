"""The channels: from a message of the outbox to one attempt on the network, or to the console in development.

A channel never repeats an attempt by itself; it says how the attempt ended, and the outbox decides by that.
"""

from __future__ import annotations

import time
import uuid
from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

import config
from app.core import clock, outbox
from app.core.unit_of_work import evidence
from app.notifications import follow, templates
from app.notifications.apart import reading
from app.notifications.console import Console
from app.notifications.delivery import Letter, Outcome, Verdict, of_errcode, sent
from app.notifications.email import SmtpMail
from app.notifications.http import Outbound
from app.notifications.links import link_to
from app.notifications.models import ChannelHold
from app.notifications.sms import AliyunSms
from app.notifications.templates import Template
from app.notifications.tencent import ApiError, Unreachable
from app.notifications.wechat import ValueRefused, WeChatClient
from app.notifications.wecom import REMEMBERED, Card, NotReached, WeComClient

VERDICTS = {
    Verdict.SENT: outbox.Verdict.OK,
    Verdict.RETRY: outbox.Verdict.RETRY,
    Verdict.FALLBACK: outbox.Verdict.FALLBACK,
    Verdict.DEAD: outbox.Verdict.DEAD,
    Verdict.UNKNOWN: outbox.Verdict.UNKNOWN,
}
NOT_CONFIGURED = Outcome(Verdict.FALLBACK, "channel_not_configured")


class Channel(ABC):
    """One way to reach a person. ``console`` replaces its edge in development and tests."""

    name: str
    idempotent: bool = False
    remembers: timedelta = outbox.FOR_GOOD
    paused: Verdict = Verdict.RETRY  # what becomes of messages while the channel waits

    def __init__(self, console: Console | None) -> None:
        self._console = console

    def send(self, message: outbox.Outgoing) -> outbox.Delivery:
        """What the outbox calls."""
        outcome = self.deliver(Letter(message.id, message.template, message.to, dict(message.params)))
        after = max(outcome.retry_at - clock.now(), timedelta(0)) if outcome.retry_at else None
        return outbox.Delivery(VERDICTS[outcome.verdict], outcome.code[:64], outcome.reference[:128], after)

    def deliver(self, letter: Letter) -> Outcome:
        """One attempt. Raises nothing that a message can cause."""
        template = templates.CATALOGUE.get(letter.template)
        if template is None:
            return Outcome(Verdict.DEAD, "template_unknown")
        if template.seconds and _age(letter).total_seconds() > template.seconds:
            return Outcome(Verdict.DEAD, "too_late")
        waiting = self._held()
        if waiting is not None:
            return waiting
        refusal = self._refusal(letter, template)
        if refusal is not None:
            return refusal
        if self._console is not None:
            self._console.write(self.name, letter.to, letter.template, letter.params)
            outcome = sent()
        else:
            outcome = self._transmit(letter, template)
        self._note(letter, outcome)
        return outcome

    def _refusal(self, letter: Letter, template: Template) -> Outcome | None:
        """Why this person cannot be reached here just now, found without the network."""
        return None

    @abstractmethod
    def _transmit(self, letter: Letter, template: Template) -> Outcome:
        """One attempt on the network."""

    def _held(self) -> Outcome | None:
        with reading() as session:
            row = session.scalar(sa.select(ChannelHold).where(ChannelHold.channel == self.name))
            if row is None:
                return None
            if row.until is None:
                return Outcome(Verdict.FALLBACK, "channel_stopped")
            if row.until > clock.now():
                return Outcome(self.paused, "channel_paused", retry_at=row.until)
        return None

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        """Remember what the attempt says about the whole channel."""
        if outcome.hold_until is None and not outcome.stop:
            return
        with evidence() as session:
            row = session.scalar(sa.select(ChannelHold).where(ChannelHold.channel == self.name))
            if row is None:
                row = ChannelHold(channel=self.name, code=outcome.code, since=clock.now())
                session.add(row)
            row.until, row.code, row.since = outcome.hold_until, outcome.code, clock.now()


class _WeChatChannel(Channel):
    """What both WeChat channels share."""

    def __init__(self, settings: config.WeChat, client: WeChatClient, console: Console | None) -> None:
        super().__init__(console)
        self._settings, self._client = settings, client

    @property
    @abstractmethod
    def _appid(self) -> str:
        """The account that sends."""

    @abstractmethod
    def _attempt(self, letter: Letter, template: Template) -> str:
        """Call WeChat; its message id. Raises WeChatError, Unreachable, ValueRefused."""

    def _transmit(self, letter: Letter, template: Template) -> Outcome:
        try:
            return sent(self._attempt(letter, template))
        except ApiError as error:
            return of_errcode(error)
        except ValueRefused as refused:
            return Outcome(Verdict.DEAD, f"value_refused_{refused.field}"[:64])
        except Unreachable as error:
            safe = self.idempotent or not error.sent
            return Outcome(Verdict.RETRY if safe else Verdict.UNKNOWN, f"wechat_{error.code}")

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        super()._note(letter, outcome)
        if outcome.broken:
            with evidence() as session:
                follow.mark_broken(session, self._appid, letter.to)


class WeChatTemplate(_WeChatChannel):
    """Template message of the official account; WeChat drops a repeated ``client_msg_id``, so it may be repeated."""

    name = templates.WECHAT_TEMPLATE
    idempotent = True

    @property
    def _appid(self) -> str:
        return self._settings.official_appid

    def _refusal(self, letter: Letter, template: Template) -> Outcome | None:
        if self._console is None and not (self._appid and self._settings.template_review_result):
            return NOT_CONFIGURED
        with reading() as session:
            if not follow.follows(session, self._appid, letter.to):
                return Outcome(Verdict.FALLBACK, "not_following")
        return None

    def _attempt(self, letter: Letter, template: Template) -> str:
        return self._client.send_template(
            letter.to,
            self._settings.template_review_result,
            template.wechat_data(letter.params),
            client_msg_id=letter.id.replace("-", ""),  # WeChat: at most 32 characters
            page=template.page,
        )

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        super()._note(letter, outcome)
        if outcome.code == "wechat_43004":
            with evidence() as session:
                follow.set_following(session, self._appid, letter.to, False)


class WeChatSubscribe(_WeChatChannel):
    """Subscribe message of the mini program; each one uses up one tap of the person."""

    name = templates.WECHAT_SUBSCRIBE

    @property
    def _appid(self) -> str:
        return self._settings.mini_appid

    def _refusal(self, letter: Letter, template: Template) -> Outcome | None:
        if self._console is None and not (self._appid and self._settings.subscribe_review_result):
            return NOT_CONFIGURED
        with evidence() as session:
            if not follow.take_credit(session, self._appid, letter.to, self._settings.subscribe_review_result):
                return Outcome(Verdict.FALLBACK, "no_subscription_left")
        return None

    def _attempt(self, letter: Letter, template: Template) -> str:
        return self._client.send_subscribe(
            letter.to, self._settings.subscribe_review_result, template.wechat_data(letter.params), page=template.page
        )

    def _note(self, letter: Letter, outcome: Outcome) -> None:
        super()._note(letter, outcome)
        template_id = self._settings.subscribe_review_result
        with evidence() as session:
            if outcome.code == "wechat_43101":
                follow.clear_credits(session, self._appid, letter.to, template_id)
            elif outcome.verdict in (Verdict.RETRY, Verdict.DEAD) and not outcome.broken:
                follow.add_credit(session, self._appid, letter.to, template_id)  # nothing went out: give it back


class WeCom(Channel):
    """Cards to members of staff. One call is one person, so that WeCom's answer is about this person.

    WeCom drops a repeated card for some hours only: an answer that got lost later than that is unknown. While the
    channel pauses nobody waits for it: an offer runs out meanwhile, and the mailbox is there.
    """

    name = templates.WECOM
    idempotent = True
    remembers = REMEMBERED
    paused = Verdict.FALLBACK

    def __init__(self, client: WeComClient, console: Console | None) -> None:
        super().__init__(console)
        self._client = client

    def _refusal(self, letter: Letter, template: Template) -> Outcome | None:
        return None if self._console is not None or self._client.configured else NOT_CONFIGURED

    def _transmit(self, letter: Letter, template: Template) -> Outcome:
        title, description = template.card_text(letter.params, _written_at(letter))
        card = Card(title, description, link_to(template.path.format_map(letter.params)))
        try:
            return sent(self._client.send_card(letter.to, card))
        except NotReached as refused:
            return Outcome(Verdict.FALLBACK, f"wecom_{refused.code}")
        except ApiError as error:
            outcome = of_errcode(error)
            return replace(outcome, verdict=self.paused, retry_at=None) if outcome.hold_until else outcome
        except Unreachable as error:
            safe = not error.sent or outbox.may_repeat(self, _age(letter))
            return Outcome(Verdict.RETRY if safe else Verdict.UNKNOWN, f"wecom_{error.code}")


class Sms(Channel):
    """Not idempotent: an answer that got lost makes the message unknown, and nothing repeats it."""

    name = templates.SMS

    def __init__(self, settings: config.Sms, provider: AliyunSms, console: Console | None) -> None:
        super().__init__(console)
        self._settings, self._provider = settings, provider

    def _refusal(self, letter: Letter, template: Template) -> Outcome | None:
        ready = self._provider.configured and getattr(self._settings, template.sms or "template_login_code")
        return None if self._console is not None or ready else NOT_CONFIGURED

    def _transmit(self, letter: Letter, template: Template) -> Outcome:
        if not template.sms:
            return Outcome(Verdict.DEAD, "template_has_no_sms")
        code = str(getattr(self._settings, template.sms))
        return self._provider.send(letter, code, template.sms_data(letter.params))


class Email(Channel):
    """Not idempotent: most servers deliver a repeated message twice."""

    name = templates.EMAIL

    def __init__(self, mail: SmtpMail, console: Console | None) -> None:
        super().__init__(console)
        self._mail = mail

    def _refusal(self, letter: Letter, template: Template) -> Outcome | None:
        return None if self._console is not None or self._mail.configured else NOT_CONFIGURED

    def _transmit(self, letter: Letter, template: Template) -> Outcome:
        return self._mail.send(letter, *template.email_text(letter.params))


def _written_at(letter: Letter) -> datetime:
    """When the message was written; its id tells (see `core.db.new_id`), by the machine's own clock."""
    try:
        return datetime.fromtimestamp((uuid.UUID(letter.id).int >> 80) / 1000, UTC)
    except ValueError:
        return datetime.fromtimestamp(time.time(), UTC)


def _age(letter: Letter) -> timedelta:
    return datetime.fromtimestamp(time.time(), UTC) - _written_at(letter)


def build(settings: config.Settings, client: WeChatClient, outbound: Outbound) -> list[Channel]:
    """All channels of an app. The console takes the edge whenever it is on, which production never is."""
    console = Console(settings) if settings.console_channel else None
    return [
        WeChatTemplate(settings.wechat, client, console),
        WeChatSubscribe(settings.wechat, client, console),
        WeCom(WeComClient(settings.wecom, outbound), console),
        Sms(settings.sms, AliyunSms(settings.sms, outbound), console),
        Email(SmtpMail(settings.smtp), console),
    ]
