"""Drawn badges for the recognition bench: 40 cards of people who do not exist, under eight conditions, from one seed.

Faces: whatever of Noto Sans and Serif CJK (regular and bold) the machine has. Nothing here is a real person, hospital
or number. Synthetic is not real: no handwriting, no lanyard folds, no laminate.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

SEED = 20_261_124
FOLDER = Path("/usr/share/fonts/opentype/noto")
FACES = tuple(
    path
    for name in ("NotoSansCJK-Regular", "NotoSerifCJK-Regular", "NotoSansCJK-Bold", "NotoSerifCJK-Bold")
    if (path := FOLDER / f"{name}.ttc").exists()
)
SIMPLIFIED = 2  # index of the SC face in the collections
SIZE = (1180, 760)
HOSPITALS = (
    "东海示范人民医院", "江城样例中心医院", "云岭演示中医院", "北原示范大学附属第一医院", "南屏样例妇幼保健院",
    "西川演示肿瘤医院", "平湖示范第二人民医院", "海滨样例儿童医院", "青石演示骨科医院", "白鹭示范区人民医院",
    "长桥样例消化病医院", "金沙演示胸科医院", "松岭示范中西医结合医院", "梅溪样例县医院", "竹山演示急救中心",
    "兰浦示范第三人民医院",
)  # fmt: skip
DEPARTMENTS = (
    "消化内镜中心", "消化内科", "呼吸内镜室", "胃肠外科", "手术室", "泌尿外科", "耳鼻咽喉科", "妇科", "设备科",
    "医学工程科", "消毒供应中心", "肝胆外科",
)  # fmt: skip
TITLES = (
    "主管护师", "护师", "护士", "副主任护师", "住院医师", "主治医师", "副主任医师", "主任医师", "工程师",
    "主管技师", "技师",
)  # fmt: skip
POSITIONS = ("护士长", "设备科科长", "科主任", "科副主任", "设备工程师", "住院总医师", "带教老师", "质控员")
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = (
    "虚构", "示例", "拟", "演示", "拟名", "例文", "示范", "样", "试填", "仿单", "假名", "样式", "例证", "示意",
    "若拟", "设例",
)  # fmt: skip
SCHEMES = (
    ("#1f6f78", "#f4f7f6", "#12343b"), ("#1d3a9e", "#ffffff", "#1a1d23"), ("#7a2e3a", "#fbf7f4", "#2b1a1d"),
    ("#2f6b3c", "#f7faf5", "#1b2a1e"), ("#4a4f57", "#f6f6f4", "#15171a"),
)  # fmt: skip
DESKS = ("#3a3f47", "#5b5148", "#22262c", "#8a8f96")


@dataclass(frozen=True, slots=True)
class Card:
    """What is printed, and how: ``style`` chooses colours, face and the place of the portrait."""

    hospital: str
    name: str
    department: str
    title: str
    position: str
    number: str
    style: int

    def claims(self) -> dict[str, str]:
        """The five claimed fields of a registration."""
        return {
            "name": self.name, "hospital": self.hospital, "department": self.department, "title": self.title,
            "position": self.position,
        }  # fmt: skip


def cards(seed: int) -> list[Card]:
    """40 cards; every hospital, department and title of the lists stands on at least one."""
    rng, names = random.Random(seed), set[str]()
    made = []
    for n in range(40):
        name = rng.choice(SURNAMES) + rng.choice(GIVEN)
        while name in names:
            name = rng.choice(SURNAMES) + rng.choice(GIVEN)
        names.add(name)
        made.append(
            Card(HOSPITALS[n % len(HOSPITALS)], name, DEPARTMENTS[n % len(DEPARTMENTS)], TITLES[n % len(TITLES)],
                 POSITIONS[n % len(POSITIONS)], f"{rng.choice(('YB', 'NJ', 'S'))}{rng.randint(1000, 999_999):06}", n)
        )  # fmt: skip
    return made


def same_template(seed: int) -> list[Card]:
    """20 cards of one hospital: one template, one face, people and texts that differ."""
    rng = random.Random(seed + 1)
    people = [s + g for s in SURNAMES for g in GIVEN]
    return [
        Card(HOSPITALS[0], name, rng.choice(DEPARTMENTS), rng.choice(TITLES), rng.choice(POSITIONS),
             f"YB{rng.randint(1000, 999_999):06}", 0)
        for name in rng.sample(people, 20)
    ]  # fmt: skip


@lru_cache(maxsize=64)
def _font(style: int, size: int) -> ImageFont.FreeTypeFont:
    path = FACES[style % len(FACES)]
    return ImageFont.truetype(str(path), size, index=SIMPLIFIED)


def draw(card: Card) -> Image.Image:
    """The card itself, as a scanner would see it."""
    band, paper, ink = SCHEMES[card.style % len(SCHEMES)]
    layout, styled = card.style % 3, card.style // 3 % 3
    font = lambda size: _font(card.style, size)
    image = Image.new("RGB", SIZE, paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, SIZE[0], 160), fill=band)
    pen.rounded_rectangle((520, 16, 660, 38), 11, fill="#101318")
    pen.text((60, 54), card.hospital, font=font(56), fill="#ffffff")
    pen.text((990, 62), ("工作证", "胸卡", "出入证")[styled], font=font(38), fill="#ffffff")
    left = 60 if layout != 2 else 830
    _portrait(pen, left, random.Random(card.name))
    x, y = (410, 205) if layout != 2 else (70, 205)
    wide = ("", "：", " ")[styled]  # 姓名, 姓名： and 姓 名
    rows = (("姓名", card.name), ("科室", card.department), ("职称", card.title), ("职务", card.position),
            ("工号", card.number))  # fmt: skip
    for label, value in rows:
        said = label[0] + "  " + label[1] if wide == " " else label + wide
        pen.text((x, y + 8), said, font=font(34), fill="#5f6a69")
        pen.text((x + 136, y), value, font=font(48 if label == "姓名" else 42), fill=ink)
        pen.line((x + 126, y + 64, x + 640, y + 64), fill="#c9d2d1", width=2)
        y += 92
    pen.text((60, 700), "样例 不作凭证", font=font(28), fill="#6b7675")
    return image


def _portrait(pen: ImageDraw.ImageDraw, left: int, rng: random.Random) -> None:
    """A drawn head, another one per person, as photographs on cards differ."""
    tone = rng.randint(150, 190)
    pen.rounded_rectangle((left, 220, left + 290, 620), 10, fill=(tone + 45, tone + 52, tone + 60))
    wide, high = rng.randint(55, 80), rng.randint(65, 90)
    x, y = left + 145 + rng.randint(-14, 14), 360 + rng.randint(-14, 14)
    pen.ellipse((x - wide - 8, y - high - 14, x + wide + 8, y + 30), fill=(rng.randint(20, 70),) * 3)
    pen.ellipse((x - wide, y - high, x + wide, y + high), fill=(tone + 30, tone + 10, tone - 10))
    for side in (-1, 1):
        pen.ellipse((x + side * 28 - 8, y - 12, x + side * 28 + 8, y - 2), fill="#20242a")
    pen.arc((x - 26, y + 10, x + 26, y + 46), 20, 160, fill="#6a3a3a", width=4)
    pen.pieslice((x - 125, y + high, x + 125, y + high + 330), 180, 360, fill=(rng.randint(60, 200),) * 3)


# How a card comes to be a picture --------------------------------------------------------------------------------

Condition = Callable[[Image.Image, random.Random], bytes]


def clean(card: Image.Image, _rng: random.Random) -> bytes:
    return jpeg(card, 92)


def phone(card: Image.Image, rng: random.Random) -> bytes:
    return jpeg(_scene(card, rng), 75)


def quarters(card: Image.Image, rng: random.Random) -> bytes:
    return jpeg(_scene(card, rng).rotate(rng.choice((90, 180, 270)), expand=True), 75)


def strong_tilt(card: Image.Image, rng: random.Random) -> bytes:
    scene = _scene(card, rng, turn=rng.choice((-1, 1)) * rng.uniform(8, 14), corner=70, noise=0)
    scene = scene.resize((960, 720), Image.Resampling.BILINEAR).filter(ImageFilter.GaussianBlur(1.0))
    return jpeg(_noisy(scene, rng, 8), 50)


def small_in_picture(card: Image.Image, rng: random.Random) -> bytes:
    return jpeg(_scene(card, rng, width=360, size=(1280, 960), corner=6), 80)


def narrow(card: Image.Image, rng: random.Random) -> bytes:
    scene = _scene(card, rng, noise=0)
    return jpeg(scene.resize((560, 420), Image.Resampling.BILINEAR), 35)


def motion_dark(card: Image.Image, rng: random.Random) -> bytes:
    pixels: Any = np.asarray(_scene(card, rng, noise=0), np.float32)
    length, (dx, dy) = rng.randint(5, 11), rng.choice(((1, 0), (0, 1), (1, 1)))
    moved: Any = sum(np.roll(pixels, (n * dy, n * dx), (0, 1)) for n in range(length)) / length
    dark = Image.fromarray((moved * rng.uniform(0.3, 0.45)).astype(np.uint8))
    return jpeg(_noisy(dark, rng, 5), 75)


def glare_on_text(card: Image.Image, rng: random.Random) -> bytes:
    mask = Image.new("L", card.size, 0)
    x, y = rng.randint(480, 900), rng.randint(240, 620)
    ImageDraw.Draw(mask).ellipse((x - 230, y - 80, x + 230, y + 80), fill=255)
    lit = Image.composite(Image.new("RGB", card.size, "#ffffff"), card, mask.filter(ImageFilter.GaussianBlur(20)))
    return jpeg(_scene(lit, rng), 75)


CONDITIONS: dict[str, Condition] = {
    "clean scan": clean,
    "phone photo": phone,
    "turned 90/180/270": quarters,
    "strong tilt, blur, noise, 960 px, JPEG 50": strong_tilt,
    "badge 360 px wide in the picture": small_in_picture,
    "560 px wide, JPEG 35": narrow,
    "motion blur and dark": motion_dark,
    "glare on the text": glare_on_text,
}


def _scene(
    card: Image.Image,
    rng: random.Random,
    *,
    turn: float | None = None,
    width: int = 1150,
    size: tuple[int, int] = (1600, 1200),
    corner: int = 28,
    noise: float = 5,
) -> Image.Image:
    """The card on a desk as a phone sees it: a little turned, corners pulled (pixels), a weak reflection, noise."""
    desk = rng.choice(DESKS)
    height = width * card.height // card.width
    laid = Image.new("RGB", size, desk)
    middle = ((size[0] - width) // 2, (size[1] - height) // 2)
    laid.paste(card.resize((width, height), Image.Resampling.LANCZOS), middle)
    angle = rng.uniform(-4, 4) if turn is None else turn
    laid = laid.rotate(angle, resample=Image.Resampling.BICUBIC, fillcolor=desk)
    pulled = [(x + rng.uniform(-corner, corner), y + rng.uniform(-corner, corner))
              for x, y in ((0, 0), (size[0], 0), (size[0], size[1]), (0, size[1]))]  # fmt: skip
    way = _perspective(pulled, [(0, 0), (size[0], 0), (size[0], size[1]), (0, size[1])])
    laid = laid.transform(size, Image.Transform.PERSPECTIVE, way, Image.Resampling.BICUBIC, fillcolor=desk)
    shine = Image.new("L", size, 0)
    x, y = rng.randint(0, size[0]), rng.randint(0, size[1])
    ImageDraw.Draw(shine).ellipse((x - 300, y - 200, x + 300, y + 200), fill=rng.randint(30, 70))
    laid = Image.composite(Image.new("RGB", size, "#ffffff"), laid, shine.filter(ImageFilter.GaussianBlur(90)))
    return _noisy(laid, rng, noise) if noise else laid


def _perspective(source: Sequence[tuple[float, float]], target: Sequence[tuple[float, float]]) -> list[float]:
    """Pillow's eight coefficients: the place in the old picture for each place in the new one."""
    rows, right = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return list(np.linalg.solve(np.array(rows, float), np.array(right, float)))


