"""What every worklist offers a person besides its rows: saved views, chosen columns, exports and where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l

if TYPE_CHECKING:
    from app.core.web import Portal

STEPS = (
    _l("“视图”把当前的筛选存成一个名字；可以设为打开列表时先显示的那个，组长可以共享给全组。"),
    _l("“列”决定显示哪些列、按什么次序；只影响您自己。"),
    _l("“导出当前筛选”在列表底部，须有导出权限并再次输入密码；超过 5,000 条的在“我的导出”里等。"),
)


def install(app: Portal) -> None:
    """Pages, and the job that builds large exports."""
    from app.lists.service import build
    from app.lists.views import bp
    from app.ui.help import HelpPage, help_pages

    app.register_blueprint(bp)
    build.install()
    help_pages.add("lists", HelpPage(_l("把列表变成自己的"), STEPS))
