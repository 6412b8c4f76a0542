"""A reader process that speaks the frames of `app.registrations.hints.reader` and misbehaves as it is told.

``python tests/stubs/reader.py WORD …``: one word per request, the last one again and again. ``answer`` sends the lines
of the JSON file named by READER_LINES (none: an empty card), ``share=0.97`` an alignment, ``hang`` nothing, ``deaf``
reads nothing at all, ``die`` ends the process, ``refuse`` an error, ``rubbish`` no JSON.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path

HERE = Path(sys.argv[1])  # a folder: lines.json is what is "read", count is how many processes were started


def send(data: bytes) -> None:
    sys.stdout.buffer.write(struct.pack(">I", len(data)) + data)
    sys.stdout.buffer.flush()


def receive() -> bytes:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        sys.exit(0)
    return sys.stdin.buffer.read(struct.unpack(">I", head)[0])


def pop() -> str:
    """The next word; the last one stays. In one step, so that a kill leaves a whole file."""
    words = (HERE / "words").read_text().split()
    (HERE / "words.new").write_text(" ".join(words[1:] or words))
    (HERE / "words.new").replace(HERE / "words")
    return words[0]


def main() -> None:
    with (HERE / "started").open("a") as note:
        note.write("x")
    send(json.dumps({"engine": "stub 1"}).encode())
    while True:
        word = (HERE / "words").read_text().split()[0]
        if word == "deaf":
            pop()
            time.sleep(600)
        asked = json.loads(receive())
        word = pop()  # not before it is asked: it may be killed at any moment after its last answer
        for _ in range(2 if asked["do"] == "align" else 1):
            receive()
        if word == "hang":
            time.sleep(600)
        elif word == "die":
            sys.exit(9)
        elif word == "refuse":
            send(b'{"error": "ValueError"}')
        elif word == "rubbish":
            send(b"no json")
        elif asked["do"] == "align":
            send(json.dumps({"share": json.loads((HERE / "share").read_text()), "millis": 3}).encode())
        else:
            lines = json.loads((HERE / "lines.json").read_text())
            send(json.dumps({"lines": lines, "engine": "stub 1", "millis": 7}).encode())


main()
