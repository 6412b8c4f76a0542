"""Sessions, cookies and forgery (OWASP ASVS 5.0.0 chapters 3 and 7), one test or more per row, named by its id."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock, policy
from app.core.db import db
from app.core.web import SAFE_METHODS
from app.staff import service
from app.staff.models import StaffSession
from app.staff.tokens import hash_token, new_token
from app.staff.views.visitor import next_page
from tests.factories import staff

EMAIL = "session@demo.invalid"


@pytest.fixture
def cookie(app):
    return app.extensions["settings"].cookie_name


def enter(client, email=EMAIL, password=staff.PASSWORD, **more):
    token = staff.csrf(client, "/login")
    return client.post("/login", data={"csrf_token": token, "email": email, "password": password, **more})


def value(client, name):
    found = client.get_cookie(name)
    return found.value if found else None


def test_asvs_7_2_1_sessions_live_on_the_server_and_a_forged_id_leads_to_sign_in(app, client, cookie):
    client.set_cookie(cookie, new_token())
    answer = client.get("/account")
    assert answer.status_code == 302
    assert answer.location == "/login?next=%2Faccount"


@pytest.mark.parametrize("forged", ["", "x", "0" * 43, "a" * 4_000, "' OR 1=1 --", "../../etc", "%00" * 15])
def test_asvs_7_2_1_odd_cookies_are_no_session(client, cookie, forged):
    client.set_cookie(cookie, forged)
    assert client.get("/account").status_code == 302
    assert client.get("/login").status_code == 200


def test_asvs_7_2_3_tokens_have_256_random_bits_and_only_their_hash_is_stored(app, client, cookie, work):
    staff.with_password(app, email=EMAIL)
    enter(client)
    token = value(client, cookie)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert len({new_token() for _ in range(1_000)}) == 1_000
    with work():
        row = db.session.scalars(sa.select(StaffSession)).one()
        assert token.encode() not in row.token_hash
        assert len(row.token_hash) == 32


def test_asvs_7_2_4_new_session_id_at_sign_in(app, client, cookie):
    staff.with_password(app, email=EMAIL)
    client.get("/login")
    before = value(client, cookie)
    enter(client)
    first = value(client, cookie)
    assert before and first and before != first
    client.post("/logout", data={"csrf_token": staff.csrf(client)})
    enter(client)
    assert value(client, cookie) not in (before, first)


def test_asvs_7_2_4_new_session_id_at_step_up_and_the_old_one_is_dead(app, client, cookie):
    staff.with_password(app, email=EMAIL)
    enter(client)
    before = value(client, cookie)
    fields = {"csrf_token": staff.csrf(client), "password": staff.PASSWORD, "next": "/account/password"}
    answer = client.post("/account/confirm", data=fields)
    assert answer.location == "/account/password"
    assert value(client, cookie) != before
    assert client.get("/account").status_code == 200
    client.set_cookie(cookie, before)
    assert client.get("/account").status_code == 302


def test_asvs_7_2_4_a_planted_cookie_does_not_become_a_session(app, client, cookie):
    """Session fixation: the id known to the planter stays worthless after the victim signed in."""
    staff.with_password(app, email=EMAIL)
    planted = new_token()
    client.set_cookie(cookie, planted)
    enter(client)
    assert value(client, cookie) != planted
    other = app.test_client()
    other.set_cookie(cookie, planted)
    assert other.get("/account").status_code == 302


def test_asvs_7_3_1_thirty_idle_minutes_end_the_session(app):
    client = staff.signed_in(app, "engineer")
    with clock.advanced(timedelta(minutes=29)):
        assert client.get("/account").status_code == 200
    with clock.advanced(timedelta(minutes=58)):
        assert client.get("/account").status_code == 200
    with clock.advanced(timedelta(minutes=89)):
        assert client.get("/account").status_code == 302


def test_asvs_7_3_2_twelve_hours_end_the_session_however_busy(app):
    client = staff.signed_in(app, "engineer")
    for minutes in range(25, 12 * 60, 25):
        with clock.advanced(timedelta(minutes=minutes)):
            assert client.get("/account").status_code == 200, minutes
    with clock.advanced(timedelta(hours=12)):
        assert client.get("/account").status_code == 302


def test_last_seen_is_written_once_a_minute_and_by_nothing_else(app, work):
    client = staff.signed_in(app, "engineer")

    def seen():
        with work():
            return db.session.scalars(sa.select(StaffSession.last_seen_at)).one()

    first = seen()
    client.get("/account")
    assert seen() == first
    with clock.advanced(timedelta(seconds=61)):
        client.get("/account")
    assert seen() > first


def test_asvs_7_4_1_a_cookie_replayed_after_sign_out_leads_to_sign_in(app, client, cookie):
    staff.with_password(app, email=EMAIL)
    enter(client)
    token = value(client, cookie)
    answer = client.post("/logout", data={"csrf_token": staff.csrf(client)})
    assert answer.location == "/login"
    assert value(client, cookie) is None
    client.set_cookie(cookie, token)
    assert client.get("/account").location == "/login?next=%2Faccount"


def test_asvs_7_4_2_disabling_an_account_ends_its_sessions_at_the_next_request(app):
    actor = staff.member(app, "engineer")
    victim = staff.client_of(app, actor.id)
    admin = staff.signed_in(app, "admin")
    assert victim.get("/account").status_code == 200
    answer = admin.post(f"/staff/{actor.id}/disable", data={"csrf_token": staff.csrf(admin), "heir": ""})
    assert answer.status_code == 302
    assert victim.get("/account").status_code == 302


def test_asvs_7_4_3_changing_the_password_ends_every_other_session(app, client, cookie):
    staff_id = staff.with_password(app, email=EMAIL)
    elsewhere = staff.client_of(app, staff_id)
    enter(client)
    before = value(client, cookie)
    new = "another river with no pines"
    fields = {"csrf_token": staff.csrf(client), "current": staff.PASSWORD, "new": new, "again": new}
    assert client.post("/account/password", data=fields).location == "/account"
    assert client.get("/account").status_code == 200
    assert value(client, cookie) != before
    assert elsewhere.get("/account").status_code == 302
    client.post("/logout", data={"csrf_token": staff.csrf(client)})
    assert enter(client).status_code == 422
    assert enter(client, password=new).status_code == 302


def test_asvs_7_4_5_an_administrator_ends_one_session_or_all(app):
    actor = staff.member(app, "engineer")
    one, two, three = (staff.client_of(app, actor.id) for _ in range(3))
    admin = staff.signed_in(app, "admin")
    path = re.search(rf"/staff/{actor.id}/sessions/[\w-]+/end", admin.get(f"/staff/{actor.id}").text).group()
    token = staff.csrf(admin)
    assert admin.post(path, data={"csrf_token": token}).status_code == 302
    assert sorted(c.get("/account").status_code for c in (one, two, three)) == [200, 200, 302]
    assert admin.post(path, data={"csrf_token": token}).status_code == 404
    assert admin.post(f"/staff/{actor.id}/sessions/end-all", data={"csrf_token": token}).status_code == 302
    assert [c.get("/account").status_code for c in (one, two, three)] == [302, 302, 302]


def test_asvs_7_4_5_nobody_else_ends_them(app):
    actor = staff.member(app, "engineer")
    victim = staff.client_of(app, actor.id)
    for role in ("reviewer", "auditor", "privacy_officer"):
        client = staff.signed_in(app, role)
        answer = client.post(f"/staff/{actor.id}/sessions/end-all", data={"csrf_token": staff.csrf(client)})
        assert answer.status_code == 403
    assert victim.get("/account").status_code == 200


@pytest.mark.parametrize(
    "path", ["/account/second-factor/start", "/account/second-factor/remove", "/account/recovery-codes"]
)
def test_asvs_7_5_1_changing_the_second_factor_needs_a_fresh_sign_in(app, path):
    actor = staff.member(app, "engineer")
    client = staff.client_of(app, actor.id, signed_in_at=clock.now() - timedelta(minutes=11))
    answer = client.post(path, data={"csrf_token": staff.csrf(client)})
    assert answer.status_code == 403
    assert "/account/confirm" in answer.text


def test_asvs_7_5_1_granting_a_role_needs_a_fresh_sign_in_and_leads_to_the_password(app):
    actor, target = staff.member(app, "admin"), staff.member(app)
    client = staff.client_of(app, actor.id, signed_in_at=clock.now() - timedelta(minutes=11))
    answer = client.get(f"/staff/{target.id}/roles")
    assert answer.status_code == 302
    assert answer.location.startswith("/account/confirm?next=")
    post = client.post(
        f"/staff/{target.id}/roles",
        data={"csrf_token": staff.csrf(client), "role": "engineer", "reach": "country"},
    )
    assert post.status_code == 403


def test_asvs_7_5_2_people_list_and_end_their_own_sessions(app):
    actor = staff.member(app, "engineer")
    one, two = staff.client_of(app, actor.id), staff.client_of(app, actor.id)
    assert one.get("/account").text.count("Chrome · Windows") == 2
    assert one.post("/account/sessions/end-others", data={"csrf_token": staff.csrf(one)}).status_code == 302
    assert two.get("/account").status_code == 302
    stranger = staff.member(app, "engineer")
    theirs = staff.client_of(app, stranger.id)
    path = re.search(r"/account/sessions/[\w-]+/end", _two(app, stranger.id).get("/account").text).group()
    assert one.post(path, data={"csrf_token": staff.csrf(one)}).status_code == 404
    assert theirs.get("/account").status_code == 200


def _two(app, staff_id):
    staff.client_of(app, staff_id)
    return staff.client_of(app, staff_id)


def test_asvs_3_3_1_to_3_3_4_the_cookie_of_production(production):
    client = production.test_client()
    answer = client.get("/login", base_url="https://portal.invalid")
    (cookie,) = [c for c in answer.headers.getlist("Set-Cookie") if "portal=" in c]
    name, _, rest = cookie.partition("=")
    flags = {part.strip() for part in rest.split(";")[1:]}
    assert name == "__Host-portal"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= flags
    assert not any(flag.lower().startswith(("domain", "max-age", "expires")) for flag in flags)


def test_asvs_3_3_nothing_but_the_token_is_stored_client_side(app, client, cookie):
    staff.with_password(app, email=EMAIL)
    enter(client)
    client.get("/account")
    assert {c.key for c in client._cookies.values()} == {cookie}
    with app.test_request_context():
        from flask import session

        with pytest.raises(RuntimeError):
            session["anything"] = 1


def test_asvs_3_5_1_the_sign_in_form_needs_its_token(app, client):
    staff.with_password(app, email=EMAIL)
    answer = client.post("/login", data={"email": EMAIL, "password": staff.PASSWORD})
    assert answer.status_code == 400
    client.get("/login")
    assert client.post("/login", data={"email": EMAIL, "password": staff.PASSWORD}).status_code == 400
    assert enter(client).status_code == 302


def test_asvs_3_5_1_a_token_of_another_session_is_refused(app):
    one, two = staff.signed_in(app, "engineer"), staff.signed_in(app, "engineer")
    stolen = staff.csrf(one)
    assert two.post("/account/preferences", data={"csrf_token": stolen, "theme": "dark"}).status_code == 400
    assert one.post("/account/preferences", data={"csrf_token": stolen, "theme": "dark"}).status_code == 302


def test_asvs_3_5_1_a_token_of_before_the_sign_in_is_refused_after_it(app, client):
    staff.with_password(app, email=EMAIL)
    old = staff.csrf(client, "/login")
    enter(client)
    assert client.post("/account/preferences", data={"csrf_token": old, "theme": "dark"}).status_code == 400


def test_asvs_3_5_1_every_post_of_this_room_refuses_without_token(app):
    client = staff.signed_in(app, "admin")
    some = "01890000-0000-7000-8000-000000000000"
    paths = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff.") and rule.methods - SAFE_METHODS:
            path = re.sub(r"<uuid:\w+>", some, rule.rule)
            paths.append(re.sub(r"<\w+>", "engineer", path))
    assert len(paths) > 15
    for path in paths:
        assert client.post(path).status_code == 400, path


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.invalid", "https:evil.invalid", "https://evil.invalid/x", "/\\evil.invalid", "\\\\evil.invalid",
        "javascript:alert(1)", "/%0d%0aX: y\r\nSet-Cookie: a=b", " /staff", "/\t/evil.invalid", "", "staff", "/x y",
        "///evil.invalid", "/\x00", "/logout", "/login?next=/staff", "/" + "a" * 3_000,
    ],
)  # fmt: skip
def test_asvs_3_7_2_next_stays_on_this_host(app, wanted):
    with app.test_request_context():
        assert next_page(wanted) == "/"
        assert next_page(wanted, "/account") == "/account"


def test_asvs_3_7_2_next_leads_to_a_path_of_ours_only(app, client):
    staff.with_password(app, email=EMAIL)
    assert enter(client, next="//evil.invalid").location == "/"
    client.post("/logout", data={"csrf_token": staff.csrf(client)})
    assert enter(client, next="/account/password?x=1").location == "/account/password?x=1"
    assert client.get("/login?next=https:evil.invalid").location == "/"


def test_asvs_14_3_1_signing_out_clears_the_browser(app):
    client = staff.signed_in(app, "engineer")
    answer = client.post("/logout", data={"csrf_token": staff.csrf(client)})
    assert '"cookies"' in answer.headers["Clear-Site-Data"]
    assert '"storage"' in answer.headers["Clear-Site-Data"]


def test_asvs_8_3_1_a_right_taken_is_gone_at_the_next_request(app, work):
    actor = staff.member(app, "admin")
    client = staff.client_of(app, actor.id)
    boss = staff.signed_in(app, "admin")
    assert client.get("/staff").status_code == 200
    taken = boss.post(f"/staff/{actor.id}/roles/admin/take", data={"csrf_token": staff.csrf(boss)})
    assert taken.status_code == 302
    assert client.get("/staff").status_code == 403


def test_every_page_of_this_room_is_marked(app):
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("staff."):
            assert policy.mark_of(app, rule.endpoint) is not None


def test_old_sessions_are_forgotten_but_the_last_one_says_when_somebody_was_here(app, work):
    now = clock.now()
    with work():
        one, two = staff.account(), staff.account()
        for row, days, stage in (
            (one, 90, "full"),
            (one, 60, "full"),
            (one, 60, "password"),
            (two, 90, "full"),
            (two, 1, "full"),
        ):
            at = now - timedelta(days=days)
            db.session.add(
                StaffSession(
                    token_hash=hash_token(new_token()),
                    staff_id=row.id,
                    stage=stage,
                    created_at=at,
                    signed_in_at=at,
                    last_seen_at=at,
                    expires_at=at + timedelta(hours=12),
                )
            )
        ids = {one.id: [60], two.id: [1]}
    with work():
        assert service.forget_sessions() == 3
    with work():
        for staff_id, days in ids.items():
            rows = db.session.scalars(sa.select(StaffSession).where(StaffSession.staff_id == staff_id)).all()
            assert [(now - row.last_seen_at).days for row in rows] == days
            assert all(row.stage == "full" for row in rows)
