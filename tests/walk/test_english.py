"""English is complete on every page: what is not marked as Chinese (names, texts of customers) is not Chinese."""

from __future__ import annotations

import re

import pytest

from app.staff.roles import Role
from tests.ui.test_translations import CHINESE, ROOT, shown, without_names
from tests.walk.conftest import fetcher
from tests.walk.walk import UNREACHED, Walk, with_arguments


def chinese_in(text: str) -> list[str]:
    return sorted({words for words in map(without_names, shown(text, title=False)) if CHINESE.search(words)})


@pytest.mark.slow
def test_every_page_of_every_role_in_english(demo, visitor):
    found: dict[str, list[str]] = {}
    reached: set[str] = set()
    for role in Role:
        client = visitor(role.value)
        start = () if role is not Role.REVIEWER else beside(claimed(client))
        walk = Walk(demo, fetcher(client, "lang=en")).run(*start)
        assert walk.broken == [], role
        reached |= walk.pages.keys() | walk.parts.keys()
        for endpoint, answer in {**walk.pages, **walk.parts}.items():
            if left := chinese_in(answer.text):
                found.setdefault(f"{endpoint} {answer.path}", []).extend(left)
    left = "\n".join(f"{page}: {sorted(set(words))[:12]}" for page, words in found.items())
    assert left == "", f"Chinese on English pages; names and texts of people are marked with the filter `zh`:\n{left}"
    unreached = sorted(with_arguments(demo) - reached - UNREACHED.keys() - NOT_HTML)
    assert unreached == [], " ".join(unreached)


# addresses with arguments that answer with an image, a file or a part of a page that only scripts ask for
NOT_HTML = {
    "badges.proof_file",
    "depot.photo",
    "registrations.pulse",
    "registrations.crop",
    "registrations.reading_image",
    "registrations.comparison_image",
    "registrations.image",
    "registrations.thumbnail",
    "settings.export_calendar",
    "tickets.photo",
    "tickets.recording",
}


def claimed(client) -> str:
    """The reviewer's page with a case in hand."""
    from tests.factories import staff

    return client.post("/registrations/next", data={"csrf_token": staff.csrf(client)}).location


def beside(case: str) -> tuple[str, ...]:
    """The case, and its pages that buttons of the form open."""
    return case, *(f"{case}/{page}" for page in ("merge", "pass", "recuse", "rounds"))


WORDS_OF_THE_CATALOGUE = re.compile(r"""\b(?:_|_l|gettext|lazy_gettext|ngettext)\(\s*(?:"[^"]*"|'[^']*')""")
COMMENT = re.compile(r"\{#.*?#\}", re.S)
MARKED = re.compile(r'lang="zh-CN"[^>]*>[^<]*<')
SAMPLES = {"help/style.html": "names on the page of components"}


@pytest.mark.pure
def test_templates_hold_no_chinese_outside_of_the_catalogue():
    """What the filter `zh` marks is data, never a word of ours that somebody forgot to translate."""
    found = []
    for path in ROOT.glob("app/**/templates/**/*.html"):
        text = COMMENT.sub("", path.read_text())
        left = CHINESE.findall(without_names(MARKED.sub("", WORDS_OF_THE_CATALOGUE.sub("", text))))
        name = str(path.relative_to(ROOT)).split("templates/", 1)[1]
        if left and name not in SAMPLES:
            found.append(f"{name}: {''.join(left)}")
    assert found == []


@pytest.mark.pure
def test_the_check_can_fail():
    page = '<!doctype html><html lang="en"><p>Fine</p><p>中文</p><p>坏</p><b lang="zh-CN">好</b></html>'
    assert chinese_in(page) == ["坏"]
