"""Passwords, throttles and the second factor (OWASP ASVS 5.0.0 chapter 6), named by row."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa
from argon2 import extract_parameters

from app.core import clock
from app.core.audit import AuditEvent
from app.core.db import db
from app.core.errors import Invalid
from app.staff import passwords, second_factor
from app.staff.models import RecoveryCode, StaffAccount
from tests.factories import staff

EMAIL = "auth@demo.invalid"
SECURE = {"base_url": "https://portal.invalid", "headers": {"Referer": "https://portal.invalid/login"}}


def enter(client, email=EMAIL, password=staff.PASSWORD, **kw):
    token = staff.csrf(client, "/login")
    return client.post("/login", data={"csrf_token": token, "email": email, "password": password}, **kw)


@pytest.fixture
def verifications(monkeypatch):
    """How often argon2 was asked."""
    calls = []
    real = passwords._hasher.verify

    class Counting:
        def verify(self, stored, password):
            calls.append(stored)
            return real(stored, password)

        def __getattr__(self, name):
            return getattr(original, name)

    original = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    return calls


# -- passwords


@pytest.mark.pure
@pytest.mark.parametrize(
    "good",
    [
        staff.PASSWORD,
        "x9" * 30 + "Kp!tz",
        "我家门前有一条安静的小河流过",
        "Zk4$ 2vLm qq8R",
        "😀绿色的松树下面有河水流过呀",
    ],
)
def test_asvs_6_2_1_twelve_characters_or_more_and_6_2_9_long_ones_are_taken(good):
    passwords.refuse_weak(good)


@pytest.mark.pure
def test_asvs_6_2_1_eleven_characters_are_too_few_and_6_2_9_one_hundred_and_twenty_eight_are_enough():
    unusual = "vq7 Lm2 xt9 " * 10 + "Zk4 pR8 w"
    passwords.refuse_weak(unusual[:128])
    for length in (0, 1, 11):
        with pytest.raises(Invalid):
            passwords.refuse_weak(unusual[:length])
    with pytest.raises(Invalid):
        passwords.refuse_weak(unusual[:128] + "y")


@pytest.mark.pure
@pytest.mark.parametrize(
    "common",
    [
        "password1234", "Passw0rd2026!!", "PASSWORDPASSWORD", "qwertyuiop12", "1qaz2wsx3edc4rfv", "abcdefghijkl",
        "123456789012", "aaaaaaaaaaaa", "abcabcabcabc", "Olympus2026!", "0lympus0lympus", "iloveyou1234!",
        "correcthorsebatterystaple", "zyxwvutsrqpo", "098765432109", "administrator1", "woaini1314520", "adminpassword1!",
        "asdfghjkl;'12", "Welcome@2026#", "奥林巴斯奥林巴斯奥林巴斯",
    ],
)  # fmt: skip
def test_asvs_6_2_4_common_passwords_and_6_2_12_their_patterns_are_refused(common):
    with pytest.raises(Invalid):
        passwords.refuse_weak(common)


@pytest.mark.pure
def test_asvs_6_2_11_ones_own_name_is_no_password():
    with pytest.raises(Invalid):
        passwords.refuse_weak("wangxiaoming88", email="wangxiaoming@demo.invalid")
    passwords.refuse_weak("wangxiaoming likes old pines", email="wangxiaoming@demo.invalid")


@pytest.mark.pure
def test_asvs_6_2_8_the_password_is_checked_as_typed():
    stored = passwords.hash_password("  Spaces And CASE kept  ")
    assert passwords.verify(stored, "  Spaces And CASE kept  ")
    assert not passwords.verify(stored, "Spaces And CASE kept")
    assert not passwords.verify(stored, "  spaces and case kept  ")


@pytest.mark.pure
def test_asvs_11_4_2_argon2id_with_the_stated_parameters_also_for_nobody():
    for stored in (passwords.hash_password(staff.PASSWORD), passwords.NOBODY):
        found = extract_parameters(stored)
        assert (found.type.name, found.time_cost, found.memory_cost) == ("ID", 2, 47_104)
        assert not passwords.is_stale(stored)


@pytest.mark.pure
def test_absurd_lengths_are_not_hashed(verifications):
    stored = passwords.hash_password(staff.PASSWORD)
    assert not passwords.verify(stored, "a" * 100_000)
    assert not passwords.verify(None, "")
    assert verifications == []


def test_a_stale_hash_is_renewed_at_sign_in(app, client, work):
    from argon2 import PasswordHasher

    staff_id = staff.with_password(app, email=EMAIL)
    with work():
        cheap = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1)
        db.session.get(StaffAccount, staff_id).password_hash = cheap.hash(staff.PASSWORD)
    assert enter(client).status_code == 302
    with work():
        assert not passwords.is_stale(db.session.get(StaffAccount, staff_id).password_hash)


def test_asvs_6_2_3_changing_it_needs_the_present_one(app, client):
    staff.with_password(app, email=EMAIL)
    enter(client)
    new = "another river with no pines"
    fields = {"csrf_token": staff.csrf(client), "current": "not the present one", "new": new, "again": new}
    answer = client.post("/account/password", data=fields)
    assert answer.status_code == 422
    assert "密码不正确" in answer.text


# -- throttle, unknown accounts


def test_asvs_6_3_1_five_tries_a_minute_per_account_then_429_and_no_lockout(app, client):
    staff.with_password(app, email=EMAIL)
    codes = [enter(client, password="wrong wrong wrong").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]
    refused = enter(client)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= 60
    with clock.advanced(timedelta(seconds=61)):
        assert enter(client).status_code == 302


def test_asvs_6_3_1_the_throttle_is_per_account_not_global(app, client):
    staff.with_password(app, email=EMAIL)
    for _ in range(6):
        enter(client, email="someone.else@demo.invalid", password="wrong wrong wrong")
    assert enter(client).status_code == 302


def test_asvs_6_3_1_an_address_is_throttled_over_all_accounts(app, client):
    codes = [enter(client, email=f"u{n}@demo.invalid", password="wrong").status_code for n in range(31)]
    assert codes == [422] * 30 + [429]


def test_asvs_6_3_1_unknown_accounts_are_throttled_alike(client):
    codes = [enter(client, email="nobody@demo.invalid", password="wrong wrong wrong").status_code for _ in range(6)]
    assert codes == [422] * 5 + [429]


def test_asvs_6_3_2_there_is_no_default_account(app, work):
    with work():
        assert db.session.scalars(sa.select(StaffAccount)).all() == []


@pytest.mark.parametrize("case", ["unknown", "wrong", "disabled", "invited"])
def test_asvs_6_3_8_one_verification_and_one_answer_whatever_is_wrong(app, client, work, verifications, case):
    staff_id = staff.with_password(app, email=EMAIL)
    with work():
        row = db.session.get(StaffAccount, staff_id)
        row.state = {"disabled": "disabled", "invited": "invited"}.get(case, "active")
    email = "nobody@demo.invalid" if case == "unknown" else EMAIL
    password = "wrong wrong wrong" if case == "wrong" else staff.PASSWORD
    answer = enter(client, email=email, password=password)
    assert len(verifications) == 1
    assert answer.status_code == 422
    assert "邮箱或密码不正确" in answer.text
    body = re.sub(r'value="[^"]*"', "", answer.text)
    assert body == re.sub(r'value="[^"]*"', "", enter(client, email="x@demo.invalid", password="y").text)


def test_asvs_16_3_1_sign_ins_good_and_bad_are_events_without_the_typed_text(app, client, work):
    staff.with_password(app, email=EMAIL)
    enter(client, password="wrong wrong wrong")
    enter(client, email="nobody@demo.invalid")
    enter(client)
    client.post("/logout", data={"csrf_token": staff.csrf(client)})
    with work():
        rows = db.session.execute(sa.select(AuditEvent.event, AuditEvent.result).order_by(AuditEvent.seq)).all()
        everything = " ".join(map(str, db.session.execute(sa.select(AuditEvent.__table__)).all()))
    events = [tuple(row) for row in rows][1:]
    assert events == [
        ("staff.sign_in_failed", "refused"),
        ("staff.sign_in_failed", "refused"),
        ("staff.signed_in", "ok"),
        ("staff.signed_out", "ok"),
    ]
    assert "nobody@" not in everything


def test_asvs_16_3_2_denied_access_is_an_event_though_nothing_else_was_written(app, work):
    client = staff.signed_in(app, "engineer")
    assert client.get("/staff").status_code == 403
    assert client.post("/account/preferences", data={"theme": "dark"}).status_code == 400
    with work():
        rows = db.session.execute(sa.select(AuditEvent.event, AuditEvent.object_id).order_by(AuditEvent.seq)).all()
    assert [tuple(r) for r in rows] == [
        ("access.denied", "staff.index"),
        ("request.refused", "staff.save_preferences"),
    ]


# -- second factor


def set_factor(app, staff_id):
    secret = second_factor.new_secret()
    from app.core.unit_of_work import unit_of_work

    with app.app_context(), unit_of_work():
        db.session.get(StaffAccount, staff_id).totp_secret = secret
    return pyotp.TOTP(secret)


def second(client, code, **more):
    token = staff.csrf(client, "/login/second-factor")
    return client.post("/login/second-factor", data={"csrf_token": token, "code": code, **more})


def test_asvs_6_3_3_the_password_alone_opens_nothing(app, client):
    totp = set_factor(app, staff.with_password(app, email=EMAIL))
    assert enter(client).location.startswith("/login/second-factor")
    assert client.get("/account").status_code == 302
    assert client.get("/staff").status_code == 302
    assert second(client, "000000").status_code == 422
    assert second(client, totp.now(), next="/account").location == "/account"
    assert client.get("/account").status_code == 200


def test_asvs_6_3_3_the_second_step_without_the_first_leads_to_sign_in(client):
    assert client.get("/login/second-factor").location.startswith("/login")
    assert client.get("/login/second-factor/qr.svg").status_code == 302


def test_asvs_6_3_3_production_enrols_everybody(production):
    client = production.test_client()
    staff.with_password(production, email=EMAIL)
    text = client.get("/login", **SECURE).text
    token = re.search(r'csrf_token" value="([^"]+)"', text).group(1)
    answer = client.post("/login", data={"csrf_token": token, "email": EMAIL, "password": staff.PASSWORD}, **SECURE)
    assert answer.location.startswith("/login/second-factor")
    assert client.get("/account", **SECURE).status_code == 302
    page = client.get("/login/second-factor", **SECURE).text
    assert client.get("/login/second-factor/qr.svg", **SECURE).mimetype == "image/svg+xml"
    secret = re.search(r'enrol-key">([^<]+)<', page).group(1).replace(" ", "")
    token = re.search(r'csrf_token" value="([^"]+)"', page).group(1)
    fields = {"csrf_token": token, "code": pyotp.TOTP(secret).now(), "next": "/account"}
    codes = client.post("/login/second-factor", data=fields, **SECURE)
    assert len(re.findall(r"<li><code>", codes.text)) == 10
    page = client.get("/account", **SECURE)
    assert page.status_code == 200
    token = re.search(r'csrf_token" value="([^"]+)"', page.text).group(1)
    assert client.post("/account/second-factor/remove", data={"csrf_token": token}, **SECURE).status_code == 403


def test_asvs_6_5_1_a_code_is_good_once(app, client):
    staff_id = staff.with_password(app, email=EMAIL)
    totp = set_factor(app, staff_id)
    code = totp.now()
    enter(client)
    assert second(client, code).status_code == 302
    client.post("/logout", data={"csrf_token": staff.csrf(client)})
    enter(client)
    assert second(client, code).status_code == 422


def test_asvs_6_5_1_a_recovery_code_is_good_once(app, client, work):
    staff_id = staff.with_password(app, email=EMAIL)
    set_factor(app, staff_id)
    codes = second_factor.new_recovery_codes()
    with work():
        for code in codes:
            db.session.add(RecoveryCode(staff_id=staff_id, code_mac=second_factor.recovery_mac(code)))
    for code, expected in ((codes[0], 302), (codes[0], 422), (codes[1].upper().replace("-", " "), 302)):
        enter(client)
        assert second(client, code).status_code == expected
        if expected == 302:
            client.post("/logout", data={"csrf_token": staff.csrf(client)})


@pytest.mark.pure
def test_asvs_6_5_5_codes_live_thirty_seconds_and_one_step_of_drift():
    secret = second_factor.new_secret()
    totp, now = pyotp.TOTP(secret), clock.now()
    with clock.frozen(now):
        step = second_factor.step_now()
        for offset, good in ((-2, False), (-1, True), (0, True), (1, True), (2, False)):
            found = second_factor.matching_step(secret, totp.generate_otp(step + offset), after=None)
            assert (found == step + offset) is good
        assert second_factor.matching_step(secret, totp.generate_otp(step), after=step) is None


def test_asvs_6_6_3_five_wrong_codes_in_five_minutes_then_429(app, client):
    totp = set_factor(app, staff.with_password(app, email=EMAIL))
    enter(client)
    assert [second(client, "000000").status_code for _ in range(6)] == [422] * 5 + [429]
    assert second(client, totp.now()).status_code == 429
    with clock.advanced(timedelta(minutes=5, seconds=1)):
        assert second(client, totp.at(int(clock.now().timestamp()))).status_code == 302


def test_asvs_6_5_5_the_second_step_waits_ten_minutes_at_most(app, client):
    set_factor(app, staff.with_password(app, email=EMAIL))
    enter(client)
    with clock.advanced(timedelta(minutes=10)):
        assert client.get("/login/second-factor").location.startswith("/login")


def test_asvs_6_4_3_a_new_password_by_link_does_not_skip_the_second_factor(app, client):
    staff_id = staff.with_password(app, email=EMAIL)
    set_factor(app, staff_id)
    admin = staff.signed_in(app, "admin")
    text = admin.post(f"/staff/{staff_id}/link", data={"csrf_token": staff.csrf(admin)}).text
    path = re.search(r"/staff/invitation/[\w-]{43}", text).group()
    new = "another river with no pines"
    client.post(path, data={"csrf_token": staff.csrf(client, path), "password": new, "again": new})
    assert enter(client, password=new).location.startswith("/login/second-factor")
    assert client.get("/account").status_code == 302


def test_asvs_6_4_6_an_administrator_starts_the_reset_but_sees_no_password(app, work):
    staff_id = staff.with_password(app, email=EMAIL)
    admin = staff.signed_in(app, "admin")
    page = admin.get(f"/staff/{staff_id}").text
    with work():
        stored = db.session.get(StaffAccount, staff_id).password_hash
    assert stored not in page
    assert 'type="password"' not in page


def test_step_up_asks_for_the_second_factor_too(app, client):
    totp = set_factor(app, staff.with_password(app, email=EMAIL))
    enter(client)
    second(client, totp.at(int(clock.now().timestamp()) - 30))
    fields = {"csrf_token": staff.csrf(client), "password": staff.PASSWORD}
    assert client.post("/account/confirm", data={**fields, "code": ""}).status_code == 422
    assert client.post("/account/confirm", data={**fields, "code": totp.now()}).status_code == 302


def test_an_administrator_clears_a_lost_second_factor_and_all_sessions_end_7_4_3(app, client):
    staff_id = staff.with_password(app, email=EMAIL)
    set_factor(app, staff_id)
    theirs, admin = staff.client_of(app, staff_id), staff.signed_in(app, "admin")
    answer = admin.post(f"/staff/{staff_id}/second-factor/reset", data={"csrf_token": staff.csrf(admin)})
    assert answer.status_code == 302
    assert theirs.get("/account").status_code == 302
    assert enter(client).location == "/"


@pytest.mark.pure
def test_the_secret_is_not_readable_in_the_row():
    assert StaffAccount.__table__.c.totp_sealed.info["sealed"]
    assert len(set(second_factor.new_recovery_codes())) == 10
