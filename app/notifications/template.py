"""One message as declared: its channels, its parameters, its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.notifications.wechat import values
from app.notifications.wechat.errors import ValueRefused

WECHAT_TEMPLATE, WECHAT_SUBSCRIBE, SMS, EMAIL = "wechat_template", "wechat_subscribe", "sms", "email"
CUSTOMER_ORDER = (WECHAT_TEMPLATE, WECHAT_SUBSCRIBE, SMS)
CODE_SECONDS = 300  # how long a login code can be used
SEE_APP = "请在小程序内查看结果与下一步"


@dataclass(frozen=True, slots=True)
class Template:
    """One message. ``text`` is (Chinese, English) with ``{param}`` slots, and what an e-mail says.

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
