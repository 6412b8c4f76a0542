"""The viewer's name and the time, drawn into every badge image that leaves the portal (requirements.md C11)."""

from __future__ import annotations

import io
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from app.core.clock import SHANGHAI

LONG_EDGE = 2200  # pixels; more than the viewer's zoom needs
QUALITY = 88
ANGLE = 18
INK = (24, 28, 36, 58)  # faint on light badges
LIGHT = (255, 255, 255, 46)  # a second stroke that shows on dark ones
CJK_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


def words(name: str, account: str, at: datetime) -> str:
    """What is drawn: name and time; without a font that has Chinese, the account's code stands for the name."""
    who = name if name.isascii() or cjk_font() else account
    return f"{who} {at.astimezone(SHANGHAI).strftime('%m-%d %H:%M')}"


def mark(image: bytes, text: str) -> bytes:
    """A JPEG of the same picture with ``text`` tiled across it."""
    with Image.open(io.BytesIO(image), formats=["JPEG"]) as source:
        source.draft("RGB", (LONG_EDGE, LONG_EDGE))
        picture = source.convert("RGB")
    picture.thumbnail((LONG_EDGE, LONG_EDGE), Image.Resampling.BILINEAR)
    tile = _tile(text, max(12, max(picture.size) // 48))
    for top in range(-tile.height // 2, picture.height, int(tile.height * 1.6)):
        shift = (top // max(1, tile.height)) % 2 * tile.width // 2
        for left in range(-shift, picture.width, int(tile.width * 1.25)):
            picture.paste(tile, (left, top), tile)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


@lru_cache(maxsize=1)
def cjk_font() -> str | None:
    return next((path for path in CJK_FONTS if Path(path).exists()), None)


def _tile(text: str, size: int) -> Image.Image:
    path = cjk_font()
    font = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(text)
    tile = Image.new("RGBA", (int(right - left) + size * 2, int(bottom - top) + size))
    draw = ImageDraw.Draw(tile)
    draw.text((size - left + 1, size // 2 - top + 1), text, font=font, fill=LIGHT)
    draw.text((size - left, size // 2 - top), text, font=font, fill=INK)
    return tile.rotate(ANGLE, expand=True, resample=Image.Resampling.BICUBIC)
