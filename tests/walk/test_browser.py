"""Taste, checked in Chromium on every page (decisions.md 35): no axe finding, no sideways scroll, the primary action in
the first viewport, touch targets of 44 px, no policy violation and no error on the console; light and dark.

`axe-core` lies under tests/vendor as it was published. Every endpoint is looked at once in Chinese (and, among the slow
tests, once in English) as the first role that reaches it, of the few roles that hold all rights between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from app.cli.demo.staff import LEADS
from app.core.policy import mark_of
from app.staff.roles import ROLES, Role
from tests.browser.live import PASSWORD
from tests.walk.walk import NO_PAGES, Answer, Walk

AXE = (Path(__file__).resolve().parents[1] / "vendor/axe-core-4.14.1/axe.min.js").read_text()
SIZES = {1366: 768, 390: 844}
AXE_READS = ((1366, "light"), (390, "dark"))  # both sizes, both schemes, half the time
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LANGUAGES = {"zh": "", "en": "lang=en"}
PUBLIC = ("/login", "/policy", "/policy/1", "/nowhere")

# What a sticky bar covers while one scrolls is no fault of the target: for axe the bars stand at their own place.
RUN_AXE = """async (tags) => {
  for (const bar of document.querySelectorAll('.top, .form-foot, .act-bar, .foot, .decide')) bar.style.position = 'static';
  const answer = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  for (const bar of document.querySelectorAll('.top, .form-foot, .act-bar, .foot, .decide')) bar.style.position = '';
  return answer.violations.map((v) => `${v.id}: ` + v.nodes.slice(0, 3).map(
    (n) => n.target.join(' ') + ' (' + (n.failureSummary.split('\\n')[1] ?? '').trim().slice(0, 160) + ')').join(' | '));
}"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"  # charts were redrawn
LOOK = """() => {
  const found = [];
  const shown = (n) => n.checkVisibility({opacityProperty: true, visibilityProperty: true}) && n.getClientRects().length;
  const clipped = (n) => { for (let a = n; a; a = a.parentElement) if (getComputedStyle(a).clipPath === 'inset(50%)') return true; };
  const name = (n) => n.tagName.toLowerCase() + (n.id ? '#' + n.id : '') + '.' + [...n.classList].join('.') + ' ' +
    (n.textContent || n.name || '').trim().slice(0, 20);
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.body.querySelectorAll('*')].filter((n) => shown(n) && !n.closest('.table-scroll') && n.getBoundingClientRect().right > innerWidth + 1);
    found.push('scrolls sideways: ' + wide.slice(-3).map(name).join(', '));
  }
  const go = [...document.querySelectorAll('main .btn--go')].find((n) => shown(n) && !n.closest('.swatch-board, [data-samples]'));
  if (go && go.getBoundingClientRect().top >= innerHeight) found.push('primary action below the first view: ' + name(go));
  if (innerWidth <= 390) {
    const inText = (n) => getComputedStyle(n).display === 'inline' && n.matches('a') &&
      [...n.parentNode.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim());
    for (const n of document.querySelectorAll('a[href], button, summary, select, textarea, input:not([type=hidden])')) {
      if (!shown(n) || n.disabled || inText(n) || n.matches('.sr, .skip') || clipped(n)) continue;
      const target = n.matches('input[type=checkbox], input[type=radio]') ? n.closest('label, td, th') ?? n : n;
      const box = target.getBoundingClientRect();
      if (box.width < 43.5 || box.height < 43.5) found.push(`small target ${Math.round(box.width)}x${Math.round(box.height)}: ${name(n)}`);
    }
  }
  return found.slice(0, 8);
}"""


