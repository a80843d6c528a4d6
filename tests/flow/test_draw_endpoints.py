"""What the drawing page may ask, what it is told, and how near the outline of a drawing comes to the truth."""

import base64
import time

import numpy as np
import pytest
import torch

from geodl.errors import GeometryError, OptionError
from geodl.flow.draw.canvas import Canvas
from geodl.flow.draw.endpoints import Endpoints, Refused
from geodl.flow.draw.flow import LEVELS, Flow, encoded, spread
from geodl.flow.draw.march import march
from geodl.flow.draw.query import Query
from geodl.flow.geometry.grid import Grid
from geodl.testing import assert_refused
from tests.flow.draw_stubs import GRID, disc, json_bytes, predictor, query, solver

CANVAS = Canvas(GRID)


def decoded(picture):
    """The field that a picture holds, rows from the top."""
    values = np.frombuffer(base64.b64decode(picture["values"]), "<u2").reshape(picture["rows"], picture["columns"])
    return picture["low"] + values * (picture["high"] - picture["low"]) / LEVELS


def asked(endpoints=None, mask=None, **changes):
    return (endpoints or Endpoints(predictor(), solver())).predict(json_bytes(query(mask, **changes)))


@pytest.mark.parametrize("size", ["64x32", "128x64", "256x128"])
def test_the_distance_of_a_drawn_circle_is_exact_to_a_third_of_a_pixel(size):
    canvas = Canvas(Grid.parse(size))
    centre, radius = (2.51, 2.02), 0.43
    drawn = canvas.signed_distance(disc(canvas.columns, canvas.rows, centre=centre, radius=radius))
    truth = torch.linalg.norm(canvas.grid.centres() - torch.tensor(centre), dim=-1) - radius
    near = truth.abs() < 0.5
    assert float((drawn - truth)[near].abs().mean()) < canvas.pixel / 3
    assert float((drawn - truth)[near].abs().max()) < canvas.pixel


def test_a_drawing_is_seen_where_it_was_drawn():
    mask = np.zeros((CANVAS.rows, CANVAS.columns), bool)
    mask[64:96, 128:192] = True  # upper half, left
    sdf = CANVAS.signed_distance(mask).numpy()
    x, y = np.meshgrid(GRID.x, GRID.y)
    assert x[sdf < 0].mean() == pytest.approx(2.5)
    assert y[sdf < 0].mean() == pytest.approx(2.75)


def test_bits_come_back_as_the_mask_that_was_sent():
    mask = np.random.default_rng(0).random((CANVAS.rows, CANVAS.columns)) < 0.5
    np.testing.assert_array_equal(CANVAS.mask(query(mask)["bits"]), mask)


def test_a_field_survives_sixteen_bits():
    field = np.random.default_rng(1).normal(size=(5, 7))
    np.testing.assert_allclose(decoded(encoded(field))[::-1], field, atol=np.ptp(field) / LEVELS)
    np.testing.assert_array_equal(decoded(encoded(np.full((2, 3), 0.25))), 0.25)


def test_a_uniform_stream_has_the_stream_function_of_its_height_and_no_vorticity():
    ones = np.ones(GRID.shape)
    fields = Flow(ones, 0 * ones, 0 * ones, 0.0, 0.0).fields(1.0, GRID.spacing)
    np.testing.assert_allclose(fields["stream_function"], np.broadcast_to(GRID.y[:, None], GRID.shape))
    np.testing.assert_allclose(fields["vorticity"], 0, atol=1e-12)


def test_solid_rotation_has_twice_its_rate_as_vorticity_whatever_the_cells():
    x, y = np.meshgrid(GRID.x, GRID.y)
    fields = Flow(-y, x, 0 * x, 0.0, 0.0).fields(0.5, GRID.spacing)
    np.testing.assert_allclose(fields["vorticity"], 0.5 * 2)


def test_the_colour_of_a_wall_is_that_of_the_fluid_beside_it():
    fluid = np.array([[True, True, False, False, False, True]])
    np.testing.assert_array_equal(
        spread(np.array([[1.0, 2.0, 9.0, 9.0, 9.0, 3.0]]), fluid)[0, [0, 1, 2, 4, 5]], [1, 2, 2, 3, 3]
    )


def test_the_wake_is_behind_the_body():
    answer = asked()
    speed = decoded(answer["fields"]["speed"])
    middle, column = speed.shape[0] // 2, lambda x: int(x / GRID.spacing)
    assert speed[middle, column(3.5)] < 0.5 < 0.9 < speed[middle, column(1.0)]
    assert answer["frontal_height"] == pytest.approx(0.8, abs=0.02)
    assert answer["drag"]["low"] < answer["drag"]["value"] < answer["drag"]["high"]
    assert answer["in_domain"] is True
    assert answer["milliseconds"] > 0


def test_a_tall_body_is_flagged():
    assert asked(mask=disc(radius=0.55))["in_domain"] is False


def test_the_reynolds_number_reaches_the_surrogate():
    assert asked(reynolds=5)["drag"]["value"] > asked(reynolds=40.0)["drag"]["value"]


EMPTY = np.zeros((256, 512), bool)
BORDER = disc(centre=(0.4, 2.0))
SPECK = disc(radius=0.05)
TALL = disc(radius=0.7)


