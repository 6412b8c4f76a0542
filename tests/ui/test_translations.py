"""English is complete: every message of the sources has English words, and the compiled catalogue is the written one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import html5lib
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from tests.inspector import Inspector

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "app/translations/en/LC_MESSAGES"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None}
CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
# What is written in Chinese on English pages too: the language's own name.
PROPER_NAMES = ("中文",)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")

Forms = tuple[str, ...]


def forms(words: Any) -> Forms:
    """A message has one form, or one for one thing and one for many."""
    return tuple(words) if isinstance(words, (tuple, list)) else (words,)


def texts(catalogue: Catalog) -> dict[Forms, Forms]:
    return {forms(message.id): forms(message.string) for message in catalogue if message.id}


@pytest.fixture(scope="module")
def sources() -> set[Forms]:
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)
    found = extract_from_dir(ROOT, methods, options, keywords=KEYWORDS)
    return {forms(message) for _file, _line, message, _comments, _context in found}


@pytest.fixture(scope="module")
def english() -> dict[Forms, Forms]:
    with (CATALOGUE / "messages.po").open("rb") as file:
        return texts(read_po(file, locale="en", abort_invalid=True))


def without_names(words: str) -> str:
    for name in PROPER_NAMES:
        words = words.replace(name, "")
    return words


@pytest.mark.pure
def test_every_message_is_in_the_catalogue(sources: set[Forms], english: dict[Forms, Forms]) -> None:
    assert len(sources) > 900
    assert sorted(sources - english.keys()) == [], "make translations, then write the English"


@pytest.mark.pure
def test_the_catalogue_has_nothing_that_the_sources_lack(sources: set[Forms], english: dict[Forms, Forms]) -> None:
    assert sorted(english.keys() - sources) == [], "make translations"


@pytest.mark.pure
def test_every_message_has_english_words(english: dict[Forms, Forms]) -> None:
    assert [wanted for wanted, given in english.items() if not all(given)] == []


@pytest.mark.pure
def test_nothing_is_marked_as_a_guess() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        assert [message.id for message in read_po(file, locale="en") if message.id and message.fuzzy] == []


@pytest.mark.pure
def test_placeholders_are_the_same(english: dict[Forms, Forms]) -> None:
    unequal = [
        (wanted, given)
        for wanted, given in english.items()
        if any(set(PLACEHOLDER.findall(words)) != set(PLACEHOLDER.findall(wanted[0])) for words in given)
    ]
    assert unequal == []


@pytest.mark.pure
def test_english_words_are_english(english: dict[Forms, Forms]) -> None:
    chinese = [words for given in english.values() for words in given if CHINESE.search(without_names(words))]
    assert chinese == []


@pytest.mark.pure
def test_the_compiled_catalogue_is_the_written_one(english: dict[Forms, Forms]) -> None:
    with (CATALOGUE / "messages.mo").open("rb") as file:
        assert texts(read_mo(file)) == english, "make translations"


def shown(html: str, *, title: bool = True) -> Iterator[str]:
    """What a reader sees or hears of a page, except what is marked as being in Chinese.

    Without ``title``, <title> is left out: it cannot be marked in part, and its words are the h1's (tests/inspector.py).
    """
    silent = ("script", "style", "template", *(() if title else ("title",)))
    root = html5lib.parse(html, treebuilder="etree", namespaceHTMLElements=False)

    def walk(node: Any, chinese: bool) -> Iterator[str]:
        chinese = node.get("lang", "zh" if chinese else "").startswith("zh")
        if isinstance(node.tag, str) and node.tag not in silent and not chinese:
            yield from (node.get(name, "") for name in ("aria-label", "title", "placeholder", "alt"))
            yield node.text or ""
            for child in node:
                yield from walk(child, chinese)
                yield child.tail or ""

    return (words.strip() for words in walk(root, False) if words.strip())


@pytest.mark.parametrize("address", ["/login?lang=en", "/nowhere?lang=en"])
def test_a_page_in_english(client: Inspector, address: str) -> None:
    page = client.get(address)
    words = list(shown(page.get_data(as_text=True)))
    assert 'lang="en"' in page.get_data(as_text=True)
    assert [found for found in words if CHINESE.search(found)] == []
    assert any("Staff Portal" in found for found in words)


def test_the_sign_in_page_speaks_english(client: Inspector) -> None:
    words = list(shown(client.get("/login?lang=en").get_data(as_text=True)))
    assert {"Staff sign-in", "Password", "Sign in", "English"} <= set(words)


def test_the_language_stays(client: Inspector) -> None:
    client.get("/login?lang=en")
    assert "Staff sign-in" in client.get("/login").get_data(as_text=True)


def test_chinese_comes_first(client: Inspector) -> None:
    assert "登录员工后台" in client.get("/login").get_data(as_text=True)


@pytest.mark.parametrize("one, many, words", [(1, 2, ("1 day", "2 days"))])
def test_english_counts(app: Any, one: int, many: int, words: tuple[str, str]) -> None:
    from app.ui.formatters import duration

    with app.test_request_context("/login?lang=en"):
        assert (duration(one * 86_400), duration(many * 86_400)) == words
