"""Uploads: counted while they stream in, kept in memory, never in a readable file on disk."""

from __future__ import annotations

import io
from typing import IO

from flask import request
from flask_babel import lazy_gettext as _l

from app.api.v1.blueprint import PREFIX
from app.core.errors import DomainError, Invalid, TooLarge, UnsupportedMedia
from app.core.files import audio
from app.core.files.audio import CleanSound
from app.core.files.images import MAX_BYTES, CleanImage, intake
from app.core.incoming import IncomingRequest


class CappedStream(io.BytesIO):
    """Refuses the byte after the last allowed one, while the upload is still coming in."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > MAX_BYTES:
            raise TooLarge(_l("图片超过 10 MB。请在手机相册中压缩，或用较低的分辨率重新拍摄。"), code="image_too_large")
        return super().write(data)


class ApiRequest(IncomingRequest):
    """The portal's request; the API's file parts go to `CappedStream`."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if self.path.startswith(PREFIX):
            return CappedStream()
        return super()._get_file_stream(total_content_length, content_type, filename, content_length)


def photos_of(name: str) -> list[CleanImage]:
    """The photos sent under ``name``, each through the intake; a refusal names the one that it is about."""
    found = []
    for place, upload in enumerate(request.files.getlist(name)):
        try:
            found.append(intake(upload.stream, upload.filename or ""))
        except TooLarge:
            raise
        except (Invalid, UnsupportedMedia) as error:
            raise _about(f"{name}.{place}", error) from error
    return found


def sound_of(name: str) -> CleanSound | None:
    """The one recording sent under ``name``, if there is one."""
    uploads = request.files.getlist(name)
    if not uploads:
        return None
    try:
        return audio.intake(uploads[0].stream)
    except TooLarge:
        raise
    except (Invalid, UnsupportedMedia) as error:
        raise _about(name, error) from error


def _about(field: str, error: DomainError) -> Invalid:
    return Invalid(error.message, code=error.code, fields={field: [error.message]})
