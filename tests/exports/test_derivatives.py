"""The dense part in C by itself: outputs and products with its Jacobian as torch has them."""

import ctypes
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import geodl
from geodl.core.surrogate import Surrogate
from tests.chemistry.surrogates import trained as burning
from tests.dynamics.test_in_c import trained as forecast
from tests.exports.folders import needs_compiler, run
from tests.turbulence.test_family import trained as closure

pytestmark = needs_compiler
CELLS, MEMBER = 7, 1
Dense = Callable[[Tensor], Tensor]


def of_chemistry() -> tuple[Surrogate, Dense, int]:
    made = burning("float64", members=2)
    return made, made.core.network.dense[MEMBER], MEMBER


def of_a_closure() -> tuple[Surrogate, Dense, int]:
    made = closure("float64", activation="gelu")
    return made, lambda x: made.core.network.ensemble.member(x, MEMBER), MEMBER


def of_dynamics(kind: str) -> tuple[Surrogate, Dense, int]:
    made = forecast(kind)
    return made, made.core.network.field.network, 0


CASES = {
    "chemistry": of_chemistry,
    "closure": of_a_closure,
    "tanh": lambda: of_dynamics("tanh"),
    "relu": lambda: of_dynamics("relu"),
}


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """The library, the sizes of its dense part, and the same in torch."""
    surrogate, dense, member = CASES[request.param]()
    folder = geodl.export(surrogate, tmp_path_factory.mktemp(request.param) / "out", name="out")
    run("cc", "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "out.c", "-o", "out.so", "-lm",
        cwd=folder)  # fmt: skip
    first = surrogate.family.code(surrogate).members[0]
    return ctypes.CDLL(str(folder / "out.so")), first.inputs, first.outputs, dense, member


def called(library: ctypes.CDLL, function: str, member: int, *arrays: np.ndarray | None, cells: int = CELLS) -> int:
    pointers = [None if a is None else a.ctypes.data_as(ctypes.c_void_p) for a in arrays]
    return int(getattr(library, function)(member, ctypes.c_long(cells), *pointers))


def random(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_outputs_and_their_change_are_those_of_torch(case):
    library, inputs, outputs, dense, member = case
    x, dx = random(CELLS, inputs, seed=0), random(CELLS, inputs, seed=1)
    y, again, dy = (np.zeros((CELLS, outputs)) for _ in range(3))
    assert called(library, "out_dense", member, x, y) == 0
    assert called(library, "out_dense_jvp", member, x, dx, again, dy) == 0
    found = torch.func.jvp(dense, (torch.from_numpy(x),), (torch.from_numpy(dx),))
    for ours, theirs in zip((y, again, dy), (found[0], *found), strict=True):
        np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-9, atol=1e-11)


def test_the_gradient_is_that_of_torch(case):
    library, inputs, outputs, dense, member = case
    x, gy, gx = random(CELLS, inputs, seed=2), random(CELLS, outputs, seed=3), np.zeros((CELLS, inputs))
    assert called(library, "out_dense_vjp", member, x, gy, gx) == 0
    given = torch.from_numpy(x).requires_grad_()
    (dense(given) * torch.from_numpy(gy)).sum().backward()
    np.testing.assert_allclose(gx, given.grad, rtol=1e-9, atol=1e-11)


def test_both_products_belong_to_one_jacobian(case):
    library, inputs, outputs, _, member = case
    x, dx, gy = random(1, inputs, seed=4), random(1, inputs, seed=5), random(1, outputs, seed=6)
    y, dy, gx = np.zeros((1, outputs)), np.zeros((1, outputs)), np.zeros((1, inputs))
    assert called(library, "out_dense_jvp", member, x, dx, y, dy, cells=1) == 0
    assert called(library, "out_dense_vjp", member, x, gy, gx, cells=1) == 0
    assert (gy * dy).sum() == pytest.approx((gx * dx).sum(), rel=1e-10)


def test_calls_that_make_no_sense_are_refused(case):
    library, inputs, outputs, *_ = case
    x, y = random(CELLS, inputs, seed=0), np.full((CELLS, outputs), -7.0)
    assert called(library, "out_dense", 0, x, y, cells=-1) == 1
    assert called(library, "out_dense", 99, x, y) == 7
    assert called(library, "out_dense", 0, None, y) == 3
    assert (y == -7).all()
