"""Closures in C: the answers of Python in any frame and any company, realizable whatever comes in."""

import functools

import numpy as np
import pytest
import torch

import geodl
from geodl.core.surrogate import Surrogate
from geodl.turbulence.in_c import UNTOUCHED, answer, inputs
from geodl.turbulence.physics.realizability import is_realizable
from tests.exports.folders import needs_compiler
from tests.turbulence import test_family
from tests.turbulence.tensors import orthogonal

pytestmark = needs_compiler
KINDS = {
    "pope": {"features": "pope"},
    "pope with a remainder": {"features": "pope", "remainder": True},
    "galilean": {},
    "all": {"features": "all", "members": 1},
    "fixed": {"basis": "fixed", "activation": "tanh"},
}
TOLERANCE = {"float32": 1e-4, "float64": 1e-11}  # of values of order one; torch's own float32 is as far off
trained = functools.cache(test_family.trained)


def exported(kind: str, folder, dtype: str = "float64") -> tuple[Surrogate, geodl.Handle]:
    surrogate = trained(dtype, **KINDS[kind])
    return surrogate, geodl.Handle(geodl.export(surrogate, folder / "closure"))


@pytest.fixture(scope="module")
def closure(tmp_path_factory) -> tuple[Surrogate, geodl.Handle]:
    return exported("galilean", tmp_path_factory.mktemp("galilean"))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("kind", KINDS)
def test_c_gives_the_answers_of_python(tmp_path, kind, dtype):
    surrogate, handle = exported(kind, tmp_path, dtype)
    cells = inputs(surrogate, 300, 1)
    *ours, status = handle(*cells)
    *theirs, wanted = answer(surrogate, *cells)
    np.testing.assert_array_equal(status, wanted)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_extreme_cells_get_the_answers_of_python(closure):
    """From next to nothing to beyond the length at which inputs are cut."""
    surrogate, handle = closure
    scale = 10.0 ** np.linspace(-12, 12, 97)
    cells = [x * scale.reshape(-1, *[1] * (x.ndim - 1)) for x in inputs(surrogate, 97, 2)]
    for a, b in zip(handle(*cells)[:-1], answer(surrogate, *cells)[:-1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_cells_without_motion_or_turbulence_get_the_answers_of_python(closure):
    surrogate, handle = closure
    cells = [x.copy() for x in inputs(surrogate, 8, 3)]
    for row, x in enumerate(cells):
        x[row] = 0  # a row for each input that is nothing at all
    for a, b in zip(handle(*cells), answer(surrogate, *cells), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_the_anisotropy_is_realizable_and_turns_with_the_frame(closure):
    surrogate, handle = closure
    cells = inputs(surrogate, 200, 4)
    cells[0][:] *= 30  # far from the training flows: many have to be projected
    q = orthogonal(200).numpy()
    moved = [q @ x @ q.transpose(0, 2, 1) if x.ndim == 3 else (q @ x[..., None])[..., 0] if x.ndim == 2 else x
             for x in cells]  # fmt: skip
    b, there = handle(*cells)[0], handle(*moved)[0]
    assert bool(is_realizable(torch.from_numpy(b)).all())
    assert np.linalg.eigvalsh(b)[:, 0].min() < -0.33333333
    np.testing.assert_allclose(there, q @ b @ q.transpose(0, 2, 1), atol=1e-12)


def test_a_cell_gets_the_same_answer_in_any_company(closure):
    surrogate, handle = closure
    cells = inputs(surrogate, 40, 5)
    for some, every in zip(handle(*(x[7:12].copy() for x in cells)), handle(*cells), strict=True):
        np.testing.assert_array_equal(some, every[7:12])


def test_a_cell_that_is_no_number_keeps_its_outputs_and_the_others_are_answered(closure):
    surrogate, handle = closure
    cells = [x.copy() for x in inputs(surrogate, 20, 6)]
    whole = handle(*cells)
    cells[0][3, 1, 2], cells[1][5] = np.nan, np.inf
    call, made = handle.bind(*cells)
    for x in made:
        x[:] = -7
    call()
    others = np.delete(np.arange(20), [3, 5])
    assert list(made[-1][[3, 5]]) == [UNTOUCHED, UNTOUCHED]
    for x, y in zip(made[:-1], whole[:-1], strict=True):
        assert (x[[3, 5]] == -7).all()
        np.testing.assert_array_equal(x[others], y[others])
