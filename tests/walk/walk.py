"""The walk: as one role, every GET address without arguments, then whatever the pages link to, each endpoint once.

So a new page is covered on the day it is written. What no page of any role links to must be named, with its reason,
in `UNREACHED`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from app.core.web import Portal

LINK = re.compile(r'(?:href|data-href|data-drawer|hx-get)="(/[^"#]*)"')
NO_PAGES = ("/api/", "/wechat/", "/static/", "/ui/js/", "/healthz", "/readyz", "/metrics")
VARIANTS = 6  # other query strings of one page that are read for links
# endpoint -> why no walk gets there
UNREACHED = {
    "staff.invitation": "its link is mailed and holds a secret",
    "staff.password_link": "its link is mailed and holds a secret",
    "staff.link": "its link is mailed and holds a secret",
    "staff.link_page": "its link is mailed and holds a secret",
    "customers.ask_end_session": "nobody is signed in to the mini program here; tests/browser/test_customers.py",
    "customers.ask_end_sessions": "nobody is signed in to the mini program here; tests/features/customers",
    "customers.ask_release": "nobody is frozen here; tests/features/customers",
    "grants.case": "nobody asked for department access here; tests/features/grants",
    "grants.review": "no review is due here; tests/features/grants",
    "grants.review_evidence": "no review is due here; tests/features/grants",
    "hospitals.unknown_detail": "every hospital is in the directory here; tests/features/hospitals",
    "registrations.comparison": "no photo was used twice here; tests/features/registrations/test_hints_reuse.py",
    "registrations.comparisons": "no photo was used twice here; tests/features/registrations/test_hints_reuse.py",
    "registrations.reading": "a second reading is drawn days later; tests/features/registrations/test_reading_pages.py",
    "registrations.standing": "acts on a case that was decided; tests/features/registrations/test_flow_pages.py",
    "rating.ask": "its link is sent by SMS and holds a secret; tests/features/satisfaction/test_collection.py",
    "rating.thanks": "its link is sent by SMS and holds a secret; tests/features/satisfaction/test_collection.py",
    "satisfaction.page": "nothing was rated here; tests/features/satisfaction/test_audit.py",
    "staff.held_form": "no session ended while somebody typed; tests/features/staff/test_held_forms.py",
    "safety.case": "nobody was harmed here; tests/features/safety",
    "depot.label": "only a device that goes back unrepaired has one; tests/features/tickets/test_depot_pages.py",
    "tickets.ask_contact": "whether the first ticket names another contact is chance; tests/features/tickets",
    "dispatch.candidates": "no ticket waits here; tests/features/dispatch/test_pages.py",
    "dispatch.move_form": "no ticket waits here; tests/features/dispatch/test_board.py",
    "dispatch.plan": "no ticket waits here, so that there is nothing to plan; tests/features/dispatch/test_plans.py",
    "disclosures.ticket": "no dealer has looked at a job here; tests/features/dispatch/test_ledger_pages.py",
    "jobs.photo": "nobody has a job here; tests/features/dispatch/test_job_photos.py",
    "visits.ask": "nothing waits for parts here; tests/features/dispatch/test_job_photos.py",
    "jobs.page": "nobody has a job here; tests/features/dispatch/test_jobs.py",
    "jobs.ask": "nobody has a job here; tests/features/dispatch/test_jobs.py",
    "engineers.detail": "no engineer has a profile here; tests/features/dispatch/test_pages.py",
    "engineers.edit": "no engineer has a profile here; tests/features/dispatch/test_pages.py",
    "engineers.shifts": "no engineer has a profile here; tests/features/dispatch/test_pages.py",
    "engineers.new_skill": "no engineer has a profile here; tests/features/dispatch/test_pages.py",
    "dealers.contract": "no contract is registered here; tests/features/dispatch/test_pages.py",
    "dealers.edit_contract": "no contract is registered here; tests/features/dispatch/test_pages.py",
    "dealers.contract_file": "no contract is registered here; tests/features/dispatch/test_pages.py",
    "contracts.ask_end": "no contract is registered here; tests/features/dispatch/test_pages.py",
    "lists.view": "a person's saved view; tests/features/lists",
    "lists.download_export": "a finished export; tests/features/lists",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a fetch gave: after redirects, where it ended."""

    status: int
    mimetype: str
    text: str
    path: str

    @property
    def page(self) -> bool:
        return self.status == 200 and self.mimetype == "text/html" and "<!doctype html>" in self.text[:400].lower()


@dataclass(slots=True)
class Walk:
    """What one visitor found: endpoint -> the first address of it that is a page, and its parts (fragments)."""

    app: Portal
    fetch: Callable[[str], Answer]
    pages: dict[str, Answer] = field(default_factory=dict)
    parts: dict[str, Answer] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    _tried: dict[str, int] = field(default_factory=dict)

    def run(self, *starts: str) -> Walk:
        """Visit everything from the addresses without arguments and ``starts``."""
        todo = [*starts, *plain_addresses(self.app)]
        seen: set[str] = set()
        while todo:
            path = todo.pop(0)
            if path in seen or not self._wanted(path):
                continue
            seen.add(path)
            todo += self._visit(path)
        return self

    def _wanted(self, path: str) -> bool:
        endpoint = self.endpoint(path)
        if endpoint is None or path.startswith(NO_PAGES):
            return False
        known = endpoint in self.pages or endpoint in self.parts
        return self._tried.get(endpoint, 0) < (VARIANTS if known and "?" in path else 3 if not known else 0)

    def _visit(self, path: str) -> list[str]:
        asked = self.endpoint(path) or ""
        self._tried[asked] = self._tried.get(asked, 0) + 1
        answer = self.fetch(path)
        if answer.status >= 500:
            self.broken.append(f"{path}: {answer.status}")
        if answer.status != 200 or answer.mimetype != "text/html":
            return []
        landed = self.endpoint(answer.path) or asked
        (self.pages if answer.page else self.parts).setdefault(landed, answer)
        return [unescape(found) for found in LINK.findall(answer.text)]

    def endpoint(self, path: str) -> str | None:
        """The endpoint behind an address of this portal."""
        try:
            found = self.app.url_map.bind("localhost").match(path.split("?")[0], method="GET")
        except (HTTPException, RequestRedirect):
            return None
        return str(found[0])


def plain_addresses(app: Portal) -> Iterator[str]:
    """Every GET rule without arguments that is meant for people."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments and not rule.rule.startswith(NO_PAGES):
            yield rule.rule


def with_arguments(app: Portal) -> set[str]:
    """Endpoints that need a sample to be visited."""
    return {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.arguments and not rule.rule.startswith(NO_PAGES)
    }
