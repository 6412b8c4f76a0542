"""Forms of staff: the only place that reads what a browser sent."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    Field,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
)
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.hospitals import provinces
from app.staff.reach import WECOM_CHARS
from app.staff.roles import ROLES, Role
from app.ui.forms import PortalForm
from app.ui.frame import language

EMAIL_CHARS, NAME_CHARS, CODE_CHARS = 254, 64, 32
COUNTRY, SOME = "country", "some"


def _needed(message: Any) -> InputRequired:
    return InputRequired(message=message)


class SignInForm(PortalForm):
    email = EmailField(_l("邮箱"), [_needed(_l("请填写邮箱。")), Length(max=EMAIL_CHARS)])
    password = PasswordField(_l("密码"), [_needed(_l("请填写密码。"))])
    next = HiddenField()


class CodeForm(PortalForm):
    """Six digits, or a recovery code."""

    code = StringField(_l("验证码"), [_needed(_l("请填写验证码。")), Length(max=CODE_CHARS)])
    next = HiddenField()


class ConfirmForm(PortalForm):
    password = PasswordField(_l("密码"), [_needed(_l("请填写密码。"))])
    code = StringField(_l("验证码"), [Optional(), Length(max=CODE_CHARS)])
    next = HiddenField()


class NewPasswordForm(PortalForm):
    """The first password, or the one after a reset."""

    password = PasswordField(_l("新密码"), [_needed(_l("请填写新密码。"))])
    again = PasswordField(_l("再输一次"), [_needed(_l("请再输一次新密码。"))])

    def validate_again(self, field: Field) -> None:
        if field.data != self.password.data:
            raise ValidationError(_l("两次输入不一样。"))


class ChangePasswordForm(PortalForm):
    current = PasswordField(_l("现在的密码"), [_needed(_l("请填写现在的密码。"))])
    new = PasswordField(_l("新密码"), [_needed(_l("请填写新密码。"))])
    again = PasswordField(_l("再输一次"), [_needed(_l("请再输一次新密码。"))])

    def validate_again(self, field: Field) -> None:
        if field.data != self.new.data:
            raise ValidationError(_l("两次输入不一样。"))


class PreferencesForm(PortalForm):
    """Each control of the menu sends one of these; the service knows the closed lists."""

    theme = StringField(validators=[Optional()])
    density = StringField(validators=[Optional()])
    nav = StringField(validators=[Optional()])
    keys = StringField(validators=[Optional()])
    lang = StringField(validators=[Optional()])
    next = HiddenField()

    def chosen(self) -> dict[str, str]:
        names = ("theme", "density", "nav", "keys", "lang")
        return {name: self._fields[name].data for name in names if self._fields[name].data}


class CheckboxGroup(SelectMultipleField):
    """Many of a list, as ticks."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class RoleForm(PortalForm):
    """One role with its bounds and the lead switch."""

    role = SelectField(_l("角色"))
    lead = BooleanField(_l("组长：增加本角色的组长权限"))
    reach = RadioField(_l("范围"), choices=[(COUNTRY, _l("全国")), (SOME, _l("只限下面的省份"))], default=COUNTRY)
    provinces = CheckboxGroup(_l("省份"))

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.role.choices = [(role.value, spec.label) for role, spec in ROLES.items()]
        self.provinces.choices = provinces.choices(language())

    def bounds(self) -> list[str] | None:
        """None for the whole country."""
        return list(self.provinces.data or ()) if self.reach.data == SOME else None


def _wecom_field() -> StringField:
    """The service says which characters it takes; longer than this is no id at all."""
    return StringField(
        _l("企业微信账号"),
        [Optional(), Length(max=WECOM_CHARS)],
        description=_l("通讯录里的账号，不是姓名或手机号。填了就先发企业微信，送不到再发邮件；不填就发邮件。"),
    )


class WecomForm(PortalForm):
    wecom = _wecom_field()


class InviteForm(RoleForm):
    """A new account with its first role; further roles are given on its page."""

    email = EmailField(_l("邮箱"), [_needed(_l("请填写邮箱。")), Length(max=EMAIL_CHARS)])
    name = StringField(_l("姓名"), [_needed(_l("请填写姓名。")), Length(max=NAME_CHARS)])
    wecom = _wecom_field()
    phone = TelField(
        _l("本人手机"),
        [Optional(), Length(max=32)],
        description=_l("用来避免处理自己的申请，也用来发紧急短信；加密保存，页面上不显示。"),
    )

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        found = [(role.value, spec.label) for role, spec in ROLES.items() if role is not Role.DEALER_USER]
        self.role.choices = [("", _l("以后再定")), *found]


class DisableForm(PortalForm):
    heir = SelectField(_l("把手上的工作交给"), render_kw={"lang": "zh-CN"})


class EmptyForm(PortalForm):
    """A button: the token and nothing else."""
