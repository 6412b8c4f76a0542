"""The catalogue of reasons: private words for us, public words for the applicant, RETRY or FINAL, in versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.core import clock
from app.core.db import db
from app.core.errors import Invalid
from app.registrations.models import ReviewReason

RETRY, FINAL, MERGE = "RETRY", "FINAL", "MERGE"
SHORT_MAX = 20


def N_(words: str) -> str:
    """Marks words for the English catalogue, which `staff_words` asks."""
    return words


# code, section, kind, private, public long, public short, second person
CATALOGUE: Sequence[tuple[str, str, str, str, str, str, bool]] = (
    (
        "photo_blurred",
        "photo",
        RETRY,
        N_("照片模糊"),
        "照片模糊，看不清文字。请在光线充足处对焦后重拍。",
        "照片模糊请重拍",
        False,
    ),
    (
        "photo_glare",
        "photo",
        RETRY,
        N_("反光遮挡"),
        "证件反光，部分文字看不清。请避开灯光重拍。",
        "反光遮挡请重拍",
        False,
    ),
    (
        "photo_cropped",
        "photo",
        RETRY,
        N_("证件不完整"),
        "证件没有拍全。请让四边都在画面内后重拍。",
        "证件不完整请重拍",
        False,
    ),
    (
        "photo_of_screen",
        "photo",
        RETRY,
        N_("疑似翻拍或截图"),
        "照片像是翻拍或截图。请直接对着证件原件拍照。",
        "疑似翻拍或截图",
        False,
    ),
    (
        "badge_expired",
        "photo",
        RETRY,
        N_("证件已过期"),
        "证件已过有效期。请提交在有效期内的证件。",
        "证件已过期",
        False,
    ),
    (
        "name_not_visible",
        "match",
        RETRY,
        N_("看不到姓名"),
        "证件上看不到姓名。请提交能看到姓名的一面。",
        "看不到姓名",
        False,
    ),
    (
        "hospital_not_visible",
        "match",
        RETRY,
        N_("看不到医院名称"),
        "证件上看不到医院名称。请提交能看到医院名称的一面。",
        "看不到医院名称",
        False,
    ),
    (
        "name_differs",
        "match",
        RETRY,
        N_("姓名与填写不一致"),
        "证件上的姓名与填写的不一致。请更正后重新提交。",
        "姓名与填写不一致",
        False,
    ),
    (
        "hospital_differs",
        "match",
        RETRY,
        N_("医院与填写不一致"),
        "证件上的医院与填写的不一致。请更正后重新提交。",
        "医院与填写不一致",
        False,
    ),
    (
        "department_unclear",
        "match",
        RETRY,
        N_("科室请补充说明"),
        "无法确认科室。请补充能说明科室的材料。",
        "科室请补充说明",
        False,
    ),
    (
        "not_medical_staff",
        "final",
        FINAL,
        N_("非医护或设备人员"),
        "本服务只面向医院的医护与设备管理人员。",
        "非医护或设备人员",
        False,
    ),
    ("not_own_badge", "final", FINAL, N_("非本人证件"), "提交的证件不是您本人的。", "非本人证件", True),
    ("duplicate", "final", MERGE, N_("重复注册"), "您已有一件注册，这一件已并入。", "重复注册", False),
)


def seed() -> int:
    """Put in what the catalogue lacks; existing codes are left alone. Returns how many were added."""
    known = set(db.session.scalars(sa.select(ReviewReason.code)))
    added = 0
    for place, (code, section, kind, private, long, short, second) in enumerate(CATALOGUE, start=1):
        if code in known:
            continue
        check_texts(long, short)
        db.session.add(
            ReviewReason(
                code=code, version=1, kind=kind, section=section, place=place, private_text=private,
                public_long=long, public_short=short, second_person=second, active=True, created_at=clock.now(),
            )
        )  # fmt: skip
        added += 1
    db.session.flush()
    return added


def check_texts(public_long: str, public_short: str) -> None:
    """Raise Invalid when a public text is missing or the short one does not fit WeChat's field (20 characters)."""
    if not public_long.strip():
        raise Invalid(fields={"public_long": [_l("请填写对方会看到的文字。")]})
    if not public_short.strip() or wechat_length(public_short.strip()) > SHORT_MAX:
        raise Invalid(fields={"public_short": [_l("短文字须为 1 到 20 个字。")]}, code="public_short_too_long")


def wechat_length(text: str) -> int:
    """Length as WeChat counts a `thing` field: UTF-16 units, so that an emoji is two."""
    return len(text.encode("utf-16-le")) // 2


def newest(code: str) -> ReviewReason | None:
    """The latest version of a code, in use or not."""
    query = sa.select(ReviewReason).where(ReviewReason.code == code).order_by(ReviewReason.version.desc())
    return db.session.scalars(query.limit(1)).one_or_none()


def versions() -> dict[str, list[ReviewReason]]:
    """Every version by code, codes in page order, newest version first."""
    found: dict[str, list[ReviewReason]] = {}
    query = sa.select(ReviewReason).order_by(ReviewReason.place, ReviewReason.code, ReviewReason.version.desc())
    for row in db.session.scalars(query):
        found.setdefault(row.code, []).append(row)
    return found


def _in_use(*columns: Any) -> sa.Select[Any]:
    newest = sa.select(ReviewReason.code, sa.func.max(ReviewReason.version).label("version"))
    last = newest.group_by(ReviewReason.code).subquery()
    same = sa.and_(ReviewReason.code == last.c.code, ReviewReason.version == last.c.version)
    return sa.select(*columns).join(last, same).where(ReviewReason.active).order_by(ReviewReason.place)


_CURRENT = _in_use(ReviewReason)
_SHOWN = _in_use(
    ReviewReason.code,
    ReviewReason.kind,
    ReviewReason.section,
    ReviewReason.private_text,
    ReviewReason.public_long,
    ReviewReason.second_person,
)


class Shown(Protocol):
    """A reason as a page shows it: a `ReviewReason`, or a row of its columns."""

    @property
    def code(self) -> str: ...
    @property
    def private_text(self) -> str: ...


def current() -> list[ReviewReason]:
    """The highest version of each code that is in use, in page order."""
    return list(db.session.scalars(_CURRENT))


def shown() -> tuple[Any, ...]:
    """The same as rows of what the case page shows: code, kind, section, both texts, second_person."""
    return tuple(db.session.connection().execute(_SHOWN))


def pick(codes: Iterable[str]) -> tuple[ReviewReason, ...]:
    """The reasons behind codes a page sent. Raises Invalid on one that is not in use."""
    wanted = list(dict.fromkeys(codes))
    known = {reason.code: reason for reason in current()} if wanted else {}
    if any(code not in known for code in wanted):
        raise Invalid(_l("原因目录已更新，请重新选择。"), code="reason_unknown")
    return tuple(known[code] for code in wanted)


def staff_words(reason: Shown) -> str:
    """The private text in the reader's language; words written later stay as they were written."""
    return gettext(reason.private_text)


def labels(reasons: Iterable[Shown]) -> Mapping[str, str]:
    """Private text by code, for histories."""
    return {reason.code: staff_words(reason) for reason in reasons}
