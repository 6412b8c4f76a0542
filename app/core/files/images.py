"""Image intake: what an upload must pass before it becomes an image of ours.

Counted while streaming, recognised by its first bytes, measured before decoding, decoded by one named decoder, turned
upright, and written anew as JPEG, so that nothing but pixels is left. Every refusal says what to do.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

from flask_babel import lazy_gettext as _l
from PIL import Image, PngImagePlugin

from app.core.errors import Invalid, TooLarge, UnsupportedMedia
from app.core.registry import Registry

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
LONG_EDGE = 3000
THUMBNAIL_EDGE = 320
QUALITY = 88
THUMBNAIL_QUALITY = 80
CHUNK = 64 * 1024
ORIENTATION_TAG = 0x0112
HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
MEDIA_TYPE = "image/jpeg"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Image.MAX_IMAGE_PIXELS = MAX_PIXELS
PngImagePlugin.MAX_TEXT_CHUNK = 256 * 1024
PngImagePlugin.MAX_TEXT_MEMORY = 1024 * 1024
warnings.simplefilter("error", Image.DecompressionBombWarning)

# Each gets the upload's bytes and raises a DomainError to refuse them (a virus scanner's place). Empty by default.
scanners: Registry[Callable[[bytes], None]] = Registry("image scanners")


@dataclass(frozen=True, slots=True)
class CleanImage:
    """An image of ours. ``sha256`` is the upload's, which is what "the same photo again" compares."""

    main: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)
    width: int
    height: int
    sha256: bytes  # of the bytes as uploaded
    main_sha256: bytes  # of ``main``
    media_type: str = MEDIA_TYPE


def intake(stream: IO[bytes], declared_name: str = "") -> CleanImage:
    """Read, check and rewrite one upload.

    Raises TooLarge (``image_too_large``), UnsupportedMedia (``image_type_unsupported``, ``heic_not_supported``) or
    Invalid (``image_empty``, ``image_too_many_pixels``, ``image_damaged``). The name is only used for a better hint.
    """
    data = read_all(
        stream,
        MAX_BYTES,
        TooLarge(_l("图片超过 10 MB。请在手机相册中压缩，或用较低的分辨率重新拍摄。"), code="image_too_large"),
        Invalid(_l("收到的图片是空的。请重新选择图片后再上传。"), code="image_empty"),
    )
    kind = _sniff(data, declared_name)
    for scan in scanners:
        scan(data)
    picture = _decode(data, kind)
    thumbnail = picture.copy()
    thumbnail.thumbnail((THUMBNAIL_EDGE, THUMBNAIL_EDGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    main = _jpeg(picture, QUALITY)
    return CleanImage(
        main=main,
        thumbnail=_jpeg(thumbnail, THUMBNAIL_QUALITY),
        width=picture.width,
        height=picture.height,
        sha256=hashlib.sha256(data).digest(),
        main_sha256=hashlib.sha256(main).digest(),
    )


def read_all(stream: IO[bytes], most: int, too_large: TooLarge, empty: Invalid) -> bytes:
    """At most one chunk more than is allowed is ever held."""
    parts, size = [], 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > most:
            raise too_large
        parts.append(chunk)
    if not size:
        raise empty
    return b"".join(parts)


def _sniff(data: bytes, declared_name: str) -> str:
    """The format by its first bytes, as Pillow names it; the declared name and type are not believed."""
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    heif = data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS
    if heif or declared_name.lower().endswith((".heic", ".heif")):
        raise UnsupportedMedia(
            _l("暂不支持 HEIC 照片。苹果手机请在“设置 › 相机 › 格式”中选择“兼容性最佳”后重新拍摄，或先转换为 JPEG。"),
            code="heic_not_supported",
        )
    raise UnsupportedMedia(_l("只接受 JPEG、PNG 或 WebP 图片。请改用这些格式后再上传。"), code="image_type_unsupported")


def _decode(data: bytes, kind: str) -> Image.Image:
    """Upright RGB pixels, the long edge at most `LONG_EDGE`."""
    _refuse_pixels(_declared_size(data, kind))
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as picture:
            _refuse_pixels(picture.size)
            turn = TURNS.get(picture.getexif().get(ORIENTATION_TAG, 1))
            picture.draft("RGB", (LONG_EDGE, LONG_EDGE))  # JPEG: decode at a half or a quarter where that is enough
            picture.load()
            flat = _flat(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels() from error
    except Invalid:
        raise
    except Exception as error:  # decoders raise anything on hostile bytes; none of it is ours
        raise _damaged() from error
    flat.thumbnail((LONG_EDGE, LONG_EDGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return flat.transpose(turn) if turn is not None else flat


def _declared_size(data: bytes, kind: str) -> tuple[int, int]:
    """What a PNG's or WebP's header says, before any decoder sees it; (0, 0) for JPEG, whose opening only parses."""
    try:
        if kind == "PNG":
            width, height = struct.unpack(">II", data[16:24])
            return width, height
        if kind == "WEBP" and data[12:16] == b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        if kind == "WEBP" and data[12:16] == b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if kind == "WEBP":
            width, height = struct.unpack("<HH", data[26:30])
            return width & 0x3FFF, height & 0x3FFF
    except struct.error as error:
        raise _damaged() from error
    return 0, 0


def _refuse_pixels(size: tuple[int, int]) -> None:
    if size[0] * size[1] > MAX_PIXELS:
        raise _too_many_pixels()


def _flat(picture: Image.Image) -> Image.Image:
    """RGB without transparency (on white) and without anything but pixels."""
    if picture.mode.startswith("I"):  # 16-bit grey: keep the high byte, or all would turn white
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        above = picture.convert("RGBA")
        picture = Image.new("RGB", above.size, "white")
        picture.paste(above, mask=above.getchannel("A"))
    flat = picture.convert("RGB")
    clean = flat.copy() if flat is picture else flat
    clean.info = {}
    return clean


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    options: dict[str, Any] = {"quality": quality, "optimize": True, "exif": b"", "icc_profile": None, "comment": b""}
    picture.save(out, "JPEG", **options)
    return out.getvalue()


def _too_many_pixels() -> Invalid:
    return Invalid(_l("图片超过 4000 万像素。请用较低的分辨率重新拍摄。"), code="image_too_many_pixels")


def _damaged() -> Invalid:
    return Invalid(_l("图片无法读取，可能没有传完整。请重新拍摄或重新选择图片。"), code="image_damaged")
