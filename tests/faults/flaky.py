"""A server of a folder's files that fails now and then: overloaded, breaking off, or silent for a while."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OVERLOADED_EACH, SHORT_EACH, SILENT_EACH = 3, 11, 4
_SILENCE_S = 0.15


@dataclass
class Flaky:
    """What the server does, and what it did."""

    url: str = ""
    flaky: bool = True
    gives: float = math.inf
    """So many answers; all that follow are 503."""
    asked: int = 0
    overloaded: int = 0
    short: int = 0


@contextmanager
def serving(folder: Path) -> Iterator[Flaky]:
    """Serve the files of a folder, by parts too, on this machine."""
    told = Flaky()
    with QuietServer(("127.0.0.1", 0), _handler(told, folder)) as server:
        server.daemon_threads = False  # each is waited for: none outlives its test
        told.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield told
        server.shutdown()


class QuietServer(ThreadingHTTPServer):
    """Says nothing of who hung up."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asks may hang up: nobody needs to read of it."""


def _handler(told: Flaky, folder: Path) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a class in it
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            with turn:
                told.asked += 1
                number = told.asked
            if number > told.gives or (told.flaky and number % OVERLOADED_EACH == 0):
                told.overloaded += 1
                return self.head(503, b"")
            path = folder / self.path.lstrip("/")
            if not path.is_file():
                return self.head(404, b"")
            if told.flaky and number % SILENT_EACH == 0:
                time.sleep(_SILENCE_S)
            content = path.read_bytes()
            bounds = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if bounds is None:
                return self.head(200, content)
            first, last = int(bounds[1]), min(int(bounds[2] or len(content)), len(content) - 1)
            short = told.flaky and first > 0 and number % SHORT_EACH == 0
            return self.head(206, content[first : last + 1], f"bytes {first}-{last}/{len(content)}", short=short)

        def head(self, status: int, body: bytes, place: str = "", *, short: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if place:
                self.send_header("Content-Range", place)
                self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if self.command == "HEAD":
                return
            if short:
                told.short += 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

    return Handler
