"""Names and phone numbers that a list is searched for stand in no address."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from app.core.worklist import choice
from app.core.worklist.declaration import worklists
from tests.factories import staff
from tests.features.lists.conftest import LEAD

NAME = "冯虚构"
ALL = {"registrations": "reviewer", "customers": "triager", "tickets": "triager", "grants": "grant_manager"}


def seek(client, key: str = "registrations", **typed: str) -> str:
    """Post the filter row; the address it leads to."""
    answer = client.post(f"/lists/{key}/seek", data={"csrf_token": staff.csrf(client), **typed})
    assert answer.status_code == 303
    return answer.location


def numbers(page) -> set[str]:
    return set(re.findall(r'data-href="/registrations/([^"]+)"', page.get_data(as_text=True)))


def test_asvs_14_2_1_the_form_is_posted_and_what_was_typed_is_sealed(lead, rows):
    first = lead.get("/registrations").get_data(as_text=True)
    assert re.search(r'<form class="filters"[^>]*method="post" action="/lists/registrations/seek"', first)
    address = seek(lead, tab="open", q=NAME, phone="", province="31")
    assert NAME not in address
    assert set(parse_qs(urlsplit(address).query)) == {"tab", "province", "sought"}
    page = lead.get(address)
    assert numbers(page) == set(rows)
    text = page.get_data(as_text=True)
    assert f'name="q" value="{NAME}"' in text, "the field still holds what was typed"
    links = re.findall(r'(?:href|action)="([^"]*)"', text)
    assert [link for link in links if "%E5%86%AF" in link or NAME in link] == []
    assert any("sought=" in link and "sort=" in link for link in links), "sorting keeps the search"


def test_every_list_that_finds_people_is_searched_by_post(app, rows):
    finding = {of.key: of for of in worklists if any(f.personal for f in of.filters)}
    assert set(finding) >= set(ALL)
    for key, of in finding.items():
        client = staff.signed_in(app, (ALL[key], None, True))
        named = next(f.key for f in of.filters if f.personal)
        address = seek(client, key, **{named: "13800004321"})
        assert "4321" not in address
        assert client.get(address).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "x" * 5_000, "AAAA", "%00", "冯", "{}"])
def test_a_damaged_token_is_as_if_nothing_was_typed(lead, rows, token):
    page = lead.get("/registrations", query_string={"sought": token})
    assert numbers(page) == set(rows)


def test_a_token_serves_one_person_and_one_list(app, lead, rows):
    address = seek(lead, q="没有这个人")
    assert numbers(lead.get(address)) == set()
    colleague = staff.signed_in(app, LEAD)
    assert numbers(colleague.get(address)) == set(rows), "another's token finds nobody and hides nobody"
    query = urlsplit(address).query
    assert "没有这个人" not in staff.signed_in(app, ("triager", None, True)).get(f"/customers?{query}").get_data(
        as_text=True
    )


def test_a_search_is_exported_and_chosen_from_and_not_kept(app, lead, rows, post):
    query = urlsplit(seek(lead, q="没有这个人")).query
    made = lead.post(
        "/lists/registrations/export",
        data={"csrf_token": staff.csrf(lead), "query": query, "format": "csv", "columns": "all"},
    )
    assert made.status_code == 200
    assert not any(number in made.get_data(as_text=True) for number in rows)
    of = worklists.get("registrations")
    assert of is not None
    assert choice.state_of(of, dict(parse_qsl(f"province=31&{query}"))) == "province=31", "a saved view keeps no search"
    assert choice.names_a_customer(of, dict(parse_qsl(query))), "nor does an export that waits in a queue"


@pytest.mark.parametrize("key, status", [("nothing", 404), ("audit", 404), ("registrations", 403)])
def test_strangers_search_nothing(app, key, status):
    client = staff.signed_in(app, "engineer")
    answer = client.post(f"/lists/{key}/seek", data={"csrf_token": staff.csrf(client), "q": NAME})
    assert answer.status_code in (status, 403, 404)


def test_an_empty_search_shows_the_list(lead, rows):
    assert numbers(lead.get(seek(lead, q="  ", tab="nonsense"))) == set(rows)
    assert numbers(lead.get(seek(lead, q="x" * 10_000))) == set()
