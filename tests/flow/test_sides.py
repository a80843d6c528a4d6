"""What sides let through, keep and refuse."""

import pytest
import torch

from geodl.errors import OptionError, ShapeError
from geodl.flow.geometry.grid import Grid
from geodl.flow.lattice.sides import ConvectiveOutlet, Inlet, NoSlip, Periodic, PressureOutlet, Sides, Slip
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.testing import assert_refused

GRID = Grid(24, 12, 1 / 12)
WALLS = NoSlip()
ROUNDING = 1e-13
OPEN = {
    "convective": Sides(),
    "pressure": Sides(east=PressureOutlet()),
    "north to south": Sides(Slip(), Slip(), PressureOutlet(), Inlet()),
    "east to west": Sides(PressureOutlet(), Inlet(), Periodic(), Periodic()),
}
CLOSED = {
    "box": Sides(WALLS, WALLS, WALLS, NoSlip(1.0)),
    "torus": Sides(*4 * (Periodic(),)),
    "slipping channel": Sides(Periodic(), Periodic(), Slip(), Slip()),
    "mirrors": Sides(*4 * (Slip(),)),
    "channel": Sides(Periodic(), Periodic(), WALLS, NoSlip(0.5)),
}


def solver(sides, grid=GRID, **options):
    return LatticeBoltzmann(
        None, grid, reynolds=20.0, sides=sides, dtype=torch.float64, **{"engine": "torch", **options}
    )


def disturbance():
    """Velocity and pressure that vary from cell to cell."""
    return 0.5 * torch.rand(3, 1, *GRID.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def at_equilibrium(flow, fields):
    flow.start(*fields, gradient=torch.zeros(1, *flow.grid.shape, 2, 2))
    return flow


@pytest.mark.parametrize("name", OPEN)
def test_a_uniform_stream_stays_uniform(name):
    flow = solver(OPEN[name])
    before = torch.stack(flow.fields())
    assert float(before[:2].abs().max()) == pytest.approx(1, abs=ROUNDING)
    flow.advance(50)
    torch.testing.assert_close(torch.stack(flow.fields()), before, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", CLOSED)
def test_closed_sides_keep_the_mass(name):
    flow = at_equilibrium(solver(CLOSED[name]), disturbance())
    before = flow.state.populations[..., 1:-1, 1:-1].sum()
    flow.advance(200)
    after = flow.state.populations[..., 1:-1, 1:-1].sum()
    assert float(after) == pytest.approx(float(before), abs=ROUNDING * GRID.nx * GRID.ny)


def test_mirrors_hold_what_a_doubled_periodic_domain_holds():
    small = at_equilibrium(solver(CLOSED["mirrors"]), disturbance())
    u, v, p = (torch.cat([f, s * f.flip(-1)], -1) for f, s in zip(disturbance(), (-1, 1, 1), strict=True))
    doubled = [torch.cat([f, s * f.flip(-2)], -2) for f, s in ((u, 1), (v, -1), (p, 1))]
    large = at_equilibrium(solver(CLOSED["torus"], Grid(48, 24, 1 / 12), length=1.0), doubled)
    for flow in (small, large):
        flow.advance(40)
    for one, whole in zip(small.fields(), large.fields(), strict=True):
        torch.testing.assert_close(one, whole[:, :12, :24], rtol=0, atol=1e-11)


def test_a_stream_along_a_moving_wall_is_linear():
    flow = solver(Sides(Periodic(), Periodic(), NoSlip(), NoSlip(1.0)), Grid(3, 12, 1 / 12), engine="auto")
    flow.advance(12000)
    y = torch.from_numpy(flow.grid.y)
    torch.testing.assert_close(flow.fields()[0][0], y[:, None].expand(12, 3), rtol=0, atol=1e-10)


def test_a_parabolic_stream_keeps_its_parabola_and_loses_pressure_to_the_walls():
    grid = Grid(48, 16, 1 / 16)
    y = torch.from_numpy(grid.y)
    parabola = 6 * y * (1 - y)
    flow = solver(Sides(Inlet(parabola), PressureOutlet(), WALLS, WALLS), grid, engine="auto")
    flow.advance(6000)
    u, _, p = (field[0] for field in flow.fields())
    torch.testing.assert_close(u[:, 10:-10], parabola[:, None].expand(16, 28), rtol=0, atol=0.01)
    slope = float((p[8, -10] - p[8, 10]) / (28 / 16))
    assert slope == pytest.approx(-12 / 20, rel=0.02)  # dp/dx = -12 mu U / H2


def reflected(outlet):
    """Largest pressure that is left of a plane wave when it has met the outlet."""
    flow = solver(Sides(east=outlet), Grid(120, 3, 1.0))
    x = torch.from_numpy(flow.grid.x)
    pulse = torch.exp(-(((x - 70) / 8) ** 2)).expand(1, 3, -1)
    speed = 3**0.5 * flow.settings.lattice_speed * pulse  # a wave that runs to the right
    flow.start(1 + speed, torch.zeros_like(pulse), pulse)
    flow.advance(round(90 * 3**0.5))
    return float((flow.fields()[2] - flow.fields()[2].mean()).abs().max())


def test_sound_leaves_through_a_convective_outlet_and_not_through_one_at_fixed_pressure():
    assert reflected(PressureOutlet()) > 0.5
    assert reflected(ConvectiveOutlet()) < 0.1


def test_the_mass_behind_a_convective_outlet_does_not_drift():
    flow = solver(Sides(), Grid(24, 4, 1.0), length=4.0)
    u = torch.ones(1, 4, 24, dtype=torch.float64)
    flow.start(u, 0 * u, 5 * u)
    flow.advance(2000)
    assert float(flow.state.populations[..., 1:-1, 1:-1].sum(1).abs().max()) < 1e-2 * 15 * 0.08**2


def test_sides_that_cannot_be_are_refused():
    assert_refused(OptionError, lambda: Sides(west=Periodic()), "west and east", "Periodic()")
    assert_refused(OptionError, lambda: Sides(east=Slip()), "lets fluid in", "PressureOutlet()")
    assert_refused(ShapeError, lambda: solver(Sides(Inlet(torch.ones(7)))), "west", "(7,)", "(12,)")
