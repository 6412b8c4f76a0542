"""Static files under content hashes: ``static_url('css/portal.css')`` → ``/static/css/portal.css?v=1a2b3c4d``.

A request that carries the right one may keep the answer for a year.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

from app.core import policy

HASH_CHARS = 8
IMMUTABLE = "public, max-age=31536000, immutable"
STYLESHEETS = (
    "tokens",
    "base",
    "frame",
    "controls",
    "components",
    "worklist",
    "tickets",
    "depot",
    "dispatch",
    "board",
    "jobs",
    "case",
    "proof",
    "staff",
    "customers",
    "grants",
    "satisfaction",
    "today",
    "charts",
    "phone",
    "print",
)


class Assets:
    """The manifest of one process. Unknown files raise FileNotFoundError: a page never links to nothing.

    In production a file is read once; elsewhere it is read again when its time or size has changed.
    """

    def __init__(self, folder: str, *, keep: bool) -> None:
        self.folder, self.keep = Path(folder), keep
        self._hashes: dict[str, tuple[object, str]] = {}
        self._urls: dict[str, str] = {}

    def hash_of(self, path: str) -> str:
        return self._hash(path, [self.folder / path])

    def modules_hash(self) -> str:
        """One hash for static/js as a whole."""
        return self._hash("js/", None)

    def _hash(self, key: str, files: list[Path] | None) -> str:
        known = self._hashes.get(key)
        if known is not None and self.keep:
            return known[1]
        files = sorted((self.folder / "js").glob("*.js")) if files is None else files
        state = [(file.name, (seen := file.stat()).st_mtime_ns, seen.st_size) for file in files]
        if known is None or known[0] != state:
            content = b"".join(file.read_bytes() for file in files)
            known = self._hashes[key] = (state, hashlib.sha256(content).hexdigest()[:HASH_CHARS])
        return known[1]

    def url(self, path: str) -> str:
        """The address with its hash. Modules import each other by relative names, so that they share one hash in the
        path: a module reached under two addresses would run twice."""
        found = self._urls.get(path) if self.keep else None
        if found is None:
            if path.startswith("js/"):
                found = url_for("ui.module", version=self.modules_hash(), name=path.removeprefix("js/"))
            else:
                found = url_for("static", filename=path, v=self.hash_of(path))
            self._urls[path] = found
        return found


def static_url(path: str) -> str:
    """The address of a static file, for templates."""
    assets: Assets = current_app.extensions["assets"]
    return assets.url(path)


def install(app: Flask) -> None:
    """Manifest, template global, cache header, policy mark of the static endpoint."""
    production = app.extensions["settings"].production
    app.extensions["assets"] = Assets(str(app.static_folder), keep=production)
    app.jinja_env.globals["static_url"] = static_url
    app.jinja_env.globals["stylesheets"] = STYLESHEETS
    if policy.mark_of(app, "static") is None:
        policy.public("styles, scripts and icons hold no data")(app.view_functions["static"])

    @app.after_request
    def _cache(response: Response) -> Response:
        if request.endpoint == "static" and response.status_code == 200:
            known = _is_current(app, (request.view_args or {}).get("filename", ""), request.args.get("v"))
            response.headers["Cache-Control"] = IMMUTABLE if known else "no-cache"
        return response


def _is_current(app: Flask, path: str, version: str | None) -> bool:
    if not version:
        return False
    try:
        return bool(app.extensions["assets"].hash_of(path) == version)
    except OSError:
        return False
