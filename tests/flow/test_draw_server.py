"""The server of the drawing page answers this machine, its own page, its own paths, and nothing else."""

import http.client
import json
import logging
import re
import socket
import threading
import time

import pytest

from geodl.core.schema import Axis, Schema
from geodl.errors import OptionError
from geodl.flow.draw import server as module
from geodl.flow.draw.endpoints import Endpoints
from geodl.flow.draw.predictor import Predictor
from geodl.flow.draw.server import BODY, CONNECTIONS, Server, grid_of
from geodl.flow.geometry.grid import Grid
from geodl.testing import assert_refused
from tests.flow.draw_stubs import GRID, disc, json_bytes, predictor, query, solver

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server():
    with Server(Endpoints(predictor(), solver()), 0) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server, method, path, body=None, headers=()):
    """Status, headers and JSON or text of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode()
        kind = answer.headers["Content-Type"]
        return answer.status, answer.headers, json.loads(text) if kind == "application/json" and text else text
    finally:
        connection.close()


def raw(server, data):
    """The first bytes of the answer to any bytes."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(data)
        return connection.recv(65536)


def test_it_listens_on_the_loopback_address_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/"


def test_the_page_is_served_and_may_load_nothing_from_elsewhere(server):
    status, headers, page = ask(server, "GET", "/")
    assert status == 200
    policy = headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)[1]
    assert page.count(f'nonce="{nonce}"') == 2
    assert "__NONCE__" not in page
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(src|href)=\"(?!data:,)", page)
    assert not re.search(r"https?://|@import|url\(", page)


def test_every_page_has_a_nonce_of_its_own(server):
    assert ask(server, "GET", "/")[2] != ask(server, "GET", "/")[2]


@pytest.mark.parametrize("path", ["/", "/domain", "/nothing"])
def test_all_answers_keep_browsers_strict(server, path):
    headers = ask(server, "GET", path)[1]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"].strip() == "geodl"
    assert "Access-Control-Allow-Origin" not in headers


def test_the_domain_says_what_the_canvas_is(server):
    status, _, domain = ask(server, "GET", "/domain")
    assert status == 200
    assert (domain["columns"], domain["rows"], domain["width"], domain["height"]) == (512, 256, 8.0, 4.0)
    assert domain["reynolds"] == [5.0, 40.0]


def test_a_drawing_gives_a_flow(server):
    status, _, answer = ask(server, "POST", "/predict", json_bytes(query()), JSON)
    assert status == 200
    assert {name: (f["columns"], f["rows"]) for name, f in answer["fields"].items()} == dict.fromkeys(
        ("speed", "pressure", "vorticity", "stream_function"), (GRID.nx, GRID.ny)
    )


def test_the_solver_is_begun_watched_and_cancelled(server):
    status, _, begun = ask(server, "POST", "/solve", json_bytes(query()), JSON)
    assert status == 202
    path = f"/solve/{begun['id']}"
    while (found := ask(server, "GET", path)[2])["phase"] == "running":
        assert 0 <= found["progress"] <= 1
    assert (found["phase"], found["progress"]) == ("done", 1.0)
    assert ask(server, "DELETE", path)[2]["phase"] == "done"
    assert ask(server, "GET", "/solve/999999")[0] == 404


@pytest.mark.parametrize(
    "path",
    ["/index.html", "/page.html", "/predict/", "/?x=1", "/../server.py", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd",
     "/solve/../domain", "/solve/-1", "/solve/1e3", "/solve/9999999999", "/favicon.ico", "/\\..\\page.html"],
)  # fmt: skip
def test_no_other_path_leads_anywhere(server, path):
    status, _, answer = ask(server, "GET", path)
    assert status == 404
    assert answer["error"] == "request"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("GET", "/predict"), ("GET", "/solve"), ("DELETE", "/solve"), ("PUT", "/predict"), ("PATCH", "/"),
     ("POST", "/solve/1"), ("OPTIONS", "/predict"), ("HEAD", "/"), ("TRACE", "/"), ("CONNECT", "/"), ("BREW", "/")],
)  # fmt: skip
def test_no_other_method_does_anything(server, method, path):
    assert ask(server, method, path)[0] == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "", "[::1]"])
def test_another_name_for_this_machine_is_refused(server, host):
    """A page whose name was turned to the loopback address sends its own name."""
    assert ask(server, "GET", "/", headers={"Host": host})[0] == 403


def test_localhost_is_this_machine_too(server):
    assert ask(server, "GET", "/domain", headers={"Host": f"localhost:{server.server_port}"})[0] == 200


def test_two_names_or_none_are_refused(server):
    own = f"Host: 127.0.0.1:{server.server_port}\r\n".encode()
    assert b" 403 " in raw(server, b"GET / HTTP/1.1\r\n" + own + b"Host: evil.example\r\n\r\n")
    assert b" 403 " in raw(server, b"GET / HTTP/1.1\r\n\r\n")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_the_page_of_another_site_may_not_ask(server, origin):
    status, _, answer = ask(server, "POST", "/predict", json_bytes(query()), {**JSON, "Origin": origin})
    assert status == 403
    assert "another site" in answer["message"]


