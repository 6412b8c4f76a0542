"""Chosen columns: shown, hidden, ordered, reset; per person and list; the file takes them too."""

from __future__ import annotations

import re

from app.lists.views.choices import shifted
from tests.factories import staff
from tests.features.lists.conftest import LEAD

COLUMNS = "/lists/registrations/columns"
ALL = ["number", "name", "hospital", "department", "province", "due", "round", "status", "holder", "changed"]


def heads(client, path="/registrations"):
    return re.findall(r'<th role="columnheader" scope="col" class="c-(\w+)', client.get(path).get_data(as_text=True))


def test_columns_are_hidden_ordered_and_reset_per_person(app, rows, lead, post):
    assert heads(lead) == ALL
    shown = ["due", "number", "hospital"]
    answer = post(lead, COLUMNS, order=["due", "number", "hospital", "status"], show=shown, query="tab=todo")
    assert (answer.status_code, answer.location) == (303, "/registrations?tab=todo")
    assert heads(lead) == shown
    assert 'class="c-due ' in lead.get("/registrations").get_data(as_text=True).split("<tbody")[1].split("</td>")[1]
    assert heads(staff.signed_in(app, LEAD)) == ALL, "a colleague's list stays as it was"
    post(lead, COLUMNS, reset="1")
    assert heads(lead) == ALL


def test_the_rows_link_cannot_be_hidden(rows, lead, post):
    post(lead, COLUMNS, order=ALL, show=["hospital"])
    assert heads(lead) == ["number", "hospital"]
    assert "disabled" in lead.get(COLUMNS).get_data(as_text=True)


def test_without_scripts_an_arrow_saves_and_stays(rows, lead, post):
    answer = post(lead, COLUMNS, order=ALL, show=ALL, down="number", query="tab=late")
    assert (answer.status_code, answer.location) == (303, f"{COLUMNS}?query=tab%3Dlate")
    assert heads(lead)[:2] == ["name", "number"]
    post(lead, COLUMNS, order=["name", "number", *ALL[2:]], show=ALL, up="number")
    assert heads(lead) == ALL


def test_nonsense_changes_nothing_that_matters(rows, lead, post):
    post(lead, COLUMNS, order=["number", "number", "nothing", "<b>"], show=["nothing"], up="nothing")
    assert heads(lead) == ["number"]
    assert staff.signed_in  # the page still opens and can be put right
    post(lead, COLUMNS, reset="1")
    assert heads(lead) == ALL


def test_a_column_moves_one_place_and_stops_at_the_ends():
    assert [shifted(["a", "b", "c"], *move) for move in (("a", 1), ("a", -1), ("c", 1), ("c", -1), ("x", 1))] == [
        ["b", "a", "c"], ["a", "b", "c"], ["a", "b", "c"], ["a", "c", "b"], ["a", "b", "c"],
    ]  # fmt: skip


def test_a_choice_costs_no_statement(app, rows, lead, post):
    import sqlalchemy as sa

    from app.core.db import db

    def statements():
        taken = []
        with app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", listen := lambda *a: taken.append(a[2]))
        lead.get("/registrations")
        sa.event.remove(engine, "before_cursor_execute", listen)
        return len([s for s in taken if s.startswith(("SELECT", "WITH"))])

    lead.get("/registrations")
    before = statements()
    post(lead, COLUMNS, order=ALL, show=["number", "due"])
    post(lead, "/lists/registrations/start", query="tab=todo")
    lead.get("/registrations")
    assert statements() == before
