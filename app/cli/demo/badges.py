"""Drawn badges: several templates, some blurred, turned or with glare, as phones take them. Every one says 样例."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONT = Path(__file__).with_name("fonts") / "demo-subset.otf"
SIZE = (1180, 760)
SCHEMES = (
    ("#1f6f78", "#f4f7f6", "#12343b"),
    ("#1d3a9e", "#ffffff", "#1a1d23"),
    ("#7a2e3a", "#fbf7f4", "#2b1a1d"),
    ("#2f6b3c", "#f7faf5", "#1b2a1e"),
)
CONDITIONS = ("plain", "plain", "plain", "turned", "blurred", "glare", "quarter", "dark")


@dataclass(frozen=True, slots=True)
class Badge:
    """What is printed on one card."""

    hospital: str
    name: str
    department: str
    title: str
    position: str | None
    number: str


@lru_cache(maxsize=16)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)


def draw(badge: Badge, rng: random.Random, condition: str | None = None) -> bytes:
    """A JPEG of the card, as photographed under ``condition`` (one of CONDITIONS; None draws one by ``rng``)."""
    card = _card(badge, rng.randrange(len(SCHEMES)), rng.randrange(3))
    return _photographed(card, condition or rng.choice(CONDITIONS), rng)


def _card(badge: Badge, scheme: int, layout: int) -> Image.Image:
    band, paper, ink = SCHEMES[scheme]
    image = Image.new("RGB", SIZE, paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 170), fill=band)
    pen.rounded_rectangle((520, 20, 660, 44), 12, fill="#101318")
    pen.text((60, 56), badge.hospital, font=_font(58), fill="#ffffff")
    pen.text((60, 126), "示例证件 内容均为虚构", font=_font(26), fill="#e6ecec")
    pen.text((1000, 66), "工作证" if layout else "胸卡", font=_font(40), fill="#ffffff")
    left = 60 if layout != 2 else 820
    pen.rounded_rectangle((left, 230, left + 290, 620), 10, fill="#dfe6e5")
    pen.ellipse((left + 80, 290, left + 210, 420), fill="#a9b5b4")
    pen.pieslice((left + 25, 440, left + 265, 800), 180, 360, fill="#a9b5b4")
    x, y = (410, 232) if layout != 2 else (70, 232)
    fields = [("姓名", badge.name), ("科室", badge.department), ("职称", badge.title)]
    if badge.position is not None:
        fields.append(("职务", badge.position))
    fields.append(("工号", badge.number))
    for label, value in fields:
        pen.text((x, y + 10), label, font=_font(34), fill="#6b7675")
        pen.text((x + 120, y), value, font=_font(46 if label == "姓名" else 40), fill=ink)
        pen.line((x + 110, y + 62, x + 620, y + 62), fill="#c9d2d1", width=2)
        y += 86
    pen.text((60, 690), "样例 不作凭证", font=_font(30), fill="#6b7675")
    return image


def _photographed(card: Image.Image, condition: str, rng: random.Random) -> bytes:
    desk = rng.choice(("#3a3f47", "#5b5148", "#22262c"))
    tilt = rng.uniform(-3, 3) if condition != "turned" else rng.choice((-14, 11, 17))
    scene = Image.new("RGB", (1500, 1100), desk)
    turned = card.rotate(tilt, expand=True, resample=Image.Resampling.BILINEAR, fillcolor=desk)
    scene.paste(turned, ((1500 - turned.width) // 2, (1100 - turned.height) // 2))
    if condition == "blurred":
        scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(4, 7)))
    elif condition == "glare":
        scene = _with_glare(scene, rng)
    elif condition == "quarter":
        scene = scene.rotate(rng.choice((90, 180, 270)), expand=True)
    elif condition == "dark":
        scene = scene.point([int(v * 0.45) for v in range(256)] * 3)
    out = io.BytesIO()
    scene.save(out, "JPEG", quality=82)
    return out.getvalue()


def _with_glare(scene: Image.Image, rng: random.Random) -> Image.Image:
    mask = Image.new("L", scene.size, 0)
    x, y = rng.randint(600, 1000), rng.randint(450, 700)
    ImageDraw.Draw(mask).ellipse((x - 260, y - 90, x + 260, y + 90), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(45))
    return Image.composite(Image.new("RGB", scene.size, "#ffffff"), scene, mask)
