"""Voice intake: what a recording must pass before it is kept. Recognised by its bytes, measured, stripped of its tags.

Phones send AMR, AAC (raw or in MP4), MP3, WAV and Opus in Ogg. Nothing here decodes sound: frames are counted, and
what is not a frame (names, places, covers that recorders write beside the sound) does not come along. A file whose
frames do not add up is refused.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from flask_babel import lazy_gettext as _l

from app.core.errors import Invalid, TooLarge, UnsupportedMedia
from app.core.files.images import read_all, scanners

MAX_BYTES = 5 * 1024 * 1024
MAX_SECONDS = 180.0
MIN_SECONDS = 0.1
AMR_NB, AMR_WB = b"#!AMR\n", b"#!AMR-WB\n"
# octets of a frame by its type, RFC 4867 section 5.3; types that are not there end the file's claim to be AMR
AMR_SIZES = {
    AMR_NB: dict(enumerate((12, 13, 15, 17, 19, 20, 26, 31, 5))) | {15: 0},
    AMR_WB: dict(enumerate((17, 23, 32, 36, 40, 46, 50, 58, 60, 5))) | {14: 0, 15: 0},
}
AMR_SECONDS = 0.02
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
AAC_SAMPLES = 1024
MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits
MP3_KBITS = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG-2 and 2.5
}
MP4_BRANDS = (b"M4A ", b"M4B ", b"isom", b"iso2", b"mp41", b"mp42", b"3gp4", b"3gp5", b"3gp6")
MP4_FOLDERS = (b"moov", b"trak", b"mdia")
MP4_TAGS = (b"udta", b"meta", b"uuid")
OPUS_RATE = 48_000
OGG_CRC = 0x04C11DB7


@dataclass(frozen=True, slots=True)
class CleanSound:
    """A recording without tags. ``sha256`` is the upload's."""

    data: bytes = field(repr=False)
    media_type: str
    seconds: float
    sha256: bytes


class _Damaged(ValueError):
    """Frames that do not add up."""


def intake(stream: IO[bytes]) -> CleanSound:
    """Read, check and strip one recording; its name and declared type are not believed.

    Raises TooLarge (``voice_too_large``), UnsupportedMedia (``voice_type_unsupported``) or Invalid (``voice_empty``,
    ``voice_damaged``, ``voice_too_long``).
    """
    data = read_all(
        stream,
        MAX_BYTES,
        TooLarge(_l("录音超过 5 MB。请缩短录音，或改用文字。"), code="voice_too_large"),
        Invalid(_l("收到的录音是空的。请重新录音。"), code="voice_empty"),
    )
    for scan in scanners:
        scan(data)
    media_type, measure = _sniff(data)
    try:
        clean, seconds = measure(data)
    except (_Damaged, struct.error, IndexError, OverflowError, ZeroDivisionError) as error:
        raise _damaged() from error
    if seconds < MIN_SECONDS:
        raise _damaged()
    if seconds > MAX_SECONDS:
        raise Invalid(_l("录音超过 3 分钟。请分段说明，或改用文字。"), code="voice_too_long")
    return CleanSound(clean, media_type, round(seconds, 1), hashlib.sha256(data).digest())


def _sniff(data: bytes) -> tuple[str, Callable[[bytes], tuple[bytes, float]]]:
    if data.startswith(AMR_WB):
        return "audio/amr-wb", _amr
    if data.startswith(AMR_NB):
        return "audio/amr", _amr
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav", _wav
    if data[:4] == b"OggS" and data[28:36] == b"OpusHead":
        return "audio/ogg", _opus
    if data[4:8] == b"ftyp" and data[8:12] in MP4_BRANDS:
        return "audio/mp4", _mp4
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "audio/aac", _aac
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return "audio/mpeg", _mp3
    raise UnsupportedMedia(
        _l("只接受手机录音（AMR、AAC/M4A、MP3、WAV、Opus）。请重新录音。"), code="voice_type_unsupported"
    )


def _amr(data: bytes) -> tuple[bytes, float]:
    head = AMR_WB if data.startswith(AMR_WB) else AMR_NB
    sizes, at, frames = AMR_SIZES[head], len(head), 0
    while at < len(data):
        kind = data[at] >> 3 & 0x0F
        if kind not in sizes or data[at] & 0x83:  # padding bits are zero
            raise _Damaged
        at, frames = at + 1 + sizes[kind], frames + 1
    if at != len(data):
        raise _Damaged
    return data, frames * AMR_SECONDS


def _aac(data: bytes) -> tuple[bytes, float]:
    at, seconds = 0, 0.0
    while at < len(data):
        if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
            raise _Damaged
        rate = AAC_RATES[data[at + 2] >> 2 & 0x0F]
        size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if size < 7 or at + size > len(data):
            raise _Damaged
        seconds += AAC_SAMPLES * ((data[at + 6] & 3) + 1) / rate
        at += size
    return data, seconds


