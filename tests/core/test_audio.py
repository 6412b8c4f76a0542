"""Recordings: recognised by their bytes, measured, stripped of tags, refused with what to do."""

from __future__ import annotations

import io

import pytest

from app.core.errors import Invalid, TooLarge, UnsupportedMedia
from app.core.files import audio
from tests import sounds

TAG = b"Ward 7, bed 3, 31.2304"


@pytest.mark.parametrize(
    ("data", "media_type", "seconds"),
    [
        (sounds.amr(2), "audio/amr", 2.0), (sounds.wav(1), "audio/wav", 1.0), (sounds.mp3(100), "audio/mpeg", 2.6),
        (sounds.aac(100), "audio/aac", 2.3), (sounds.m4a(3), "audio/mp4", 3.0), (sounds.opus(2), "audio/ogg", 2.0),
    ],
    ids=["amr", "wav", "mp3", "aac", "m4a", "opus"],
)  # fmt: skip
def test_what_phones_send_is_recognised_and_measured(data, media_type, seconds):
    found = audio.intake(io.BytesIO(data))
    assert (found.media_type, found.seconds) == (media_type, seconds)
    assert audio.intake(io.BytesIO(found.data)).seconds == seconds  # what is kept is still such a file


@pytest.mark.parametrize(
    "data",
    [sounds.wav(1, TAG), sounds.mp3(50, TAG), sounds.m4a(2, TAG), sounds.opus(2, TAG)],
    ids=["wav", "mp3", "m4a", "opus"],
)
def test_what_recorders_write_beside_the_sound_does_not_come_along(data):
    assert TAG in data
    assert TAG not in audio.intake(io.BytesIO(data)).data


@pytest.mark.parametrize(
    ("data", "error", "code"),
    [
        (b"", Invalid, "voice_empty"),
        (b"\xff\xd8\xff\xe0" + bytes(200), UnsupportedMedia, "voice_type_unsupported"),
        (b"MZ" + bytes(200), UnsupportedMedia, "voice_type_unsupported"),
        (b"#!AMR\nhello, this is text", Invalid, "voice_damaged"),
        (sounds.amr(2)[:-5], Invalid, "voice_damaged"),
        (sounds.aac(3)[:-5], Invalid, "voice_damaged"),
        (b"ID3\x03\0\0\0\0\0\0<script>", Invalid, "voice_damaged"),
        (b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff", Invalid, "voice_damaged"),
        (sounds.opus(2)[:60], Invalid, "voice_damaged"),
        (sounds.m4a(2)[:40], Invalid, "voice_damaged"),
        (sounds.m4a(2, handler=b"vide"), UnsupportedMedia, "voice_type_unsupported"),
        (sounds.amr(181), Invalid, "voice_too_long"),
        (sounds.m4a(4000), Invalid, "voice_too_long"),
        (sounds.wav(360), TooLarge, "voice_too_large"),
    ],
)  # fmt: skip
def test_everything_else_is_refused(data, error, code):
    with pytest.raises(error) as caught:
        audio.intake(io.BytesIO(data))
    assert caught.value.code == code
