"""Drawn badges: several templates, some blurred, turned or with glare, as phones take them. Every one says 样例.

No two lie alike: portrait, desk, light, distance and place in the picture are drawn per card, so that other people's
cards of one template are not taken for one photo used twice (docs/recognition.md).
"""

from __future__ import annotations

import io
import random
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

FONT = Path(__file__).with_name("fonts") / "demo-subset.otf"
SIZE = (1180, 760)
SCENE = (1500, 1100)
GRAIN = 2.5  # grey levels, standard deviation of the sensor's noise
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
def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)


def draw(badge: Badge, rng: random.Random, condition: str | None = None) -> bytes:
    """A JPEG of the card, as photographed under ``condition`` (one of CONDITIONS; None draws one by ``rng``)."""
    card = _card(badge, rng.randrange(len(SCHEMES)), rng.randrange(3), rng)
    return _photographed(card, condition or rng.choice(CONDITIONS), rng)


def again(jpeg: bytes) -> bytes:
    """The same picture as it comes out of a chat: smaller, and compressed a second time."""
    with Image.open(io.BytesIO(jpeg)) as source:
        small = source.resize((source.width * 2 // 3, source.height * 2 // 3), Image.Resampling.BILINEAR)
    return _jpeg(small, 70)


def _card(badge: Badge, scheme: int, layout: int, rng: random.Random) -> Image.Image:
    band, paper, ink = SCHEMES[scheme]
    image = Image.new("RGB", SIZE, paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 170), fill=band)
    pen.rounded_rectangle((520, 20, 660, 44), 12, fill="#101318")
    pen.text((60, 56), badge.hospital, font=font(58), fill="#ffffff")
    pen.text((60, 126), "示例证件 内容均为虚构", font=font(26), fill="#e6ecec")
    pen.text((1000, 66), "工作证" if layout else "胸卡", font=font(40), fill="#ffffff")
    left = 60 if layout != 2 else 820
    image.paste(_portrait(rng), (left, 230))
    x, y = (410, 232) if layout != 2 else (70, 232)
    fields = [("姓名", badge.name), ("科室", badge.department), ("职称", badge.title)]
    if badge.position is not None:
        fields.append(("职务", badge.position))
    fields.append(("工号", badge.number))
    for label, value in fields:
        pen.text((x, y + 10), label, font=font(34), fill="#6b7675")
        pen.text((x + 120, y), value, font=font(46 if label == "姓名" else 40), fill=ink)
        pen.line((x + 110, y + 62, x + 620, y + 62), fill="#c9d2d1", width=2)
        y += 86
    pen.text((60, 690), "样例 不作凭证", font=font(30), fill="#6b7675")
    return image


def _portrait(rng: random.Random) -> Image.Image:
    """A silhouette with hair and shoulders of its own."""
    ground, coat, hair = rng.randint(170, 235), rng.randint(50, 225), rng.randint(25, 120)
    image = Image.new("RGB", (290, 390), (ground - 14, ground, ground + 12))
    pen = ImageDraw.Draw(image)
    wide, high = rng.randint(50, 72), rng.randint(62, 84)
    x, y = 145 + rng.randint(-22, 22), 140 + rng.randint(-24, 24)
    skin = rng.randint(150, 205)
    if rng.random() < 0.5:  # long hair
        pen.rounded_rectangle((x - wide - 16, y - high, x + wide + 16, y + high + 50), 40, fill=(hair,) * 3)
    pen.pieslice((x - 128, y + high - 4, x + 128, y + high + 420), 180, 360, fill=(coat, coat, min(255, coat + 12)))
    pen.rectangle((x - 22, y + high - 26, x + 22, y + high + 26), fill=(skin - 18, skin - 30, skin - 40))
    pen.ellipse((x - wide - 7, y - high - 18, x + wide + 7, y + 26), fill=(hair,) * 3)
    pen.ellipse((x - wide, y - high + rng.randint(4, 22), x + wide, y + high), fill=(skin, skin - 14, skin - 26))
    return image


def _photographed(card: Image.Image, condition: str, rng: random.Random) -> bytes:
    tilt = rng.uniform(-3, 3) if condition != "turned" else rng.choice((-14, 11, 17))
    scene = _on_desk(card, tilt, rng)
    if condition == "blurred":
        scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(4, 7)))
    elif condition == "glare":
        scene = _with_glare(scene, rng)
    elif condition == "quarter":
        scene = scene.rotate(rng.choice((90, 180, 270)), expand=True)
    elif condition == "dark":
        scene = scene.point([int(v * 0.45) for v in range(256)] * 3)
    return _jpeg(scene, 82)


def _on_desk(card: Image.Image, tilt: float, rng: random.Random) -> Image.Image:
    """The card as the phone frames it: nearer or farther, off the middle, on a grained desk, in light from one side."""
    low = np.deg2rad(tilt)
    near = rng.uniform(0.80, 0.94) if abs(tilt) > 5 else rng.uniform(0.84, 1.16)
    cos, sin = np.cos(low) / near, np.sin(low) / near
    room = [max(10.0, (SCENE[n] - near * SIZE[n] * (1 + abs(low))) / 2 - 20) for n in (0, 1)]
    x, y = (SCENE[n] / 2 + rng.uniform(-room[n], room[n]) for n in (0, 1))
    way = (cos, -sin, SIZE[0] / 2 - cos * x + sin * y, sin, cos, SIZE[1] / 2 - sin * x - cos * y)
    laid = card.transform(SCENE, Image.Transform.AFFINE, way, Image.Resampling.BILINEAR)
    mask = Image.new("L", SIZE, 255).transform(SCENE, Image.Transform.AFFINE, way, Image.Resampling.BILINEAR)
    scene = Image.composite(laid, _desk(rng), mask)
    corners = Image.frombytes("L", (2, 2), bytes(rng.randint(196, 255) for _ in range(4)))
    scene = ImageChops.multiply(scene, Image.merge("RGB", [corners.resize(SCENE, Image.Resampling.BILINEAR)] * 3))
    return ImageChops.add(scene, ImageChops.offset(_grain(), rng.randrange(SCENE[0]), rng.randrange(SCENE[1])), 1, -128)


def _desk(rng: random.Random) -> Image.Image:
    """Wood, stone or cloth: grain of some direction and size between two tones."""
    dark, light = rng.choice(
        (("#23262b", "#5a616b"), ("#4a4038", "#7d6f60"), ("#191c20", "#3a3f47"), ("#6d7278", "#a0a6ad"))
    )
    size = rng.choice(((4, 40), (60, 5), (14, 10), (7, 5)))
    grain = Image.frombytes("L", size, rng.randbytes(size[0] * size[1]))
    return ImageOps.colorize(grain.resize(SCENE, Image.Resampling.BICUBIC), dark, light)


@lru_cache(maxsize=1)
def _grain() -> Image.Image:
    noise = np.random.default_rng(1).normal(128, GRAIN, (SCENE[1], SCENE[0]))
    return Image.merge("RGB", [Image.fromarray(noise.round().astype(np.uint8))] * 3)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def _with_glare(scene: Image.Image, rng: random.Random) -> Image.Image:
    mask = Image.new("L", scene.size, 0)
    x, y = rng.randint(600, 1000), rng.randint(450, 700)
    ImageDraw.Draw(mask).ellipse((x - 260, y - 90, x + 260, y + 90), fill=255)
    mask = mask.filter(ImageFilter.GaussianBlur(45))
    return Image.composite(Image.new("RGB", scene.size, "#ffffff"), scene, mask)
