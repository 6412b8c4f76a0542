"""The pages of grants, as people use them: ask, preview, approve, pause, confirm, review, revoke."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.db import db
from app.customers.models import Customer
from app.grants import service
from app.grants.models import Grant, ReviewItem
from app.grants.queries.lists import waiting
from app.staff import queries as staff_queries
from tests.factories import staff
from tests.features.grants import world


@pytest.fixture
def scene(work):
    """A hospital, a head nurse, tickets of two departments."""
    with work():
        at = world.place()
        who = world.person(at)
        for n in range(5):
            world.ticket(at, "消化内科", ago=timedelta(days=n + 1))
        world.ticket(at, "手术室")
        return at, who


def manager(app, **kw):
    return staff.client_of(app, staff.member(app, ("grant_manager", None, True), **kw).id)


def form(at, *wards, **kw):
    today = clock.today()
    base = {
        "departments": [str(at.wards[w]) for w in wards], "lookback_months": "24", "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=90)).isoformat(), "reason": "统一报修",
    }  # fmt: skip
    return {**base, **kw}


def post(client, path, **data):
    return client.post(path, data={"csrf_token": staff.csrf(client), **data})


def seen_of(answer):
    return answer.get_data(as_text=True).split('name="seen" type="hidden" value="', 1)[1].split('"', 1)[0]


def test_3_3_grant_preview_with_real_rows_before_saving_then_two_people(app, work, scene):
    """Before saving: records, departments, oldest, how many are new; what is saved is what was previewed."""
    at, who = scene
    one, two = manager(app), manager(app)
    path = f"/grants/new?customer={who.id}"
    assert one.get(path).status_code == 200
    unseen = post(one, path, **form(at, "消化内科"), do="save")  # nothing is saved that nobody looked at
    assert unseen.status_code == 200
    text = unseen.get_data(as_text=True)
    assert "实际会打开什么" in text and '<dd class="is-act">5</dd>' in text and "TKT-" in text
    with work():
        assert db.session.scalar(sa.select(sa.func.count(Grant.id))) == 0
    seen = seen_of(unseen)
    other = post(one, path, **form(at, "消化内科", "手术室"), do="save", seen=seen)  # changed since the preview
    assert other.status_code == 200 and '<dd class="is-act">6</dd>' in other.get_data(as_text=True)
    saved = post(one, path, **form(at, "消化内科"), do="save", seen=seen)
    assert saved.status_code == 303
    case = saved.headers["Location"]
    assert "您提出或同意过这一项" in one.get(case).get_data(as_text=True)
    own = post(one, f"{case}/approve", version="1")
    assert own.status_code == 403
    assert "实际会打开什么" in two.get(case).get_data(as_text=True)
    assert post(two, f"{case}/approve", version="1").status_code == 303
    late = post(manager(app), f"{case}/approve", version="1")
    assert late.status_code == 409
    assert "生效中" in one.get(case).get_data(as_text=True)
    assert one.get("/grants?tab=active").status_code == 200
    with work():
        from app.grants.scope import Which
        from app.tickets.queries import readable

        assert readable.count(readable.reader(who), which=Which.ALL) == 5  # the count that was announced


def test_a_customers_request_gets_its_terms_from_the_approver(app, work, scene):
    at, who = scene
    with work():
        number = service.request(who, [service.NodeWish(at.wards["消化内科"])], "我负责报修").number
    client = manager(app)
    page = client.get(f"/grants/{number}").get_data(as_text=True)
    assert "预览会打开什么" in page and "我负责报修" in page
    shown = post(client, f"/grants/{number}/preview", **form(at, "消化内科"), version="1")
    assert shown.status_code == 200
    done = post(client, f"/grants/{number}/approve", **form(at, "消化内科"), version="1", seen=seen_of(shown))
    assert done.status_code == 303
    bad = post(client, f"/grants/{number}/preview", **form(at, "妇科"), version="1")
    assert bad.status_code in (200, 409, 422)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ends_on": "2020-01-01"}, "结束日期早于开始日期"),
        ({"ends_on": ""}, "权限不能没有期限"),
        ({"departments": []}, "请至少选择一个科室"),
        ({"departments": ["x"]}, "没有这个科室"),
        ({"departments": ["00000000-0000-7000-8000-000000000000"]}, "没有这个科室"),
        ({"lookback_months": "7"}, "请选择列出的月数"),
        ({"reason": ""}, "请填写"),
    ],
)
def test_bad_terms_keep_what_was_typed(app, work, scene, change, words):
    at, who = scene
    client = manager(app)
    path = f"/grants/new?customer={who.id}"
    data = form(at, "消化内科", **change)
    first = post(client, path, **data, do="preview")
    seen = seen_of(first) if first.status_code == 200 else ""
    answer = post(client, path, **data, do="save", seen=seen)
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)


def test_pause_confirm_review_revoke_on_the_pages(app, work, scene):
    at, who = scene
    with work():
        hands = (world.granter(), world.granter())
        number = world.granted(at, who, "消化内科", by=hands).number
        world.approve(db.session.get(Customer, who.id), at, "内镜中心", position="护士长", title="副主任护师")
        service.settle_due()
    client = manager(app)
    page = client.get(f"/grants/{number}").get_data(as_text=True)
    assert "已暂停：职称有变动" in page
    with work():
        version = db.session.scalar(sa.select(Grant.version))
    body = {"version": str(version), "departments": [str(at.wards["消化内科"])]}
    assert post(client, f"/grants/{number}/reconfirm", **body, note="").status_code == 422
    assert post(client, f"/grants/{number}/reconfirm", **body, note="新任命文件已核").status_code == 303
    opened = post(
        client, "/grants/reviews", place="31", hospital="", due_on=(clock.today() + timedelta(days=7)).isoformat()
    )
    assert opened.status_code == 303
    review = opened.headers["Location"]
    assert "您提出或批准过" in client.get(review).get_data(as_text=True)  # he confirmed it
    third = manager(app)
    with work():
        item, version = db.session.execute(sa.select(ReviewItem.id, Grant.version).join(Grant)).one()
    head = item.hex
    none = post(third, f"{review}/{item}", **{f"{head}-version": str(version)})
    assert none.status_code == 422  # nothing is chosen beforehand
    kept = post(third, f"{review}/{item}", **{f"{head}-version": str(version), f"{head}-decision": "keep"})
    assert kept.status_code == 303
    assert "保留" in third.get(f"{review}/evidence").get_data(as_text=True)
    assert third.get("/grants/reviews").status_code == 200
    with work():
        version = db.session.scalar(sa.select(Grant.version))
    assert post(third, f"/grants/{number}/revoke", version=str(version), note="").status_code == 422
    assert post(third, f"/grants/{number}/revoke", version=str(version), note="已调岗").status_code == 303
    assert "已撤销" in third.get(f"/grants/{number}").get_data(as_text=True)


def test_rules_are_versions_and_two_editors_do_not_overwrite_each_other(app, work):
    client = manager(app)
    page = client.get("/grants/policy")
    assert page.status_code == 200
    rows = {
        "row0-code": "head", "row0-label": "科主任", "row0-positions": "科主任、副主任", "row0-departments": "",
        "row0-advanced": "y",
    }  # fmt: skip
    limits = {
        "max_months": "12",
        "max_departments": "2",
        "lookback_alone": "24",
        "pause_days": "14",
        "renew_days": "30",
    }
    assert post(client, "/grants/policy", version="1", note="", **rows, **limits).status_code == 422
    assert (
        post(client, "/grants/policy", version="1", note="更严", **{**rows, **limits, "max_months": "13"}).status_code
        == 422
    )
    assert post(client, "/grants/policy", version="1", note="更严", **rows, **limits).status_code == 303
    assert post(client, "/grants/policy", version="1", note="再改", **rows, **limits).status_code == 409
    assert "第 2 版生效中" in client.get("/grants/policy").get_data(as_text=True)


def test_seen_as_the_customer_the_same_rows_without_contents(app, work, scene):
    at, who = scene
    with work():
        world.granted(at, who, "消化内科")
        number = world.ticket(at, "消化内科", fault="绝密描述").number
    client = manager(app)
    text = client.get(f"/tickets/as/{who.id}").get_data(as_text=True)
    assert number in text and text.count("TKT-") == 6
    assert "绝密描述" not in text
    person = client.get(f"/customers/{who.id}").get_data(as_text=True)
    assert "科室权限" in person and "以此人身份查看" in person
    assert manager(app, name="外地").get("/tickets/as/00000000-0000-7000-8000-000000000000").status_code == 404


def test_ids_of_others_in_every_address_are_not_there_outside_of_the_region(app, work, scene):
    at, who = scene
    with work():
        number = world.granted(at, who, "消化内科").number
    far = staff.client_of(app, staff.member(app, ("grant_manager", ["51"], True)).id)
    for path in (
        f"/grants/{number}",
        f"/grants/new?customer={who.id}",
        f"/grants/new?renews={number}",
        f"/tickets/as/{who.id}",
    ):
        assert far.get(path).status_code == 404, path
    for act in ("approve", "refuse", "revoke", "reconfirm", "preview"):
        assert post(far, f"/grants/{number}/{act}", version="2", note="x").status_code == 404, act


def test_what_waits_for_me_is_what_i_can_decide(app, work):
    """List, counter and 今日 leave out what this person proposed, endorsed, knows, is himself, or has no region for."""
    with work():
        at, far = world.place(), world.place("西川示范医院", "51")
        mine = staff.account(("grant_manager", ["31"], True))
        mine.phone = "+8613900007777"
        db.session.flush()
        me = staff_queries.actor_of(mine.id)
        ask = lambda place, by, **kw: service.propose(
            by, world.person(place, **kw).id, world.terms(place, "消化内科"), "报修"
        )
        other = world.granter
        rows = {
            "mine to decide": ask(at, other("甲")),
            "proposed": ask(at, me),
            "endorsed": service.propose(
                other("甲"), world.person(at).id, world.terms(at, "消化内科", "手术室", "设备科", "妇科"), "报修"
            ),
            "known": ask(at, other("甲")),
            "himself": ask(at, other("甲"), phone="13900007777"),
            "elsewhere": ask(far, other("甲")),
        }
        service.approve(replace(me, signed_in_at=clock.now()), rows["endorsed"].id, 1)
        service.recuse(me, rows["known"].id)
        numbers, mine_id = {name: row.number for name, row in rows.items()}, mine.id
    client = staff.client_of(app, mine_id)
    listed = client.get("/grants?tab=todo").get_data(as_text=True)
    assert {name for name, number in numbers.items() if number in listed} == {"mine to decide"}
    today = client.get("/").get_data(as_text=True)
    assert {name for name, number in numbers.items() if number in today} == {"mine to decide"}
    with app.app_context():
        assert db.session.scalar(sa.select(waiting(me))) == 1
    for name, number in numbers.items():  # and the server says the same
        answer = post(client, f"/grants/{number}/approve", version="2" if name == "endorsed" else "1")
        assert answer.status_code == {"mine to decide": 303, "elsewhere": 404}.get(name, 403), name
