"""One message as declared: its channels, its parameters, its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.core.clock import SHANGHAI
from app.notifications.wechat import values
from app.notifications.wechat.errors import ValueRefused

WECHAT_TEMPLATE, WECHAT_SUBSCRIBE, SMS, EMAIL = "wechat_template", "wechat_subscribe", "sms", "email"
WECOM = "wecom"
CUSTOMER_ORDER = (WECHAT_TEMPLATE, WECHAT_SUBSCRIBE, SMS)
STAFF_ORDER = (WECOM, EMAIL)  # decisions.md 28
CODE_SECONDS = 300  # how long a login code can be used
SEE_APP = "请在小程序内查看结果与下一步"


@dataclass(frozen=True, slots=True)
class Template:
    """One message. ``text`` is (Chinese, English) with ``{param}`` slots, and what an e-mail says.

    ``card`` is what a WeCom card says where that is less than the mail, ``path`` the page it leads to, with slots too.
    ``wechat`` maps a template field to a parameter (``{number}``) or to fixed words; ``sms`` names the setting that
    holds the provider's template code; ``secret`` marks parameters that open something (codes, links).
    """

    key: str
    label: tuple[str, str]  # what staff read in lists
    channels: tuple[str, ...]
    params: tuple[str, ...]
    text: tuple[str, str]
    subject: tuple[str, str] = ("", "")
    sms: str = ""
    sms_params: Mapping[str, str] = field(default_factory=dict)
    wechat_id: str = ""
    wechat: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    card: tuple[str, str] = ("", "")
    path: str = "/"
    secret: tuple[str, ...] = ()
    seconds: int = 0  # after this long it is worth nothing any more and is not sent; 0: always worth sending

    def wechat_data(self, params: Mapping[str, str]) -> dict[str, str]:
        """Field values for WeChat. A reason that does not fit its field gives way to the fixed words."""
        data = {name: source.format_map(params) for name, source in self.wechat.items()}
        for name, value in data.items():
            if not name.startswith("thing"):
                continue
            try:
                values.check({name: value})
            except ValueRefused:
                data[name] = SEE_APP
        return data

    def sms_data(self, params: Mapping[str, str]) -> dict[str, str]:
        return {name: source.format_map(params) for name, source in self.sms_params.items()}

    def email_text(self, params: Mapping[str, str]) -> tuple[str, str]:
        """Subject and body, Chinese first and English below: we do not know what the reader prefers."""
        subject = " / ".join(part.format_map(params) for part in self.subject)
        return subject, "\n\n".join(part.format_map(params) for part in self.text) + "\n"

    def card_text(self, params: Mapping[str, str], written_at: datetime) -> tuple[str, str]:
        """Title and description of a WeCom card, Chinese first. A parameter cannot bring markup of its own.

        The time to the second tells two messages of the same words apart: WeCom drops a card that it had before.
        """
        plain = {name: value.replace("<", "‹").replace(">", "›") for name, value in params.items()}
        words = self.card if any(self.card) else self.text
        at = f'<div class="gray">{written_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}</div>'
        parts = "".join(f'<div class="normal">{part.format_map(plain)}</div>' for part in words)
        return self.subject[0].format_map(plain), at + parts
