"""Fetch third-party browser files once: `python scripts/vendor.py`. The result is committed; nothing runs at deploy.

`npm pack` each pinned package, copy the named files to static/vendor/<name>-<version>/, write every data: image of a
stylesheet to a file of its own (the content policy allows no data:), and list all SHA-256 sums in VERSIONS.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import unquote

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor"
PACKAGES = {
    ("bootstrap", "5.3.9"): ("dist/css/bootstrap-reboot.min.css", "dist/css/bootstrap-utilities.min.css", "LICENSE"),
    ("htmx.org", "2.0.11"): ("dist/htmx.min.js", "LICENSE"),
    ("sortablejs", "1.15.7"): ("Sortable.min.js", "LICENSE"),
    ("leaflet", "1.9.4"): ("dist/leaflet.js", "dist/leaflet.css", "LICENSE"),
    ("echarts", "6.1.0"): ("dist/echarts.common.min.js", "LICENSE", "NOTICE", "licenses/LICENSE-d3"),
}
DATA_URL = re.compile(
    r"""url\((?P<quote>["']?)data:image/(?P<kind>[a-z+]+)(?P<b64>;base64)?,(?P<body>.*?)(?P=quote)\)"""
)
SOURCE_MAP = re.compile(r"\n?/\*# sourceMappingURL=.*?\*/\s*$")


def main() -> None:
    for (name, version), files in PACKAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            fetch(name, version, files, Path(folder))
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(VENDOR)}"
        for path in sorted(VENDOR.rglob("*"))
        if path.is_file() and path.name != "VERSIONS"
    ]
    (VENDOR / "VERSIONS").write_text("\n".join(lines) + "\n")


def fetch(name: str, version: str, files: tuple[str, ...], folder: Path) -> None:
    """Unpack one package and copy what is named."""
    subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=folder, check=True, capture_output=True)
    target = VENDOR / f"{name}-{version}"
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for file in files:
            member = archive.extractfile(f"package/{file}")
            if member is None:
                raise SystemExit(f"{name} {version} has no {file}")
            content = member.read()
            if file.endswith(".css"):
                content = SOURCE_MAP.sub("\n", without_data_urls(content.decode(), target)).encode()
            (target / Path(file).name).write_bytes(content)


def without_data_urls(css: str, target: Path) -> str:
    """The stylesheet with its data: images as files beside it, named by content."""

    def write(match: re.Match[str]) -> str:
        body = match["body"]
        content = base64.b64decode(body) if match["b64"] else unquote(body).encode()
        name = f"image-{hashlib.sha256(content).hexdigest()[:8]}.{match['kind'].partition('+')[0]}"
        (target / name).write_bytes(content)
        return f'url("{name}")'

    return DATA_URL.sub(write, css)


if __name__ == "__main__":
    main()
