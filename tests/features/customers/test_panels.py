"""Panels of a person's page: by right, in order, each with what it read."""

from __future__ import annotations

from types import MappingProxyType

from app.core.db import new_id
from app.core.policy import Actor, Permission
from app.core.registry import Registry
from app.customers import panels
from app.customers.models import Customer
from app.customers.panels import CustomerPanel

P = Permission


def test_an_actor_gets_the_panels_of_his_rights_in_order(monkeypatch):
    found: Registry[CustomerPanel] = Registry("panels under test")
    monkeypatch.setattr(panels, "customer_panels", found)
    for key, order, right in (("late", 9, P.CUSTOMERS_READ), ("early", 1, P.CUSTOMERS_READ), ("not", 2, P.AUDIT_READ)):
        found.add(key, CustomerPanel(key, key, order, right, "x.html", lambda _a, c, key=key: {"of": c.id, "key": key}))
    actor = Actor("staff", id=new_id(), rights=MappingProxyType({P.CUSTOMERS_READ: None}))
    person = Customer(id=new_id())
    drawn = panels.panels_for(actor, person)
    assert [d.values["key"] for d in drawn] == ["early", "late"]
    assert {d.values["of"] for d in drawn} == {person.id}
