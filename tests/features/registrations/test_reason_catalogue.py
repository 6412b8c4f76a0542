"""The catalogue of reasons: two texts, a short form that fits WeChat, RETRY or FINAL, versions that stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
import sqlalchemy as sa

from app.core.db import db
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.outbox import Message
from app.core.policy import Permission
from app.registrations import reasons, service
from app.registrations.models import RegistrationEvent, ReviewReason
from app.registrations.service import catalogue
from app.registrations.service.catalogue import Words
from tests.features.registrations.story import FINAL, MONDAY, NOTE, RETRY, reload, reviewer, take

WORDS = Words("RETRY", "photo", "像是复印件", "照片像是复印件，请拍原件。", "请拍证件原件")


def keeper(name: str = "组长"):
    actor = reviewer(name, lead=True)
    return replace(actor, rights=MappingProxyType({**actor.rights, Permission.REASONS_MANAGE: None}))


def test_a_short_form_of_21_characters_is_refused_on_save(work, story):
    """4: WeChat's field takes 20; counted in UTF-16 units as WeChat does, so an emoji is two."""
    with work():
        catalogue.create(keeper(), "copy_a", replace(WORDS, public_short="字" * 20))
        for short in ("字" * 21, "字" * 19 + "😀", "", "   "):
            with pytest.raises(Invalid) as refusal:
                catalogue.create(keeper(), "copy_b", replace(WORDS, public_short=short))
            assert refusal.value.code == "public_short_too_long"
        assert reasons.newest("copy_b") is None


def test_decisions_keep_the_version_they_used(work, story):
    me = reviewer()
    with work():
        row = story.case()
        service.ask_again(me, row.id, take(me, row), RETRY)
    with work(MONDAY + timedelta(minutes=5)):
        new = replace(catalogue._words(reasons.newest("photo_glare")), public_short="反光，请重新拍")
        catalogue.revise(keeper(), "photo_glare", new, seen_version=1)
        event = db.session.scalars(
            sa.select(RegistrationEvent).where(RegistrationEvent.action == "ask_resubmission")
        ).one()
        assert event.reason_versions == {"photo_glare": 1}
        assert [one.version for one in reasons.versions()["photo_glare"]] == [2, 1]
        assert reasons.pick(["photo_glare"])[0].public_short == "反光，请重新拍"
        from app.registrations.queries.current import current_for

        assert current_for(story.people[0]).reasons == ("反光遮挡请重拍",)


def test_two_editors_at_once(work, story):
    with work():
        catalogue.revise(keeper("组长甲"), "photo_glare", WORDS, seen_version=1)
        with pytest.raises(Conflict) as refusal:
            catalogue.revise(keeper("组长乙"), "photo_glare", WORDS, seen_version=1)
        assert refusal.value.who == "组长甲"


def test_saving_the_same_again_makes_no_version(work, story):
    with work():
        catalogue.revise(keeper(), "photo_glare", WORDS, seen_version=1)
        assert catalogue.revise(keeper(), "photo_glare", WORDS, seen_version=2).version == 2


def test_a_retired_reason_can_no_longer_be_used_and_can_come_back(work, story):
    me = reviewer()
    with work():
        row = story.case()
        page = take(me, row)
        catalogue.retire(keeper(), "photo_glare")
        with pytest.raises(Invalid) as refusal:
            service.ask_again(me, row.id, page, RETRY)
        assert refusal.value.code == "reason_unknown"
        old = reasons.newest("photo_glare")
        catalogue.revise(keeper(), "photo_glare", catalogue._words(old), seen_version=old.version)
        service.ask_again(me, row.id, page, RETRY)


def test_the_last_reason_of_a_kind_stays(work, story):
    with work():
        catalogue.retire(keeper(), "not_own_badge")
        with pytest.raises(Conflict):
            catalogue.retire(keeper(), "not_medical_staff")


def test_order_is_changed_within_a_section(work, story):
    order = lambda: [one.code for one in reasons.current() if one.section == "photo"]
    with work():
        before = order()
        catalogue.move(keeper(), before[1], up=True)
        assert order()[:2] == [before[1], before[0]]
        catalogue.move(keeper(), before[1], up=True)
        assert order()[:2] == [before[1], before[0]], "the first stays the first"


@pytest.mark.parametrize("code", ["", "ab", "Große", "a b", "drop;table", "x" * 33, "1abc"])
def test_codes_that_are_none(work, story, code):
    with work(), pytest.raises(Invalid):
        catalogue.create(keeper(), code, WORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "FINAL"},
        {"section": "final"},
        {"second_person": True},
        {"private_text": ""},
        {"public_long": "长" * 201},
        {"public_long": "<script>x</script>"},
        {"kind": "NONE"},
    ],
)
def test_words_that_do_not_fit(work, story, change):
    with work(), pytest.raises(Invalid):
        catalogue.create(keeper(), "copy_a", replace(WORDS, **change))


def test_rights_and_unknown_codes(work, story):
    with work():
        with pytest.raises(Forbidden):
            catalogue.create(reviewer(), "copy_a", WORDS)
        with pytest.raises(NotFound):
            catalogue.retire(keeper(), "no_such_code")
        catalogue.create(keeper(), "copy_a", WORDS)
        with pytest.raises(Conflict):
            catalogue.create(keeper(), "copy_a", WORDS)


def test_a_code_of_final_cannot_be_used_on_a_request_for_another_photo(work, story):
    """5: refused by the server, alone and beside a RETRY reason."""
    me = reviewer()
    with work():
        row = story.case()
        page = take(me, row)
        for codes in (("not_medical_staff",), ("photo_glare", "not_medical_staff"), ("duplicate",), ()):
            with pytest.raises(Invalid) as refusal:
                service.ask_again(me, row.id, page, replace(RETRY, reasons=codes))
            assert refusal.value.code == "retry_reason_required"
        for codes in (("photo_glare",), ("not_medical_staff", "photo_glare")):
            with pytest.raises(Invalid):
                service.reject(me, row.id, page, replace(FINAL, reasons=codes))
        assert reload(row.id).status == "pending"


def test_the_message_sent_contains_the_public_text_only(work, story):
    """3: the outbound payload is searched for the private note and for our own words of the reason."""
    me = reviewer()
    with work():
        row = story.case()
        service.ask_again(me, row.id, take(me, row), replace(RETRY, private_note=NOTE.private_note))
        sent = db.session.scalars(sa.select(Message).where(Message.template == "registration_needs_resubmission")).one()
        payload = repr({column.key: getattr(sent, column.key) for column in sa.inspect(Message).column_attrs}) + repr(
            sent.params
        )
        private = db.session.scalar(sa.select(ReviewReason.private_text).where(ReviewReason.code == "photo_glare"))
        assert "反光遮挡请重拍" in payload
        assert NOTE.private_note not in payload
        assert private not in payload.replace("反光遮挡请重拍", "")