def _noisy(picture: Image.Image, rng: random.Random, sigma: float) -> Image.Image:
    generator = np.random.default_rng(rng.randrange(2**32))
    pixels: Any = np.asarray(picture, np.float32)
    return Image.fromarray(np.clip(pixels + generator.normal(0, sigma, pixels.shape), 0, 255).astype(np.uint8))


def jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


# What is done to a picture that is used a second time -------------------------------------------------------------


def again(picture: Image.Image, how: str) -> bytes:
    """The same picture after one of `REUSES`."""
    return jpeg(REUSES[how](picture), 40 if how == "recompressed, JPEG 40" else 88)


def _cropped(part: float) -> Callable[[Image.Image], Image.Image]:
    return lambda p: p.crop(
        (int(p.width * part), int(p.height * part), int(p.width * (1 - part)), int(p.height * (1 - part)))
    )


def _watermarked(picture: Image.Image) -> Image.Image:
    marked = picture.copy()
    pen = ImageDraw.Draw(marked)
    for top in range(60, picture.height, 240):
        pen.text((80 + top % 200, top), "仅供注册使用 2026", font=_font(0, 54), fill=(150, 150, 155))
    return marked


def _bars(picture: Image.Image) -> Image.Image:
    shot = Image.new("RGB", (picture.width, picture.height + 500), "#101318")
    shot.paste(picture, (0, 250))
    return shot


def _tilted(angle: float) -> Callable[[Image.Image], Image.Image]:
    return lambda p: p.rotate(angle, resample=Image.Resampling.BICUBIC, fillcolor="#22262c")


REUSES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed, JPEG 40": lambda p: p,
    "half size": lambda p: p.resize((p.width // 2, p.height // 2), Image.Resampling.BILINEAR),
    "watermark": _watermarked,
    "brightness x 1.3": lambda p: ImageEnhance.Brightness(p).enhance(1.3),
    "cropped 3 %": _cropped(0.03),
    "cropped 10 %": _cropped(0.10),
    "turned 2 degrees": _tilted(2),
    "turned 5 degrees": _tilted(5),
    "turned 90": lambda p: p.rotate(90, expand=True),
    "turned 180": lambda p: p.rotate(180),
    "mirrored": lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "screenshot with bars": _bars,
}
