"""Image intake: every bad upload of the list is refused with its own code, and nothing but pixels survives."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from PIL import Image, PngImagePlugin

from app.core.errors import DomainError, Invalid, TooLarge, UnsupportedMedia
from app.core.files import images

pytestmark = pytest.mark.pure
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def _picture(width: int = 400, height: int = 300, mode: str = "RGB") -> Image.Image:
    """Red left half, blue right half: enough to see how it is turned."""
    picture = Image.new("RGB", (width, height), (200, 30, 30))
    picture.paste((30, 30, 200), (width // 2, 0, width, height))
    return picture.convert(mode)


def _bytes(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png_header(width: int, height: int) -> bytes:
    return PNG_MAGIC + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def _png_with(*chunks: bytes) -> bytes:
    """A sound small PNG with these chunks after its header."""
    sound = _bytes(_picture(8, 8), "PNG")
    return sound[:33] + b"".join(chunks) + sound[33:]


def _exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[images.ORIENTATION_TAG] = orientation
    exif[0x010E] = "sample description"
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 0.0), 3: "E", 4: (116.0, 23.0, 0.0)})
    return exif


def _webp_header(width: int, height: int) -> bytes:
    body = (
        b"VP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _intake(data: bytes, name: str = "badge.jpg") -> images.CleanImage:
    return images.intake(io.BytesIO(data), name)


def _truncated_jpeg() -> bytes:
    noise = Image.frombytes("RGB", (600, 600), random.Random(1).randbytes(600 * 600 * 3))
    data = _bytes(noise)
    return data[: len(data) // 2]


BOMB = zlib.compress(bytes(50_000_000), 9)
REFUSED: dict[str, tuple[Callable[[], bytes], type[DomainError], str]] = {
    "nothing": (lambda: b"", Invalid, "image_empty"),
    "11 MiB": (lambda: b"\xff\xd8\xff" + bytes(11 * 1024 * 1024), TooLarge, "image_too_large"),
    "30000 x 30000 PNG": (
        lambda: _png_header(30_000, 30_000) + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b""),
        Invalid,
        "image_too_many_pixels",
    ),
    "a little over 40 megapixels": (lambda: _png_header(8001, 5000), Invalid, "image_too_many_pixels"),
    "huge JPEG header": (
        lambda: _bytes(_picture(16, 16)).replace(struct.pack(">HH", 16, 16), struct.pack(">HH", 65000, 65000), 1),
        Invalid,
        "image_too_many_pixels",
    ),
    "huge WebP": (lambda: _webp_header(16_000, 16_000), Invalid, "image_too_many_pixels"),
    "truncated JPEG": (_truncated_jpeg, Invalid, "image_damaged"),
    "truncated PNG": (lambda: _bytes(_picture(), "PNG")[:-40], Invalid, "image_damaged"),
    "truncated WebP": (lambda: _bytes(_picture(), "WEBP")[:-40], Invalid, "image_damaged"),
    "PNG header only": (lambda: PNG_MAGIC, Invalid, "image_damaged"),
    "JPEG magic only": (lambda: b"\xff\xd8\xff\xe0", Invalid, "image_damaged"),
    "WebP magic only": (lambda: b"RIFF\x00\x00\x00\x00WEBP", Invalid, "image_damaged"),
    "zip bomb in zTXt": (lambda: _png_with(_chunk(b"zTXt", b"k\0\0" + BOMB)), Invalid, "image_damaged"),
    "zip bomb in iTXt": (lambda: _png_with(_chunk(b"iTXt", b"k\0\1\0\0\0" + BOMB)), Invalid, "image_damaged"),
    "zip bomb in iCCP": (lambda: _png_with(_chunk(b"iCCP", b"p\0\0" + BOMB)), Invalid, "image_damaged"),
    "SVG named .jpg": (
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
        UnsupportedMedia,
        "image_type_unsupported",
    ),
    "HTML named .jpg": (lambda: b"<!doctype html><script>1</script>", UnsupportedMedia, "image_type_unsupported"),
    "GIF": (lambda: _bytes(_picture(), "GIF"), UnsupportedMedia, "image_type_unsupported"),
    "TIFF": (lambda: _bytes(_picture(), "TIFF"), UnsupportedMedia, "image_type_unsupported"),
    "HEIC": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", UnsupportedMedia, "heic_not_supported"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_its_own_code_and_a_hint(name: str) -> None:
    make, error, code = REFUSED[name]
    with pytest.raises(error) as refused:
        _intake(make())
    assert refused.value.code == code
    assert len(str(refused.value.message)) > 10


def test_the_heic_hint_says_how_to_switch_the_phone() -> None:
    with pytest.raises(UnsupportedMedia) as refused:
        _intake(b"not known at all", "photo.HEIC")
    assert "兼容性最佳" in str(refused.value.message)


class Endless(io.RawIOBase):
    """An upload that never ends; counts what was taken from it."""

    taken = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0
        self.taken += size
        return b"\xff" * size


def test_an_endless_upload_is_cut_off_at_the_limit() -> None:
    stream = Endless()
    with pytest.raises(TooLarge):
        images.intake(stream, "x.jpg")  # type: ignore[arg-type]
    assert stream.taken <= images.MAX_BYTES + images.CHUNK


def test_exactly_ten_mebibytes_are_still_read() -> None:
    data = _bytes(_picture())
    padded = data[:2] + b"".join(b"\xff\xfe\xff\xff" + bytes(65533) for _ in range(150)) + data[2:]
    padded += bytes(images.MAX_BYTES - len(padded))
    assert len(padded) == images.MAX_BYTES
    assert _intake(padded).width == 400


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_sound_images_become_clean_jpegs(kind: str, mode: str) -> None:
    data = _bytes(_picture(mode=mode), kind)
    clean = _intake(data, "whatever.svg")
    main = Image.open(io.BytesIO(clean.main))
    assert (main.format, main.mode, main.size) == ("JPEG", "RGB", (400, 300))
    assert (clean.width, clean.height, clean.media_type) == (400, 300, "image/jpeg")
    assert max(Image.open(io.BytesIO(clean.thumbnail)).size) == images.THUMBNAIL_EDGE
    assert clean.sha256 == hashlib.sha256(data).digest()
    assert clean.main_sha256 == hashlib.sha256(clean.main).digest()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_metadata_is_left(kind: str) -> None:
    options: dict[str, object] = {"exif": _exif(), "icc_profile": b"profile sample " * 20}
    if kind == "JPEG":
        options["comment"] = "a comment sample"
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("Author", "an author sample")
        options["pnginfo"] = info
    data = _bytes(_picture(), kind, **options)
    assert b"sample" in data
    clean = _intake(data)
    for result in (clean.main, clean.thumbnail):
        picture = Image.open(io.BytesIO(result))
        assert dict(picture.getexif()) == {}
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        for trace in (b"sample", b"Exif", b"ICC_PROFILE"):
            assert trace not in result


def test_gps_is_gone() -> None:
    data = _bytes(_picture(), "JPEG", exif=_exif())
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)
    assert not Image.open(io.BytesIO(_intake(data).main)).getexif().get_ifd(0x8825)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation: int) -> None:
    from PIL import ImageOps

    data = _bytes(_picture(), "JPEG", exif=_exif(orientation), quality=95)
    wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    clean = _intake(data)
    got = Image.open(io.BytesIO(clean.main))
    assert got.size == wanted.size == (clean.width, clean.height)
    for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)):
        at = (int(x * got.width), int(y * got.height))
        assert all(abs(a - b) < 25 for a, b in zip(got.getpixel(at), wanted.getpixel(at), strict=True))  # type: ignore[arg-type]


def test_a_broken_orientation_is_ignored() -> None:
    assert _intake(_bytes(_picture(), "JPEG", exif=_exif(99))).width == 400


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_long_edge_is_capped(kind: str) -> None:
    clean = _intake(_bytes(_picture(6200, 3100), kind))
    assert (clean.width, clean.height) == (3000, 1500)
    assert Image.open(io.BytesIO(clean.main)).size == (3000, 1500)


def test_a_very_long_strip_keeps_at_least_one_pixel() -> None:
    clean = _intake(_bytes(_picture(20_000, 2), "PNG"))
    assert clean.width == 3000
    assert clean.height >= 1


def test_transparency_is_shown_on_white() -> None:
    clean = _intake(_bytes(Image.new("RGBA", (40, 40), (255, 0, 0, 0)), "PNG"))
    assert min(Image.open(io.BytesIO(clean.main)).getpixel((20, 20))) > 250  # type: ignore[arg-type, type-var]


def test_sixteen_bit_grey_is_not_washed_out() -> None:
    clean = _intake(_bytes(Image.new("I;16", (40, 40), 0x4000), "PNG"))
    assert abs(Image.open(io.BytesIO(clean.main)).getpixel((20, 20))[0] - 0x40) < 5  # type: ignore[index, operator]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    data = _bytes(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    red, _green, blue = Image.open(io.BytesIO(_intake(data).main)).getpixel((20, 20))  # type: ignore[misc]
    assert red > 200
    assert blue < 60


def test_cmyk_is_converted() -> None:
    assert Image.open(io.BytesIO(_intake(_bytes(_picture(mode="CMYK"))).main)).mode == "RGB"


def test_random_damage_never_raises_anything_else() -> None:
    chance = random.Random(7)
    for kind in ("JPEG", "PNG", "WEBP"):
        sound = _bytes(_picture(60, 40), kind, exif=_exif(6))
        for _ in range(150):
            data = bytearray(sound)
            for _ in range(chance.randint(1, 12)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            with suppress(DomainError):  # anything else would be a page that fails with 500
                _intake(bytes(data))


@pytest.fixture
def scanner() -> Iterator[list[bytes]]:
    seen: list[bytes] = []

    def scan(data: bytes) -> None:
        seen.append(data)
        raise Invalid(code="image_infected")

    images.scanners.add("test", scan)
    yield seen
    images.scanners._entries.pop("test")


def test_a_scanner_sees_the_upload_and_may_refuse_it(scanner: list[bytes]) -> None:
    data = _bytes(_picture())
    with pytest.raises(Invalid) as refused:
        _intake(data)
    assert refused.value.code == "image_infected"
    assert scanner == [data]
