"""A run that was stopped goes on as if it never had been."""

import pytest
import torch

from geodl.errors import BundleError, ResumeError
from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice_boltzmann import LatticeBoltzmann
from geodl.testing import assert_refused


def solver(reynolds=20.0, **options):
    bodies = [Circle((2.0, 2.0), 0.4), Circle((2.5, 1.9), 0.5)]
    return LatticeBoltzmann(bodies, Grid.parse("40x20"), reynolds=reynolds, **options)


@pytest.mark.parametrize("engine", ["auto", "torch"])
def test_a_resumed_run_gives_the_same_bits(tmp_path, engine):
    whole, first, second = (solver(engine=engine) for _ in range(3))
    first.run(1e-3, limit=6.0, show=False)
    first.save(tmp_path / "state")
    second.load(tmp_path / "state")
    expected, got = whole.run(1e-3, limit=20.0, show=False), second.run(1e-3, limit=20.0, show=False)
    for name in ("u", "v", "p", "drag", "lift", "times", "converged"):
        assert torch.equal(getattr(got, name), getattr(expected, name)), name


def test_a_state_of_another_flow_or_none_is_refused(tmp_path):
    solver().save(tmp_path / "state")
    assert_refused(ResumeError, lambda: solver(21.0).load(tmp_path / "state"), "other bodies, Reynolds numbers")
    (tmp_path / "none").write_bytes(b"nothing")
    assert_refused(BundleError, lambda: solver().load(tmp_path / "none"))