@pytest.mark.parametrize(
    ("mask", "words"),
    [(EMPTY, "empty"), (~EMPTY, "border"), (BORDER, "border"), (SPECK, "larger"), (TALL, "smaller")],
    ids=["empty", "full", "border", "speck", "tall"],
)
def test_drawings_without_a_flow_are_refused_with_what_to_do(mask, words):
    assert_refused(GeometryError, lambda: asked(mask=mask), words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"reynolds": "20"}, "'reynolds'"),
        ({"reynolds": True}, "'reynolds'"),
        ({"reynolds": None}, "'reynolds'"),
        ({"reynolds": float("nan")}, "'reynolds'"),
        ({"reynolds": float("inf")}, "'reynolds'"),
        ({"reynolds": 4.9}, "greater than or equal to 5"),
        ({"reynolds": 1000}, "less than or equal to 40"),
        ({"columns": 256}, "expected 512x256"),
        ({"columns": 512.5}, "'columns'"),
        ({"rows": "256"}, "'rows'"),
        ({"bits": "AAAA"}, "3 bytes, expected 16384"),
        ({"bits": "not base64!"}, "not base64"),
        ({"bits": "ä"}, "not base64"),
        ({"bits": [0, 1]}, "'bits'"),
        ({"file": "/etc/passwd"}, "'file'"),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_what_is_not_a_question_is_refused_with_its_name(changes, words):
    assert_refused(OptionError, lambda: asked(**changes), words)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"a":', b"\xff\xfe", b"[" * 100_000, b'"text"'], ids=str)
def test_bodies_that_are_no_object_are_refused(body):
    assert_refused(OptionError, lambda: Query.read(body), "Send JSON with")


def test_a_missing_key_is_named():
    body = json_bytes({key: value for key, value in query().items() if key != "reynolds"})
    assert_refused(OptionError, lambda: Query.read(body), "'reynolds'", "required")


def test_a_grid_too_large_to_draw_on_is_refused():
    assert_refused(OptionError, lambda: Canvas(Grid.parse("2048x1024")), "2048x1024")


def finished(endpoints, number, phases=("running",)):
    """The last status of a run."""
    for _ in range(400):
        status = endpoints.progress(str(number))
        if status["phase"] not in phases:
            return status
    raise AssertionError("the run does not end")


def test_the_solver_runs_beside_and_is_compared():
    endpoints = Endpoints(predictor(), solver())
    begun = endpoints.solve(json_bytes(query()))
    assert begun["phase"] == "running"
    done = finished(endpoints, begun["id"])
    assert (done["phase"], done["progress"], done["drag"]) == ("done", 1.0, 2.0)
    predicted, solved = (decoded(f["speed"]) for f in (asked(endpoints)["fields"], done["fields"]))
    step = np.ptp(predicted) / LEVELS
    np.testing.assert_allclose(decoded(done["difference"]["speed"]), predicted - solved, atol=3 * step)
    assert 0.005 < done["relative_l2"] < 0.2


def test_only_one_run_at_a_time_and_the_next_after_it():
    endpoints = Endpoints(predictor(), solver(states=200))
    first = endpoints.solve(json_bytes(query()))["id"]
    assert_refused(Refused, lambda: endpoints.solve(json_bytes(query())), f"run {first} is not finished")
    endpoints.cancel(str(first))
    assert finished(endpoints, first)["phase"] == "cancelled"
    second = endpoints.solve(json_bytes(query()))["id"]
    assert second != first
    assert_refused(Refused, lambda: endpoints.progress(str(first)), "no run")
    endpoints.cancel(str(second))


def test_a_refusal_of_the_solver_is_told_and_a_bug_of_it_only_that_it_was_one(caplog):
    def refusing(*asked):
        raise GeometryError("the body is not for me")
        yield

    def broken(*asked):
        raise RuntimeError("secret detail")
        yield

    for made, words in ((refusing, "not for me"), (broken, "reason of its own")):
        endpoints = Endpoints(predictor(), made)
        status = finished(endpoints, endpoints.solve(json_bytes(query()))["id"])
        assert status["phase"] == "failed"
        assert words in status["message"]
        assert "secret" not in status["message"]


def test_the_solver_behind_the_page_reaches_the_steady_flow_past_a_circle():
    states = list(march(CANVAS.signed_distance(disc()), GRID, 0.8, 20.0))
    shares, flow = [share for share, _ in states], states[-1][1]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert 2.0 < flow.drag < 4.0  # 2.05 in an infinite stream, more in a domain of five heights
    assert abs(flow.lift) < 0.01
    wake, stream = (flow.u[15:17, int(x / GRID.spacing)].mean() for x in (3.2, 1.0))
    assert wake < 0.2 < 0.8 < stream


def test_a_question_for_progress_waits_for_news():
    endpoints = Endpoints(predictor(), solver(states=3, pause=0.1))
    number, questions, began = str(endpoints.solve(json_bytes(query()))["id"]), 0, time.monotonic()
    while endpoints.progress(number)["phase"] == "running":
        questions += 1
    assert questions <= 6
    assert time.monotonic() - began > 0.2
