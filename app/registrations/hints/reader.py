"""The reader: a process of its own that recognises text and lays pictures over each other.

``python -m app.registrations.hints.reader`` answers requests on its standard input until that ends. It is handed
pictures and nothing else: no settings, no keys, no database. `recogniser` starts it, and kills it when it is too slow.

A frame is four bytes of length and that many bytes. A request is one frame of JSON (``{"do": "read"}`` or ``{"do":
"align", "turns": [[quarter, mirror], …]}``) and one or two frames of JPEG; the answer is one frame of JSON.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from typing import IO, Any

from app.registrations.hints import matching

LONG_EDGE = 1280  # pixels, of what text is recognised on
SURE = 0.5  # lines below this score are not taken for text


def send(stream: IO[bytes], data: bytes) -> None:
    stream.write(struct.pack(">I", len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """One frame; EOFError when the other side has gone."""
    head = stream.read(4)
    data = stream.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""
    if len(head) < 4 or len(data) < struct.unpack(">I", head)[0]:
        raise EOFError
    return data


def engine() -> Any:
    """The recogniser with its models, one thread. ImportError without requirements-ocr.txt."""
    from rapidocr import RapidOCR

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.max_side_len": LONG_EDGE,
            "Global.text_score": SURE,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def version() -> str:
    from importlib.metadata import version as installed

    return f"rapidocr {installed('rapidocr')}"


def read(ocr: Any, jpeg: bytes) -> dict[str, Any]:
    """Lines of text as ``[text, score, left, top, right, bottom]``, boxes in shares of the picture.

    A photo that lies on its side or on its head is read a second time, upright: single lines are not always taken for
    turned, and white on a coloured band hardly ever.
    """
    import numpy

    picture = _decode(jpeg, LONG_EDGE)
    lines = _lines(ocr, picture)
    quarters = matching.upright(lines)
    if quarters:
        again = _lines(ocr, numpy.ascontiguousarray(numpy.rot90(picture, -quarters)))
        if len(matching.labelled(again)) >= len(matching.labelled(lines)):
            lines = [matching.turned(line, 4 - quarters) for line in again]
    return {"lines": [[line.text, line.score, *line.box] for line in lines], "engine": version()}


def _lines(ocr: Any, picture: Any) -> list[matching.Line]:
    height, width = picture.shape[:2]
    found, lines = ocr(picture), []
    for text, score, corners in zip(found.txts or (), found.scores or (), _boxes(found), strict=True):
        xs, ys = [float(x) / width for x, _y in corners], [float(y) / height for _x, y in corners]
        box = [round(min(1.0, max(0.0, value)), 4) for value in (min(xs), min(ys), max(xs), max(ys))]
        lines.append(matching.Line(text, matching.Box(*box), round(float(score), 3)))
    return lines


def align(one: bytes, other: bytes, turns: list[list[int]]) -> dict[str, Any]:
    """The best share over the ways in which the other picture may be turned; None without enough to hold on to."""
    from app.registrations.hints import overlay

    first, second = (overlay.grey(_decode(jpeg, overlay.LONG_EDGE)) for jpeg in (one, other))
    shares = [overlay.share(first, overlay.turned(second, quarter, bool(mirror))) for quarter, mirror in turns]
    return {"share": max((found for found in shares if found is not None), default=None)}


def _decode(jpeg: bytes, edge: int) -> Any:
    import cv2
    import numpy

    picture = cv2.imdecode(numpy.frombuffer(jpeg, numpy.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("not a picture")
    height, width = picture.shape[:2]
    factor = edge / max(height, width)
    if factor >= 1:
        return picture
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _boxes(found: Any) -> Any:
    return () if found.boxes is None else found.boxes


def main() -> None:
    import cv2

    cv2.setNumThreads(1)
    source, out = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing that a library prints may get between the frames
    ocr = engine()
    send(out, json.dumps({"engine": version()}).encode())
    while True:
        try:
            asked = json.loads(receive(source))
            pictures = [receive(source) for _ in range(2 if asked["do"] == "align" else 1)]
        except EOFError:
            return
        started = time.perf_counter()
        try:
            answer = read(ocr, *pictures) if asked["do"] == "read" else align(pictures[0], pictures[1], asked["turns"])
        except Exception as error:  # of a decoder or a model: this photo stays unread, the next may be well
            answer = {"error": type(error).__name__}
        answer["millis"] = round((time.perf_counter() - started) * 1000)
        send(out, json.dumps(answer).encode())


if __name__ == "__main__":
    main()
