"""What a network sees: scalars that ignore the frame, tensors that turn with it, and numbers for any numbers."""

import functools
import itertools

import pytest
import torch
from torch import Tensor

from geodl.turbulence.encoding import TENSORS, encode
from geodl.turbulence.physics.features import FEATURES
from geodl.turbulence.physics.tensor_basis import components, from_components
from tests.turbulence.tensors import TOLERANCE, orthogonal, random, turned

NAMES = ("gradient", "k", "omega", "wall_distance", "nu", "k_gradient", "pressure_gradient")
SHAPES = ((3, 3), (), (), (), (), (3,), (3,))
encoded = functools.partial(encode, names=NAMES, chosen="galilean", basis="extended")


def cells(count: int = 50, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    """Random inputs in the order of ``NAMES``, scalars positive."""
    drawn = (random(count, *shape, seed=i) for i, shape in enumerate(SHAPES))
    return tuple((x if x.ndim > 1 else x.exp()).to(dtype) for x in drawn)


def in_other_axes(q: Tensor, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The inputs in axes turned by q ``[cell, 3, 3]``, in float64 and back."""
    products = {1: lambda x: x, 2: lambda x: (q @ x.double()[..., None])[..., 0].to(x.dtype)}
    products[3] = functools.partial(turned, q)
    return tuple(products[x.ndim](x) for x in inputs)


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("basis", ["pope", "extended"])
def test_scalars_ignore_the_frame_and_tensors_turn_with_it(basis, dtype):
    q, inputs = orthogonal(50), cells(dtype=dtype)
    features, tensors, *scalars = encoded(inputs, basis=basis)
    again, turned_tensors, *again_scalars = encoded(in_other_axes(q, inputs), basis=basis)
    tolerance = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    torch.testing.assert_close(again, features, **tolerance)
    torch.testing.assert_close(from_components(turned_tensors), turned(q, from_components(tensors)), **tolerance)
    for straight, other in zip(scalars, again_scalars, strict=True):
        torch.testing.assert_close(other, straight, rtol=tolerance["rtol"], atol=0)


def test_the_fixed_tensors_do_not_turn_and_stand_for_the_five_components():
    inputs = cells()
    tensors = encoded(inputs, basis="fixed")[1]
    assert torch.equal(encoded(in_other_axes(orthogonal(50), inputs), basis="fixed")[1], tensors)
    b = from_components(random(50, 5))
    torch.testing.assert_close(torch.einsum("nk,nkc->nc", components(b), tensors), components(b))


@pytest.mark.parametrize("basis", TENSORS)
@pytest.mark.parametrize("chosen", ["pope", "galilean"])
def test_sizes_are_those_that_the_network_is_built_for(chosen, basis):
    features, tensors, *scalars = encoded(cells(), chosen=chosen, basis=basis)
    assert features.shape == (50, len(FEATURES[chosen]))
    assert tensors.shape == (50, TENSORS[basis], 5)
    assert all(x.shape == (50,) for x in scalars)


def plane_cells() -> tuple[Tensor, ...]:
    """Cells of plane flows without dilatation, in which some of the ten tensors vanish."""
    gradient, *rest = (x.clone() for x in cells())
    gradient[:, 2], gradient[:, :, 2] = 0, 0
    gradient[:, 1, 1] = -gradient[:, 0, 0]
    return gradient, *rest


def test_tensors_are_no_longer_than_one_and_shorter_only_where_there_is_nothing():
    solid, plane = (encoded(some)[1].norm(dim=-1) for some in (cells(), plane_cells()))
    assert float(max(solid.max(), plane.max())) <= 1 + 1e-12
    assert float(solid.median()) > 0.99
    assert float(plane[:, 4].max()) < 1e-10  # T5 = r s² − s² r with s² = |s|²/2 in the plane
    assert float(plane[:, 0].min()) > 0.9


def test_a_tensor_does_not_jump_where_it_vanishes():
    gradient, *rest = plane_cells()
    bent = encoded((gradient + 1e-9 * random(50, 3, 3, seed=9), *rest))[1]
    torch.testing.assert_close(bent, encoded((gradient, *rest))[1], rtol=0, atol=1e-5)


def test_cells_do_not_see_each_other():
    inputs = cells(30)
    together = encoded(inputs)
    alone = zip(*(encoded(tuple(x[i : i + 1] for x in inputs)) for i in range(30)), strict=True)
    for whole, parts in zip(together, alone, strict=True):
        torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-13, atol=1e-13)


def test_inputs_longer_than_a_block_are_encoded_in_order():
    some = cells(7)
    many = tuple(x.repeat(3000, *[1] * (x.ndim - 1)) for x in some)
    for short, long in zip(encoded(some), encoded(many), strict=True):
        torch.testing.assert_close(
            long.unflatten(0, (3000, 7)), short.expand(3000, *short.shape), rtol=1e-13, atol=1e-13
        )


@pytest.mark.parametrize("place", range(len(NAMES)), ids=NAMES)
def test_what_is_not_a_number_stays_in_its_cell(place):
    spoiled = [x.clone() for x in cells()]
    spoiled[place][7] = torch.nan
    others = torch.arange(50) != 7
    pairs = list(zip(encoded(cells()), encoded(tuple(spoiled)), strict=True))
    assert all(torch.equal(bad[others], straight[others]) for straight, bad in pairs)
    assert any(bool(bad[7].isnan().any()) for _, bad in pairs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("value", [0.0, 1e-30, 1e9, 1e30])
def test_any_numbers_give_numbers(value, dtype):
    """Every choice of inputs is multiplied by the value; infinite logarithms are numbers enough for a clip."""
    for chosen in itertools.product([False, True], repeat=len(NAMES)):
        inputs = (x * value if far else x for x, far in zip(cells(20, dtype), chosen, strict=True))
        features, tensors, *scalars = encoded(tuple(inputs))
        where = [name for name, far in zip(NAMES, chosen, strict=True) if far]
        assert not bool(features.isnan().any()), where
        assert bool(tensors.isfinite().all()), where
        assert all(bool(((x > 0) & x.isfinite()).all()) for x in scalars), where


def test_energies_and_rates_that_are_not_positive_are_floored():
    inputs = [x.clone() for x in cells()]
    inputs[1][:10], inputs[2][5:15] = -1.0, -2.0
    features, tensors, energy, *rest = encoded(tuple(inputs))
    assert all(bool(x.isfinite().all()) for x in (features, tensors, energy, *rest))
    assert bool((energy > 0).all())
