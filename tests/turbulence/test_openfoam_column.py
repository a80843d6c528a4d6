"""A channel as an OpenFOAM case: read back it is the flow that was written, and nothing is overwritten."""

import numpy as np

from geodl.errors import OutputError
from geodl.testing import assert_refused
from geodl.turbulence import channel_flow, read_openfoam, write_column


def test_a_column_is_read_as_the_flow_that_was_written(tmp_path):
    flow = channel_flow(180, cells=60)
    case = read_openfoam(write_column(tmp_path / "channel", flow))
    assert case.sizes["cell"] == 60
    for name in ("k", "omega", "velocity"):
        np.testing.assert_allclose(case[name], flow[name], rtol=1e-10)
    np.testing.assert_allclose(case["nu"], float(np.ravel(flow["nu"])[0]))
    shear = case["velocity_gradient"].values[:, 0, 1], flow["velocity_gradient"].values[:, 0, 1]
    np.testing.assert_allclose(shear[0][1:-1], shear[1][1:-1], rtol=0.05)


def test_what_exists_is_not_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    assert_refused(OutputError, lambda: write_column(tmp_path / "mine", channel_flow(180, cells=60)), "mine")
    assert list((tmp_path / "mine").iterdir()) == []
