"""How far somebody's work goes: provinces, product lines, visits per half day and a base, alike for dealers and
engineers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from flask_babel import lazy_gettext as _l

from app.dealers.lines import ProductLine
from app.hospitals.provinces import BY_CODE


class Reach(Protocol):
    """``lat`` and ``lon`` in degrees, both or neither."""

    @property
    def provinces(self) -> tuple[str, ...]: ...
    @property
    def product_lines(self) -> tuple[str, ...]: ...
    @property
    def capacity(self) -> int: ...
    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...


def wrong_in(data: Reach, most: int) -> dict[str, list[Any]]:
    """What can't be kept, by field; empty when all of it can. ``most``: visits per half day that are believable."""
    wrong: dict[str, list[Any]] = {}
    if not set(data.provinces) <= set(BY_CODE):
        wrong["provinces"] = [_l("没有这个省份。")]
    if not set(data.product_lines) <= set(ProductLine):
        wrong["product_lines"] = [_l("没有这个产品线。")]
    if not 1 <= data.capacity <= most:
        wrong["capacity"] = [_l("请输入 %(floor)s 到 %(ceiling)s 之间的数值。", floor=1, ceiling=most)]
    for field, value, bound in (("lat", data.lat, 90), ("lon", data.lon, 180)):
        if value is not None and not -bound <= value <= bound:
            wrong[field] = [_l("请输入 -%(bound)s 到 %(bound)s 之间的度数。", bound=bound)]
    if (data.lat is None) != (data.lon is None):
        wrong["lat" if data.lat is None else "lon"] = [_l("纬度和经度要么都填，要么都不填。")]
    return wrong


def columns(data: Reach) -> dict[str, Any]:
    """The values as rows keep them, in one order."""
    return {
        "provinces": sorted(data.provinces), "product_lines": sorted(data.product_lines), "capacity": data.capacity,
        "lat": data.lat, "lon": data.lon,
    }  # fmt: skip


def suggest(form: Any, args: Mapping[str, str]) -> None:
    """What a candidate panel named as the smallest change stands in the form already; saving is up to you."""
    if args.get("add_province") in BY_CODE:
        form.provinces.data = [*(form.provinces.data or ()), args["add_province"]]
    if args.get("add_line") in set(ProductLine):
        form.product_lines.data = [*(form.product_lines.data or ()), args["add_line"]]
    if args.get("capacity", "").isdigit():
        form.capacity.data = int(args["capacity"])
