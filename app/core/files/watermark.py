"""The viewer's name and the time, drawn into every confidential picture on its way out (requirements.md C11)."""

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
INK = (18, 22, 30, 80)  # the letters
RIM = (255, 255, 255, 104)  # around them: what shows on dark ground is the rim, on light ground the letters
LINES = 34  # letter height is the long edge through this: about 4 lines of a phone's screen
SMALLEST, FITTING = 9, 0.92  # pixels a letter must have to be read; share of the width that one mark may take
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
    tile = _fitting(text, picture.size)
    down, right = max(1, int(tile.height * 1.15)), max(1, int(tile.width * 1.1))
    for line, top in enumerate(range(-tile.height // 3, picture.height, down)):
        for left in range(-(line % 2) * right // 2, picture.width, right):
            picture.paste(tile, (left, top), tile)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


@lru_cache(maxsize=1)
def cjk_font() -> str | None:
    return next((path for path in CJK_FONTS if Path(path).exists()), None)


def _fitting(text: str, size: tuple[int, int]) -> Image.Image:
    """The largest mark that fits across the picture whole; on a tiny one, the smallest that can be read."""
    letters = max(SMALLEST, max(size) // LINES)
    tile = _tile(text, letters)
    while tile.width > size[0] * FITTING and letters > SMALLEST:
        letters = max(SMALLEST, int(letters * 0.85))
        tile = _tile(text, letters)
    return tile


@lru_cache(maxsize=32)
def _tile(text: str, size: int) -> Image.Image:
    path = cjk_font()
    font = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    rim = max(1, size // 16)
    left, top, right, bottom = font.getbbox(text, stroke_width=rim)
    tile = Image.new("RGBA", (int(right - left) + size, int(bottom - top) + size // 2), (255, 255, 255, 0))
    at = (size // 2 - left, size // 4 - top)
    draw = ImageDraw.Draw(tile)
    draw.text(at, text, font=font, fill=RIM, stroke_width=rim, stroke_fill=RIM)
    draw.text(at, text, font=font, fill=INK)
    return tile.rotate(ANGLE, expand=True, resample=Image.Resampling.BICUBIC)
