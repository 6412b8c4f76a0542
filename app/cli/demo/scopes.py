"""Drawn photos of devices: a grip, a coiled tube and a tip on cloth, with a ring round what is wrong. All say 样例."""

from __future__ import annotations

import io
import math
import random

from PIL import Image, ImageDraw, ImageFilter

from app.cli.demo.badges import font

SIZE = (1200, 900)
CLOTHS = (("#24506b", "#2d6180"), ("#3d6b4a", "#4a7d58"), ("#b9c2c7", "#cbd3d7"), ("#6a6f76", "#7b8188"))


def draw(rng: random.Random, *, ring: bool = True) -> bytes:
    """A JPEG as a phone takes it; ``ring``: the place of the fault is marked."""
    dark, light = rng.choice(CLOTHS)
    image = Image.new("RGB", SIZE, dark)
    pen = ImageDraw.Draw(image)
    for begins in range(-SIZE[1], SIZE[0], 46):
        pen.line((begins, 0, begins + SIZE[1], SIZE[1]), fill=light, width=8)
    cx, cy, turns = rng.randint(520, 700), rng.randint(400, 520), rng.uniform(2.0, 3.2)
    path = [
        (cx + (330 - 26 * t) * math.cos(t + 0.4), cy + (250 - 20 * t) * math.sin(t + 0.4))
        for t in (turns * 2 * math.pi * n / 240 * 0.5 for n in range(241))
    ]
    pen.line([(x + 10, y + 14) for x, y in path], fill="#10161a", width=38, joint="curve")
    pen.line(path, fill="#16191c", width=34, joint="curve")
    pen.line([(x - 5, y - 7) for x, y in path], fill="#4b545b", width=6, joint="curve")
    x, y = path[0]
    pen.rounded_rectangle((x - 60, y - 120, x + 70, y + 130), 34, fill="#1d2226", outline="#596168", width=5)
    for n, colour in enumerate(("#c9483b", "#2f6fb5", "#d8dde0")):
        pen.ellipse((x - 28, y - 96 + 52 * n, x + 22, y - 54 + 52 * n), fill=colour)
    x, y = path[rng.randint(150, 235)]
    pen.ellipse((x - 20, y - 20, x + 20, y + 20), fill="#8d979d")
    if ring:
        pen.ellipse((x - 76, y - 76, x + 76, y + 76), outline="#e3b341", width=9)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.4)))
    pen = ImageDraw.Draw(image)
    pen.text((36, 830), "样例 不作凭证", font=font(38), fill="#f2f4f5")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=84)
    return out.getvalue()
