"""Recordings as phones send them, made here: every byte is known, none is anybody's voice."""

from __future__ import annotations

import struct


def amr(seconds: float = 2.0) -> bytes:
    return b"#!AMR\n" + (b"\x3c" + bytes(31)) * int(seconds / 0.02)


def wav(seconds: float = 1.0, tag: bytes = b"") -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    data = bytes(int(16000 * seconds))
    chunks = b"fmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    if tag:
        chunks += b"LIST" + struct.pack("<I", len(tag)) + tag
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks


def mp3(frames: int = 100, tag: bytes = b"") -> bytes:
    """MPEG-1 layer III, 64 kbit/s, 44.1 kHz; ``tag`` in an ID3 block before the sound."""
    frame = b"\xff\xfb\x50\x00" + bytes(144_000 * 64 // 44100 - 4)
    n = len(tag)
    head = b"ID3\x03\0\0" + bytes((n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127)) + tag if tag else b""
    return head + frame * frames


def aac(frames: int = 100) -> bytes:
    size = 7 + 20
    head = bytes((0xFF, 0xF1, 0x50, 0x80 | size >> 11, size >> 3 & 0xFF, (size & 7) << 5 | 0x1F, 0xFC))
    return (head + bytes(20)) * frames


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


def m4a(seconds: int = 3, tag: bytes = b"", handler: bytes = b"soun") -> bytes:
    mvhd = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, seconds * 1000) + bytes(80))
    track = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(12))))
    return box(b"ftyp", b"M4A " + bytes(4)) + box(b"moov", mvhd + track + box(b"udta", tag)) + box(b"mdat", bytes(64))


def opus(seconds: int = 2, tag: bytes = b"vendor") -> bytes:
    head = b"OpusHead" + bytes((1, 1)) + struct.pack("<HIhB", 312, 16000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", len(tag)) + tag + struct.pack("<I", 0)
    pages = ((0, head, 2), (0, tags, 0), (seconds * 48_000 + 312, bytes(100), 4))
    return b"".join(
        b"OggS\0" + bytes((kind,)) + struct.pack("<qIII", granule, 7, number, 0) + bytes((1, len(body))) + body
        for number, (granule, body, kind) in enumerate(pages)
    )