class Visitor:
    """One role's browser window, and a quick client with the same cookie that finds the addresses."""

    def __init__(self, browser, base: str, role: Role | None, language: str) -> None:
        self.base, self.role, self.suffix = base, role, LANGUAGES[language]
        self.context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        self.context.add_init_script(AXE)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.http = requests.Session()
        if role is not None:
            self.page.goto(f"{base}/login")
            self.page.fill("input[name=email]", f"{role.value}@demo.invalid")
            self.page.fill("input[name=password]", PASSWORD)
            self.page.keyboard.press("Enter")
            self.page.wait_for_url(lambda url: "/login" not in url)
            for cookie in self.context.cookies():
                self.http.cookies.set(cookie["name"], cookie["value"])

    def fetch(self, path: str) -> Answer:
        answer = self.http.get(self.base + path, timeout=20)
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        return Answer(
            answer.status_code, kind, answer.text if kind == "text/html" else "", answer.url[len(self.base) :]
        )

    def look(self, path: str) -> Iterator[str]:
        """What is wrong with one page at both sizes; axe reads each size in one scheme."""
        self.errors.clear()
        joined = f"{path}{'&' if '?' in path else '?'}{self.suffix}" if self.suffix else path
        answer = self.page.goto(self.base + joined, wait_until="load")
        where = f"{self.role or 'visitor'} {self.suffix or 'lang=zh'} {path}"
        for width, height in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate(SETTLED)
            yield from (f"{where} at {width}: {found}" for found in self.page.evaluate(LOOK))
            for scheme in [scheme for at, scheme in AXE_READS if at == width]:
                self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                for found in self.page.evaluate(RUN_AXE, TAGS):
                    yield f"{where} at {width} {scheme}: axe {found}"
        expected = [] if answer is None or answer.status < 400 else ["Failed to load resource"]
        yield from (f"{where}: console {e}" for e in self.errors if not any(word in e for word in expected))

    def close(self) -> None:
        self.context.close()


def addresses(portal, visitor: Visitor) -> dict[str, str]:
    """Endpoint -> address of every page this visitor reaches; a reviewer takes a case first."""
    starts = []
    if visitor.role is Role.REVIEWER:
        visitor.page.goto(f"{visitor.base}/registrations")
        visitor.page.locator("form[action='/registrations/next'] button").first.click()
        visitor.page.wait_for_url("**/REG-*")
        starts.append(visitor.page.url[len(visitor.base) :])
        # Left at rest: the page gives back what it claimed ahead as it goes, which must not meet the next look's claim.
        visitor.page.wait_for_load_state("networkidle")
        visitor.page.goto(f"{visitor.base}/registrations")
        visitor.page.wait_for_load_state("networkidle")
    walk = Walk(portal, visitor.fetch).run(*starts)
    assert walk.broken == []
    return {endpoint: answer.path for endpoint, answer in walk.pages.items()}


def covering_roles(portal) -> list[Role]:
    """Few roles that hold between them every right that any role has to a page; greedy, the same on every run."""
    rules = [
        rule for rule in portal.url_map.iter_rules() if "GET" in rule.methods and not rule.rule.startswith(NO_PAGES)
    ]
    wanted = {mark.permission for rule in rules if (mark := mark_of(portal, rule.endpoint)) and mark.permission}
    held = {role: ROLES[role].permissions | (ROLES[role].lead if role in LEADS else set()) for role in Role}
    chosen: list[Role] = []
    while wanted & frozenset().union(*held.values()):
        best = max(Role, key=lambda role: len(held[role] & wanted))
        chosen.append(best)
        wanted -= held[best]
    return chosen


@pytest.mark.browser
@pytest.mark.parametrize("language", ["zh", pytest.param("en", marks=pytest.mark.slow)])
def test_every_page_once(stage, live, chromium, language):
    problems: list[str] = []
    seen: set[str] = set()
    stranger = Visitor(chromium, live.url, None, language)
    for path in PUBLIC:
        problems += stranger.look(path)
    stranger.close()
    for role in covering_roles(stage[0]):
        visitor = Visitor(chromium, live.url, role, language)
        for endpoint, path in addresses(stage[0], visitor).items():
            if endpoint not in seen:
                seen.add(endpoint)
                problems += visitor.look(path)
        visitor.close()
    assert len(seen) > 40
    assert problems == [], "\n".join(["", *problems])


@pytest.mark.browser
def test_the_look_can_fail(chromium):
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    context.add_init_script(AXE)
    page = context.new_page()
    page.goto("about:blank")
    page.set_content(
        "<title>x</title><main><h1>x</h1><p>word</p><button>a</button><img src='/x'><i class='wide'>·</i>"
        "<div style='width:800px'>wide</div><div style='height:2000px'></div><a class='btn--go' href='/'>go</a></main>"
    )
    looked = " ".join(page.evaluate(LOOK))
    assert all(word in looked for word in ("scrolls sideways", "below the first view", "small target")), looked
    assert any("image-alt" in found for found in page.evaluate(RUN_AXE, TAGS))
    context.close()
