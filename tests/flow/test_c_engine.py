import math

import pytest
import torch

from geodl.errors import OptionError
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice import c_engine
from geodl.flow.lattice.c_engine import CEngine
from geodl.flow.lattice.problem import Problem
from geodl.flow.lattice.sides import ConvectiveOutlet, Inlet, NoSlip, Periodic, PressureOutlet, Sides, Slip
from geodl.flow.lattice.torch_engine import TorchEngine
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.testing import assert_refused

PARITY = {torch.float32: 2e-5, torch.float64: 1e-13}  # of the largest population, after 200 steps
STREAMS = {
    "free stream": Sides(),
    "channel": Sides(Inlet(1.0), PressureOutlet(), NoSlip(), NoSlip()),
    "half open": Sides(Inlet(1.0), ConvectiveOutlet(anchor=0.1), Slip(), PressureOutlet(0.1)),
    "row of bodies": Sides(Inlet(1.0), PressureOutlet(), Periodic(), Periodic()),
}


def solver(sides=STREAMS["free stream"], *, size=(37, 20), dtype=torch.float64, wall="bouzidi", force=(0.0, 0.0)):
    """Two cylinders of different size in a small domain, not a whole number of vectors wide."""
    nx, ny = size
    grid = Grid(nx, ny, 4 / ny)
    bodies = [Circle((2.0, 2.1), 0.45), Circle((2.2, 1.9), 0.59)]
    return LatticeBoltzmann(
        bodies,
        grid,
        reynolds=torch.tensor([8.0, 20.0]),
        sides=sides,
        dtype=dtype,
        wall=wall,
        force=force,
        engine="torch",
    )


def problem_of(flow: LatticeBoltzmann) -> Problem:
    return flow._batch.problem


def inner(populations):
    return populations[..., 1:-1, 1:-1]


def deviation(flow, steps):
    """Largest difference of the two engines, relative to the largest population."""
    start, problem = flow.state.populations, problem_of(flow)
    ours = inner(CEngine(problem).advance(start.clone(), steps))
    theirs = inner(TorchEngine(problem).advance(start.clone(), steps))
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("dtype", PARITY, ids=str)
@pytest.mark.parametrize("sides", STREAMS.values(), ids=STREAMS)
def test_c_and_torch_agree_to_rounding(sides, dtype):
    assert deviation(solver(sides, dtype=dtype), 200) < PARITY[dtype]


@pytest.mark.parametrize("wall", ["half-way", "quadratic", "central"])
def test_every_kind_of_wall_agrees(wall):
    assert deviation(solver(wall=wall), 100) < PARITY[torch.float64]


@pytest.mark.parametrize("size", [(8, 9), (16, 16), (64, 12), (131, 10)], ids=str)
def test_every_width_agrees_whatever_the_vectors(size):
    grid = Grid(*size, 1.0)
    flow = LatticeBoltzmann(None, grid, reynolds=30.0, length=8.0, dtype=torch.float64, engine="torch")
    assert deviation(flow, 60) < PARITY[torch.float64]


def test_a_body_force_agrees():
    sides = Sides(Periodic(), Periodic(), NoSlip(), NoSlip(speed=0.5))
    assert deviation(solver(sides, force=(0.05, -0.02)), 200) < PARITY[torch.float64]


@pytest.mark.parametrize("steps", [1, 5, 16, 17, 50])
def test_how_many_steps_share_a_wave_changes_no_bit(steps, monkeypatch):
    flow = solver()
    start, problem = flow.state.populations, problem_of(flow)
    together = CEngine(problem).advance(start.clone(), steps)
    monkeypatch.setattr(c_engine, "WAVE_STEPS", 1)
    alone = CEngine(problem).advance(start.clone(), steps)
    assert torch.equal(inner(together), inner(alone))


def test_steps_may_be_cut_anywhere():
    flow = solver()
    engine = CEngine(problem_of(flow))
    whole = engine.advance(flow.state.populations.clone(), 40)
    parts = engine.advance(engine.advance(flow.state.populations.clone(), 23), 17)
    assert torch.equal(inner(whole), inner(parts))


def test_the_engines_may_take_turns():
    """Also the memory of a convective outlet goes from one to the other."""
    flow = solver()
    ours, theirs = CEngine(problem_of(flow)), TorchEngine(problem_of(flow))
    mixed = flow.state.populations.clone()
    for _ in range(5):
        mixed = theirs.advance(ours.advance(mixed, 7), 7)
    whole = theirs.advance(flow.state.populations.clone(), 70)
    assert float((inner(mixed) - inner(whole)).abs().max()) < 1e-15


def test_a_sample_does_not_know_its_batch():
    flow = solver(dtype=torch.float32)
    together = CEngine(problem_of(flow)).advance(flow.state.populations.clone(), 50)
    for n in range(2):
        alone = CEngine(problem_of(flow).of_samples(torch.tensor([n])))
        assert torch.equal(alone.advance(flow.state.populations[n : n + 1].clone(), 50), together[n : n + 1])


def test_a_closed_box_keeps_its_mass():
    sides = Sides(*4 * (NoSlip(),))
    flow = LatticeBoltzmann(None, Grid(21, 17, 0.1), reynolds=20.0, sides=sides, dtype=torch.float64, engine="torch")
    state = inner(flow.state.populations).normal_(std=1e-3, generator=torch.Generator().manual_seed(0))
    before = float(state.sum())
    after = float(inner(CEngine(problem_of(flow)).advance(flow.state.populations, 500)).sum())
    assert after == pytest.approx(before, abs=1e-12)


def test_solid_cells_stay_at_rest():
    flow = solver()
    flow.state.populations[:] = CEngine(problem_of(flow)).advance(flow.state.populations, 30)
    assert float(inner(flow.state.populations).transpose(0, 1)[:, flow.solid].abs().max()) == 0


def test_a_flow_that_blows_up_leaves_its_neighbours_alone():
    flow = solver()
    spoiled = flow.state.populations.clone()
    spoiled[0] = math.nan
    engine = CEngine(problem_of(flow))
    assert torch.equal(engine.advance(spoiled, 30)[1], engine.advance(flow.state.populations.clone(), 30)[1])


def test_wrong_populations_are_refused():
    flow = solver()
    engine, start = CEngine(problem_of(flow)), flow.state.populations
    assert_refused(OptionError, lambda: engine.advance(start[:1], 1), "(1, 9, 22, 39)", "(2, 9, 22, 39)")
    assert_refused(OptionError, lambda: engine.advance(start.float(), 1), "torch.float32", "torch.float64")
    assert_refused(OptionError, lambda: engine.advance(start.mT.contiguous().mT, 1), "contiguous")


def test_half_precision_is_refused():
    problem = problem_of(solver())
    links = type(problem.links)(*(x.half() if x.is_floating_point() else x for x in vars(problem.links).values()))
    half = Problem(problem.relaxation_time, problem.solid, links, problem.outlets, problem.force)
    assert_refused(OptionError, lambda: CEngine(half), "torch.float16", "torch.float32")


def test_without_a_compiler_it_says_what_to_install(monkeypatch):
    problem = problem_of(solver())
    monkeypatch.setattr(c_engine, "find_compiler", lambda: None)
    assert_refused(OptionError, lambda: CEngine(problem), "install gcc or clang")
