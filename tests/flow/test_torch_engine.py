"""Steps in torch: eager, and compiled to the same bits."""

import pytest
import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.sides import ConvectiveOutlet, Inlet, NoSlip, Sides, Slip
from geodl.flow.lattice.torch_engine import TorchEngine
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

SIDES = Sides(Inlet(torch.linspace(0.9, 1.1, 16)), ConvectiveOutlet(), NoSlip(), Slip())


def flow(engine="torch"):
    bodies = [Circle((2.0, 2.0), 0.4), Circle((2.5, 1.7), 0.55)]
    return LatticeBoltzmann(
        bodies, Grid.parse("40x16"), reynolds=10.0, sides=SIDES, dtype=torch.float64, engine=engine, force=(0.0, 0.01)
    )


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_steps_add_up_however_they_are_divided(steps):
    one, many = flow(), flow()
    one.advance(2 * steps)
    many.advance(steps)
    many.advance(steps)
    torch.testing.assert_close(one.state.populations, many.state.populations, rtol=0, atol=0)


def test_an_array_that_comes_back_changed_is_advanced_as_it_is():
    some = flow()
    engine, start = TorchEngine(some._batch.problem), some.state.populations
    expected = engine.advance(start.clone(), 6)
    again = engine.advance(engine.advance(start.clone(), 3).clone(), 3)
    torch.testing.assert_close(again, expected, rtol=0, atol=0)


def test_solid_cells_stay_empty():
    some = flow()
    some.advance(5)
    assert not some.state.populations[..., 1:-1, 1:-1].transpose(0, 1)[:, some.solid].any()


@pytest.mark.slow
def test_compiled_steps_are_the_eager_ones():
    eager, compiled = flow(), flow("compiled")
    for one in (eager, compiled):
        one.advance(51)
    torch.testing.assert_close(compiled.state.populations, eager.state.populations, rtol=0, atol=1e-15)
