"""A web server for this machine alone, that serves one page and its endpoints and nothing else."""

import contextlib
import json
import logging
import re
import secrets
import socketserver
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_WR, socket
from typing import Any

from geodl.core.surrogate import Surrogate
from geodl.errors import GeodlError, GeometryError, OptionError
from geodl.flow.draw.endpoints import Endpoints, Refused
from geodl.flow.draw.predictor import Predictor
from geodl.flow.geometry.grid import Grid

HOST = "127.0.0.1"
PORT = 8265
CONNECTIONS = 16  # served at the same time; more are closed at once
BODY = 1 << 18  # bytes of a request, twice what the largest canvas needs
TIMEOUT = 10.0  # seconds that a client may be silent

_LOG = logging.getLogger(__name__)
_PAGE = Path(__file__).with_name("page.html")
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HTML = "text/html; charset=utf-8"
_JSON_POLICY = "default-src 'none'; frame-ancestors 'none'"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_RUN = re.compile(r"/solve/([0-9]{1,9})")


def serve(
    surrogate: Surrogate,
    *,
    port: int = PORT,
    open_browser: bool = True,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve the page until interrupted, to this machine alone.

    Args:
        surrogate: from ``sdf`` in m on a grid and ``reynolds`` to ``u``, ``v``, ``p``, ``drag`` and ``lift``.
        port: 0 takes any that is free.
        ready: told the address once it answers.

    Raises:
        OptionError: the port cannot be taken, or the surrogate is not one of flows on a grid.
        GeodlError: what the surrogate says against a first drawing.
    """
    endpoints = Endpoints(Predictor(surrogate, grid_of(surrogate)))
    with Server(endpoints, port) as server:
        endpoints.warm_up()
        ready(server.url)
        if open_browser:
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def grid_of(surrogate: Surrogate) -> Grid:
    """The grid that a surrogate was trained on, from the labels of its axes.

    Raises:
        OptionError: it has no axes x and y.
    """
    x, y = (surrogate.family.schema.axis(name) for name in ("x", "y"))
    if x is None or y is None:
        raise OptionError(
            f"a surrogate of the family {surrogate.family.name!r} predicts no flow on a grid of x and y: "
            f"give one of the family 'flow', such as flow-obstacles"
        )
    spacing = float(x.labels[1] - x.labels[0])
    return Grid(x.size, y.size, spacing, (x.labels[0] - spacing / 2, y.labels[0] - spacing / 2))


class Server(ThreadingHTTPServer):
    """Listens on the loopback address; port 0 takes any that is free.

    Raises:
        OptionError: the port cannot be taken.
    """

    daemon_threads = True
    request_queue_size = 2 * CONNECTIONS

    def __init__(self, endpoints: Endpoints, port: int):
        self.endpoints = endpoints
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        try:
            super().__init__((HOST, port), Handler)
        except (OSError, OverflowError) as error:
            raise OptionError(f"cannot listen on port {port}: {error}. Take any free one with port 0.") from error
        self.url = f"http://{HOST}:{self.server_port}/"
        self.names = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # without looking up a name for the address
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        _LOG.debug("a connection broke", exc_info=True)


class Handler(BaseHTTPRequestHandler):
    """One request per connection; everything but the page is JSON."""

    server: Server
    timeout = TIMEOUT

    def version_string(self) -> str:
        return "geodl"

    def log_message(self, format: str, *args: Any) -> None:
        _LOG.debug(format, *args)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class refuses: a line that is no HTTP, or a method that it does not know."""
        if code == 501:
            return self._refuse(Refused(405, f"the method {self.command[:20]!r} is not for any path here"))
        self._refuse(Refused(code, message or "this is not HTTP as a browser speaks it"))

    def _route(self) -> None:
        try:
            self._admit()
            status, content = self._answer()
            text = content if isinstance(content, str) else json.dumps(content, allow_nan=False)
        except GeodlError as error:
            return self._refuse(error)
        except TimeoutError:
            return self._refuse(Refused(408, "the body did not come in time"))
        except Exception:  # whatever it is, the client gets no trace of the program
            _LOG.exception("%s %s failed", self.command, self.path)
            return self._refuse(Refused(500, "the server failed on this request, its terminal says why"))
        if isinstance(content, dict):
            return self._send(status, text)
        nonce = secrets.token_urlsafe(16)
        self._send(status, text.replace("__NONCE__", nonce), kind=_HTML, policy=_PAGE_POLICY.format(nonce=nonce))

    do_GET = do_POST = do_DELETE = do_HEAD = do_PUT = do_PATCH = do_OPTIONS = _route

    def _admit(self) -> None:
        """Only what this machine asks under its own name: a page of another site may neither read nor ask."""
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self.server.names:
            raise Refused(403, f"open {self.server.url}: requests under another name are refused")
        origins = {f"http://{name}" for name in self.server.names}
        if any(origin not in origins for origin in self.headers.get_all("Origin", [])):
            raise Refused(403, f"only the page at {self.server.url} may ask, not that of another site")

    def _answer(self) -> tuple[int, dict[str, Any] | str]:
        endpoints, run = self.server.endpoints, _RUN.fullmatch(self.path)
        table: dict[str, dict[str, Callable[[], tuple[int, dict[str, Any] | str]]]] = {
            "/": {"GET": lambda: (200, _PAGE.read_text(encoding="utf-8"))},
            "/domain": {"GET": lambda: (200, endpoints.domain())},
            "/predict": {"POST": lambda: (200, endpoints.predict(self._body()))},
            "/solve": {"POST": lambda: (202, endpoints.solve(self._body()))},
        }
        if run:
            number = run[1]
            table[self.path] = {
                "GET": lambda: (200, endpoints.progress(number)),
                "DELETE": lambda: (200, endpoints.cancel(number)),
            }
        if self.path not in table:
            raise Refused(404, "there is nothing here: the paths are /, /domain, /predict, /solve and /solve/<id>")
        if self.command not in table[self.path]:
            raise Refused(405, f"this path takes {' or '.join(table[self.path])}, not {self.command}")
        return table[self.path][self.command]()

    def _body(self) -> bytes:
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "send JSON, with the header Content-Type: application/json")
        length = " ".join(self.headers.get_all("Content-Length", []))
        if not re.fullmatch(r"[0-9]{1,12}", length) or "Transfer-Encoding" in self.headers:
            raise Refused(411, "say how long the body is in one header Content-Length")
        if int(length) > BODY:
            raise Refused(
                413, f"the body has {int(length)} bytes, the limit is {BODY}: the canvas of /domain fits in it"
            )
        return self.rfile.read(int(length))

    def _refuse(self, error: GeodlError) -> None:
        status = error.status if isinstance(error, Refused) else _STATUS.get(type(error), 422)
        kind = "request" if isinstance(error, Refused) else type(error).__name__
        self._send(status, json.dumps({"error": kind, "message": str(error)}))
        self._hang_up()

    def _send(self, status: int, text: str, *, kind: str = "application/json", policy: str = _JSON_POLICY) -> None:
        self.close_connection = True
        self.send_response(status)
        body = text.encode()
        headers = {**_HEADERS, "Content-Security-Policy": policy, "Content-Type": kind}
        for name, value in (*headers.items(), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _hang_up(self) -> None:
        """Let the client finish what it was sending, so that it reads the answer instead of a broken connection."""
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(SHUT_WR)
            self.connection.settimeout(1.0)
            left = 4 * BODY
            while left > 0 and (read := len(self.connection.recv(65536))):
                left -= read


_STATUS = {OptionError: 400, GeometryError: 422}