def _mp3(data: bytes) -> tuple[bytes, float]:
    """Frames only: the tags before and behind them stay out."""
    at, end, seconds = 0, len(data), 0.0
    if data[:3] == b"ID3":
        at = 10 + (data[6] << 21 | data[7] << 14 | data[8] << 7 | data[9])
    if end >= 128 and data[end - 128 : end - 125] == b"TAG":
        end -= 128
    first = at
    while at < end:
        size, length = _mp3_frame(data, at)
        if at + size > end:  # the last frame may be cut by the recorder
            break
        at, seconds = at + size, seconds + length
    return data[first:at], seconds


def _mp3_frame(data: bytes, at: int) -> tuple[int, float]:
    """Octets and seconds of the layer III frame that begins here."""
    if data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        raise _Damaged
    version, first = data[at + 1] >> 3 & 3, data[at + 1] >> 3 & 3 == 3
    if version == 1:
        raise _Damaged
    rate, kbits = MP3_RATES[version][data[at + 2] >> 2 & 3], MP3_KBITS[first][data[at + 2] >> 4]
    size = (144_000 if first else 72_000) * kbits // rate + (data[at + 2] >> 1 & 1)
    if not kbits:
        raise _Damaged
    return size, (1152 if first else 576) / rate


def _wav(data: bytes) -> tuple[bytes, float]:
    """Format and samples; every other chunk stays out."""
    at, kept, rate, size = 12, b"", 0, 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"data":
            length = min(length, len(data) - at - 8)  # recorders leave the length open
        body = data[at + 8 : at + 8 + length]
        if len(body) != length:
            raise _Damaged
        if name == b"fmt ":
            rate = struct.unpack_from("<I", body, 8)[0]
        if name == b"data":
            size += length
        if name in (b"fmt ", b"data"):
            kept += name + struct.pack("<I", length) + body + b"\0" * (length & 1)
        at += 8 + length + (length & 1)
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WAVE" + kept, size / rate


def _mp4(data: bytes) -> tuple[bytes, float]:
    """Boxes that hold tags are overwritten in place, so that no offset moves; pictures that move are refused."""
    out, found = bytearray(data), {"seconds": 0.0}
    _boxes(out, 0, len(out), found)
    return bytes(out), found["seconds"]


def _boxes(out: bytearray, at: int, end: int, found: dict[str, float]) -> None:
    while at < end:
        size, name = struct.unpack_from(">I4s", out, at)
        if size < 8 or at + size > end:
            raise _Damaged
        body = at + 8
        if name in MP4_FOLDERS:
            _boxes(out, body, at + size, found)
        elif name in MP4_TAGS:
            out[at + 4 : at + size] = b"free" + bytes(size - 8)
        elif name == b"mvhd":
            long = out[body] == 1
            scale, length = struct.unpack_from(">IQ" if long else ">II", out, body + (20 if long else 12))
            found["seconds"] = length / scale
        elif name == b"hdlr" and bytes(out[body + 8 : body + 12]) == b"vide":
            raise UnsupportedMedia(_l("这是录像，不是录音。请改为照片或录音。"), code="voice_type_unsupported")
        at += size


def _opus(data: bytes) -> tuple[bytes, float]:
    """Pages as they are but the second, which holds the tags: it is written anew without any."""
    out, at, number, last = io.BytesIO(), 0, 0, 0
    skip = struct.unpack_from("<H", data, 28 + 10)[0]
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            raise _Damaged
        segments = data[at + 26]
        size = 27 + segments + sum(data[at + 27 : at + 27 + segments])
        page = data[at : at + size]
        if len(page) != size:
            raise _Damaged
        if number == 1:
            page = _bare_tags(page, segments)
        granule = struct.unpack_from("<q", page, 6)[0]
        last = max(last, granule)
        out.write(page)
        at, number = at + size, number + 1
    return out.getvalue(), (last - skip) / OPUS_RATE


def _bare_tags(page: bytes, segments: int) -> bytes:
    if page[27 + segments : 35 + segments] != b"OpusTags" or page[26 + segments] == 255:
        raise _Damaged  # tags over several pages: covers, which no recorder of a phone writes
    body = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    bare = page[:22] + bytes(4) + bytes((1, len(body))) + body
    return bare[:22] + struct.pack("<I", _ogg_crc(bare)) + bare[26:]


def _ogg_crc(page: bytes) -> int:
    value = 0
    for octet in page:
        value ^= octet << 24
        for _bit in range(8):
            value = (value << 1 ^ OGG_CRC if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def _damaged() -> Invalid:
    return Invalid(_l("录音无法读取，可能没有传完整。请重新录音。"), code="voice_damaged")
