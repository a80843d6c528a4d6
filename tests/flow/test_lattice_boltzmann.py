"""The solver as a whole: closed forms, symmetries, published numbers, and what it refuses."""

import pytest
import torch

from geodl.errors import DtypeError, GeometryError, OptionError, ShapeError, StabilityError
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.sides import Inlet, NoSlip, Periodic, PressureOutlet, Sides
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.testing import assert_refused

GRID = Grid.parse("48x24")
BODY = Circle((2.5, 2.0), 0.5)


def solver(bodies=(BODY,), grid=GRID, **options):
    return LatticeBoltzmann(
        list(bodies) if isinstance(bodies, tuple) else bodies,
        grid,
        **{"reynolds": 20.0, "dtype": torch.float64, **options},
    )


def test_one_batch_holds_parabolas_of_three_viscosities():
    cells, speed, tau = 8, 0.05, torch.tensor([0.6, 0.8, 2.0], dtype=torch.float64)
    reynolds = 3 * speed * cells / (tau - 0.5)
    walls = Sides(Periodic(), Periodic(), NoSlip(), NoSlip())
    flow = solver(None, Grid(2, cells, 1 / cells), reynolds=reynolds, sides=walls, lattice_speed=speed, force=(0.1, 0))
    torch.testing.assert_close(flow.relaxation_time, tau)
    flow.advance(3000)
    y = torch.from_numpy(flow.grid.y)
    exact = (0.05 * reynolds[:, None] * y * (1 - y))[..., None].expand(3, cells, 2)
    error = (flow.fields()[0] - exact).abs().amax((1, 2)) / exact.amax((1, 2))
    assert float(error.max()) <= 1e-6


def test_a_mirrored_body_has_the_mirrored_lift():
    flow = solver([Circle((2.5, 2.2), 0.5), Circle((2.5, 1.8), 0.5)])
    flow.advance(600)
    drag, lift = flow.forces()
    assert abs(float(lift[0])) > 0.005
    assert float(lift[0] + lift[1]) == pytest.approx(0, abs=1e-10)
    assert float(drag[0] - drag[1]) == pytest.approx(0, abs=1e-10)


def test_single_precision_gives_the_drag_of_double():
    found = [solver(dtype=dtype).run(show=False) for dtype in (torch.float32, torch.float64)]
    assert float(found[0].drag) == pytest.approx(float(found[1].drag), rel=1e-3)
    torch.testing.assert_close(found[0].u.double(), found[1].u, rtol=0, atol=2e-3)
    assert found[0].u.dtype == torch.float32


def test_a_signed_distance_stands_for_its_shape():
    shape, field = solver(), solver(BODY.distance(GRID.centres())[None])
    assert torch.equal(shape.solid, field.solid)
    for flow in (shape, field):
        flow.advance(600)
    assert float(field.forces()[0]) == pytest.approx(float(shape.forces()[0]), rel=0.01)
    # The height of a distance is known to a hundredth of a cell.
    torch.testing.assert_close(field.relaxation_time, shape.relaxation_time, rtol=1e-3, atol=0)


def test_one_body_stands_for_all_reynolds_numbers():
    flow = solver(reynolds=torch.tensor([10.0, 20.0]))
    viscosity = (flow.relaxation_time - 0.5) / 3
    torch.testing.assert_close(viscosity, torch.tensor([1.2, 0.6], dtype=torch.float64) * 0.04)


def test_a_start_from_the_steady_flow_stays_there():
    flow = solver()
    found = flow.run(1e-5, show=False)
    flow.start(found.u, found.v, found.p)
    flow.advance(40)
    torch.testing.assert_close(flow.fields()[0], found.u, rtol=0, atol=0.02)
    assert float(flow.forces()[0]) == pytest.approx(float(found.drag), rel=0.05)


@pytest.mark.parametrize(("wall", "tolerance"), [("bouzidi", 0.01), ("quadratic", 0.01), ("half-way", 0.03)])
def test_drag_in_the_channel_of_schaefer_and_turek_is_near_the_spectral_value(wall, tolerance):
    grid = Grid(220, 41, 0.01)
    y = torch.from_numpy(grid.y) / 0.41
    sides = Sides(Inlet(6 * y * (1 - y)), PressureOutlet(), NoSlip(), NoSlip())
    flow = solver([Circle((0.2, 0.2), 0.05)], grid, sides=sides, wall=wall, lattice_speed=0.1, dtype=torch.float32)
    flow.advance(2000)
    drag, _ = flow.forces()
    assert float(drag) == pytest.approx(5.5795, rel=tolerance)


def test_scales_of_a_solver_are_those_of_its_grid():
    scales = solver(lattice_speed=0.05).scales(0.3, 1000.0)
    assert scales.to_physical(24, "length") == pytest.approx(GRID.height)
    assert scales.to_physical(0.05, "velocity") == pytest.approx(0.3)


def test_numbers_that_cannot_be_computed_are_refused_with_those_that_can():
    assert_refused(StabilityError, lambda: solver(reynolds=60.0), "Re 60", "5 to 45", "any_reynolds=True")
    assert_refused(
        StabilityError,
        lambda: solver(reynolds=900.0, any_reynolds=True),
        "sample 0",
        "0.51",
        "Re up to 144",
        "37.5 cells",
    )
    assert solver(reynolds=144.0, any_reynolds=True).relaxation_time.item() == pytest.approx(0.51)
    assert_refused(StabilityError, lambda: solver(lattice_speed=0.3), "0.3 cells per step", "0.15")
    assert_refused(OptionError, lambda: solver(reynolds=0.0, any_reynolds=True), "reynolds is [0.0]", "positive")
    assert_refused(OptionError, lambda: solver(lenght=1.0), "'lenght'")
    assert_refused(DtypeError, lambda: solver(dtype=torch.float16), "float16", "float32")


@pytest.mark.usefixtures("unchecked")
def test_walls_and_engines_that_do_not_exist_are_refused():
    assert_refused(OptionError, lambda: solver(wall="bousidi"), "Did you mean 'bouzidi'?")
    assert_refused(OptionError, lambda: solver(engine="cuda"), "'cuda'", "compiled")


def test_bodies_without_a_flow_around_them_are_refused():
    assert_refused(GeometryError, lambda: solver([BODY, BODY.moved(0, 1.6)]), "sample 1", "touches or leaves")
    distance = BODY.distance(GRID.centres())
    assert_refused(GeometryError, lambda: solver(-distance[None]), "wrong sign")
    assert_refused(GeometryError, lambda: solver(distance[None, :-1]), "(1, 23, 48)", "(24, 48)")
    assert_refused(ShapeError, lambda: solver(distance), "(24, 48)", "sdf[None]")
    assert_refused(ShapeError, lambda: solver([BODY, BODY], reynolds=torch.tensor([9.0] * 3)), "'bodies': 2")
    assert_refused(ShapeError, lambda: solver().start(distance), "(24, 48)", "(1, 24, 48)")
