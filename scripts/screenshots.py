"""`make screenshots`: the README's pictures, taken from a throw-away portal with demo data."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import browser
from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
REVIEW_PAGES = {
    "report": "/registrations/report",
    "reviewers": "/registrations/reviewers",
    "readings": "/registrations/readings",
    "agreement": "/registrations/readings/agreement",
}
GRANT_PAGES = {
    "grants": "/grants?tab=active",
    "grant-rules": "/grants/policy",
    "grant-reviews": "/grants/reviews",
}
SIZES = {1366: (1366, 768), 390: (390, 844)}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("PORTAL_INSTANCE")
    with tempfile.TemporaryDirectory() as temporary, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        folder = given or temporary
        environ = {**os.environ, "PORTAL_ENV": "development", "PORTAL_INSTANCE": folder, "PORTAL_PORT": str(port)}
        server = subprocess.Popen(
            [sys.executable, "scripts/serve.py"], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL
        )
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            _take(f"http://127.0.0.1:{port}", Path(folder, "demo-password").read_text().strip())
        finally:
            server.terminate()
            server.wait(30)


def _take(base: str, password: str) -> None:
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=browser.find(), args=["--no-sandbox", "--disable-gpu"])
        for width, (w, h) in SIZES.items():
            context = program.new_context(viewport={"width": w, "height": h}, locale="zh-CN")
            page = context.new_page()
            page.goto(f"{base}/login")
            _save(page, f"login-{width}")
            _sign_in(page, base, "reviewer2@demo.invalid", password)
            _save(page, f"today-{width}")
            page.goto(f"{base}/registrations")
            _save(page, f"queue-{width}")
            page.locator("form[action='/registrations/next'] button").first.click()
            page.wait_for_url("**/REG-*")
            page.locator("[data-viewer-stage] img").first.wait_for()
            page.wait_for_timeout(600)
            _save(page, f"case-{width}")
            _beside(page, width)
            context.clear_cookies()
            _sign_in(page, base, "reviewer@demo.invalid", password)
            _leads(page, base, width)
            context.clear_cookies()
            _sign_in(page, base, "triager@demo.invalid", password)
            page.goto(f"{base}/customers")
            _save(page, f"customers-{width}")
            page.goto(page.locator("tr[data-row] a").first.evaluate("link => link.href"))
            _save(page, f"customer-{width}")
            _tickets(page, base, width)
            context.clear_cookies()
            _sign_in(page, base, "reviewer@demo.invalid", password)
            for name, path in REVIEW_PAGES.items():
                page.goto(f"{base}{path}")
                page.wait_for_timeout(600)
                _save(page, f"{name}-{width}")
            _bulk(page, base, width)
            page.goto(f"{base}/registrations/readings")
            page.locator("form[action='/registrations/readings/next'] button").first.click()
            page.wait_for_url("**/RDG-*")
            page.wait_for_timeout(600)
            _save(page, f"reading-{width}")
            context.clear_cookies()
            _sign_in(page, base, "grant_manager@demo.invalid", password)
            _grants(page, base, width)
            context.clear_cookies()
            _depot(page, base, width, password)
            context.clear_cookies()
            _dispatch(page, base, width, password)
            context.clear_cookies()
            _sign_in(page, base, "admin@demo.invalid", password)
            page.goto(f"{base}/staff")
            _save(page, f"staff-{width}")
            context.close()
        program.close()


def _dispatch(page: Page, base: str, width: int, password: str) -> None:
    """The week board, a ticket being moved, and the weights."""
    _sign_in(page, base, "dispatcher@demo.invalid", password)
    page.goto(f"{base}/dispatch")
    page.locator(".bd-wait").first.wait_for()
    _save(page, f"dispatch-{width}")
    page.goto(page.locator(".bd-wait").first.evaluate("link => link.href"))
    page.locator(".bd-panel h2").first.wait_for()
    _save(page, f"dispatch-ticket-{width}")
    page.goto(f"{base}/dispatch/weights")
    _save(page, f"weights-{width}")


def _tickets(page: Page, base: str, width: int) -> None:
    """A call being taken down, the list, a report in triage and its page, the register and one device of it."""
    page.goto(f"{base}/tickets/new")
    page.fill("#caller_phone", "138 0000 1111")
    page.fill("#contact_name", "严示范")
    page.locator("label:has(input[name=contact_who][value=other])").click()
    page.fill("#hospital_q", "示范")
    page.keyboard.press("Tab")
    page.locator("#in-place input[name=hospital_id]").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)
    page.locator("#in-place input[name=hospital_id]").first.check()
    page.locator("#in-place select").first.wait_for()
    page.fill("#serial_number", "7654321")
    page.keyboard.press("Tab")
    page.locator("#in-device .hint").wait_for()
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    _save(page, f"call-{width}")
    page.goto(f"{base}/tickets")
    _save(page, f"tickets-{width}")
    page.locator("form[action='/tickets/next'] button").first.click()
    page.wait_for_url("**/triage")
    page.wait_for_timeout(600)
    _save(page, f"triage-{width}")
    page.goto(page.url.removesuffix("/triage"))
    _save(page, f"ticket-{width}")
    page.goto(f"{base}/devices")
    _save(page, f"devices-{width}")
    page.goto(page.locator("tr[data-row] a").first.evaluate("link => link.href"))
    _save(page, f"device-{width}")


def _beside(page: Page, width: int) -> None:
    """Pages beside a decision, from the case that is open."""
    case = page.url
    for name in ("pass", "merge"):
        page.goto(f"{case}/{name}")
        _save(page, f"{name}-{width}")


def _bulk(page: Page, base: str, width: int) -> None:
    """Before a bulk act: who it takes, who is refused, and the button in view."""
    page.goto(f"{base}/registrations")
    for box in page.locator("tbody input[type=checkbox]").all()[:8]:
        box.check(force=True)
    page.locator(".bulk button").filter(has_text="释放占用").first.click()
    page.wait_for_url("**/bulk-release**")
    _save(page, f"bulk-{width}")


def _grants(page: Page, base: str, width: int) -> None:
    """What a manager of grants works with: the list, one grant, its preview, the review, and what the person sees."""
    for name, path in GRANT_PAGES.items():
        page.goto(f"{base}{path}")
        _save(page, f"{name}-{width}")
    review = page.locator("table a").first
    if review.count():
        review.click()
        _save(page, f"grant-review-{width}")
    page.goto(f"{base}/grants?tab=active")
    page.goto(page.locator("tr[data-row] a").first.evaluate("link => link.href"))
    _save(page, f"grant-{width}")
    page.goto(page.locator("a[href*='/tickets/as/']").first.evaluate("link => link.href"))
    _save(page, f"seen-as-{width}")
    page.goto(f"{base}/grants/new?customer={page.url.partition('?')[0].rsplit('/', 1)[1]}")
    page.locator("input[name=departments]").first.check()
    page.locator("button[name=do][value=preview]").first.click()
    page.locator("#preview").wait_for()
    _save(page, f"grant-preview-{width}")


def _depot(page: Page, base: str, width: int, password: str) -> None:
    """The list, a bench with its quote's form, and a sheet as the tester fills it in."""
    _sign_in(page, base, "depot@demo.invalid", password)
    page.goto(f"{base}/depot?tab=repair")
    _save(page, f"depot-{width}")
    page.goto(page.locator("tr[data-row] a").first.evaluate("link => link.href"))
    page.wait_for_timeout(600)
    _save(page, f"depot-bench-{width}")
    page.goto(f"{page.url}/quote")
    _save(page, f"depot-quote-{width}")
    page.context.clear_cookies()
    _sign_in(page, base, "quality@demo.invalid", password)
    page.goto(f"{base}/depot?tab=release")
    page.goto(page.locator("tr[data-row] a").first.evaluate("link => link.href") + "/test")
    _save(page, f"depot-test-{width}")


def _leads(page: Page, base: str, width: int) -> None:
    """What a lead works with: reasons, reviewers, the standing of an approved case, rounds beside each other."""
    for name in ("reasons", "reasons/photo_glare", "team"):
        page.goto(f"{base}/registrations/{name}")
        _save(page, f"{name.partition('/')[0] if name != 'reasons/photo_glare' else 'reason'}-{width}")
    page.goto(f"{base}/registrations?tab=done")
    decided = page.locator("tr[data-row] a").first.evaluate("link => link.href")
    for name in ("standing", "views", "proof"):
        page.goto(f"{decided}/{name}")
        _save(page, f"{name}-{width}")
    page.goto(f"{base}/registrations?tab=retake&round=2")
    rows = page.locator("tr[data-row] a")
    if rows.count():
        page.goto(rows.first.evaluate("link => link.href") + "/rounds")
        _save(page, f"rounds-{width}")


def _sign_in(page: Page, base: str, email: str, password: str) -> None:
    page.goto(f"{base}/login")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def _save(page: Page, name: str) -> None:
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
    print(path.relative_to(ROOT))


def _wait(url: str) -> None:
    for _attempt in range(3_000):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the portal did not start")


if __name__ == "__main__":
    main()