def test_the_own_page_may_ask(server):
    origin = {"Origin": server.url.rstrip("/")}
    assert ask(server, "POST", "/predict", json_bytes(query()), {**JSON, **origin})[0] == 200


def test_a_form_of_another_site_cannot_pretend_to_send_json(server):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert ask(server, "POST", "/predict", json_bytes(query()), {"Content-Type": kind})[0] == 415


@pytest.mark.parametrize("size", [BODY + 1, 4 * BODY, 10**12 - 1])
def test_bodies_over_the_limit_are_refused_before_they_are_read(server, size):
    sent = b"x" * min(size, 4 * BODY)
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    assert b" 413 " in raw(server, head.encode() + sent)


@pytest.mark.parametrize("length", ["", "-1", "1e3", "0x10", "1 1"])
def test_a_length_that_is_none_is_refused(server, length):
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    assert b" 411 " in raw(server, head.encode())


def test_a_body_in_chunks_is_refused(server):
    assert ask(server, "POST", "/predict", iter([b"{}"]), JSON)[0] == 411


def test_what_is_no_http_is_refused_in_json(server):
    answer = raw(server, b"HELLO\r\n\r\n")
    assert b'"message"' in answer
    assert b"<html" not in answer.lower()
    assert raw(server, b"GET / HTTP/9.9\r\n\r\n")
    assert b"414" in raw(server, b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n")


def test_a_drawing_without_a_flow_is_told_to_the_page(server):
    status, _, answer = ask(server, "POST", "/predict", json_bytes(query(disc(radius=0.02))), JSON)
    assert (status, answer["error"]) == (422, "GeometryError")
    assert "draw it larger" in answer["message"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"reynolds": NaN}', b"[]", b"\x00" * 100])
def test_a_body_that_is_no_question_is_told_what_one_is(server, body):
    status, _, answer = ask(server, "POST", "/predict", body, JSON)
    assert (status, answer["error"]) == (400, "OptionError")
    assert "Send JSON with columns, rows, bits and reynolds" in answer["message"]


def test_a_bug_shows_no_trace_of_the_program(server, monkeypatch, caplog):
    def broken(body):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(server.endpoints, "predict", broken)
    with caplog.at_level(logging.ERROR):
        status, _, answer = ask(server, "POST", "/predict", json_bytes(query()), JSON)
    assert status == 500
    assert "secret" not in json.dumps(answer)
    assert "Traceback" not in json.dumps(answer)
    assert "secret detail" in caplog.text


def test_a_client_that_is_silent_is_let_go(server, monkeypatch):
    monkeypatch.setattr(module.Handler, "timeout", 0.1)
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{server.server_port}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    assert b" 408 " in raw(server, head.encode())
    assert raw(server, b"GET / HT") == b""


def test_too_many_connections_are_closed_and_the_next_is_served_again(server):
    address = ("127.0.0.1", server.server_port)
    held = [socket.create_connection(address, timeout=10) for _ in range(CONNECTIONS)]
    with socket.create_connection(address, timeout=10) as extra:
        assert extra.recv(1) == b""
    for connection in held:
        connection.close()
    deadline = time.monotonic() + 5
    while not served(server):
        assert time.monotonic() < deadline, "the connections were not given back"


def served(server):
    try:
        return ask(server, "GET", "/domain")[0] == 200
    except (ConnectionError, http.client.HTTPException):
        return False


def test_a_port_that_is_taken_is_named(server):
    assert_refused(OptionError, lambda: Server(server.endpoints, server.server_port), str(server.server_port), "port 0")
    assert_refused(OptionError, lambda: Server(server.endpoints, 99999), "99999")


class Like:
    """As much of a surrogate as its grid needs."""

    def __init__(self, *axes):
        self.family = type("Family", (), {"name": "toy", "schema": Schema((), (), axes)})()


def test_the_grid_is_that_of_the_axes(unchecked):
    grid = Grid(16, 8, 0.5, (1.0, -2.0))
    axes = (Axis("y", tuple(grid.y.tolist()), "m"), Axis("x", tuple(grid.x.tolist()), "m"))
    assert grid_of(Like(*axes)) == grid
    assert_refused(OptionError, lambda: grid_of(Like()), "'toy'", "flow-obstacles")


def test_serving_ends_with_an_interruption_and_tells_its_address_before(monkeypatch, unchecked):
    axes = (Axis("y", tuple(GRID.y.tolist()), "m"), Axis("x", tuple(GRID.x.tolist()), "m"))
    stub = predictor().model
    stub.family = Like(*axes).family

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "serve_forever", interrupted)
    told, opened = [], threading.Event()
    monkeypatch.setattr(module.webbrowser, "open", lambda url: opened.set())
    module.serve(stub, port=0, ready=told.append)
    assert told[0].startswith("http://127.0.0.1:")
    assert opened.wait(5)
    assert stub.calls == 1  # the first drawing of a user waits for nothing
    assert isinstance(predictor(), Predictor)
