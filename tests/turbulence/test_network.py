"""The network turns with the frame, is realizable whatever comes in, and averages members before it projects."""

import copy

import pytest
import torch
from torch import Tensor

import geodl
from geodl.core.surrogate import Core
from geodl.train.config import FitConfig
from geodl.train.split import split
from geodl.turbulence.network import LARGEST_LOG_RATIO, TensorBasisNetwork
from geodl.turbulence.physics.eigenvalues import eigenvalues
from geodl.turbulence.physics.realizability import LARGEST_NORM, is_realizable, realizable
from geodl.turbulence.physics.tensor_basis import components, from_components
from tests.turbulence.tensors import orthogonal, random, turned

DTYPES = [torch.float32, torch.float64]
SMALL = {"members": 2, "width": 16, "depth": 2}
FEATURES, TENSORS = 6, 10


def trained(**options) -> Core:
    """The core of a small surrogate of the made-up flows."""
    family = geodl.family("turbulence", **SMALL, **options)
    parts = split(family.example(0), "flow")
    config = FitConfig.parse({**family.settings, "epochs": 4, "batch_size": 64})
    return geodl.fit(family, parts.train, parts.valid, config=config, show=False).core


@pytest.fixture(scope="module")
def core() -> Core:
    return trained()


def network(members: int = 3, *, remainder: bool = True, scale: float = 1.0) -> TensorBasisNetwork:
    """Random weights, as large as is asked for, in float64."""
    torch.manual_seed(0)
    made = TensorBasisNetwork(
        FEATURES, TENSORS, remainder=remainder, members=members, width=16, depth=2, activation="silu"
    ).double()
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(scale)
    return made


def encoded(cells: int = 40) -> tuple[Tensor, ...]:
    """Random features, unit tensors, energies and eddy viscosities."""
    tensors = torch.nn.functional.normalize(random(cells, TENSORS, 5, seed=1), dim=-1)
    return random(cells, FEATURES), tensors, random(cells, seed=2).exp(), random(cells, seed=3).exp()


def inputs(cells: int, dtype: torch.dtype, seed: int = 0) -> tuple[Tensor, ...]:
    """Physical inputs of the default features, scalars positive over four decades."""
    shapes = ((3, 3), (), (), (), (), (3,), (3,))
    drawn = [random(cells, *shape, seed=seed + i) for i, shape in enumerate(shapes)]
    return tuple((x if x.ndim > 1 else (2 * x).exp()).to(dtype) for x in drawn)


def assert_realizable(b: Tensor) -> None:
    """No eigenvalue outside of [-1/3, 2/3], not by one unit of round-off, and no |b| above sqrt(2/3)."""
    assert bool(is_realizable(b).all())
    assert float(b.flatten(1).norm(dim=1).max()) <= LARGEST_NORM + 4 * torch.finfo(b.dtype).eps


def test_in_training_every_member_speaks_and_in_evaluation_their_mean_is_projected():
    made, seen = network(scale=2.0), encoded()
    made.constant_error.fill_(1e9)  # constant coefficients are worth nothing
    b, ln_k, remainder, ln_square_error = made.train()(*seen)
    assert ln_square_error.shape == (40,)
    assert b.shape == remainder.shape == (40, 3, 5)
    assert ln_k.shape == (40, 3)
    final, final_ln_k, final_remainder, _, spread, *_ = made.eval()(*seen)
    torch.testing.assert_close(final_ln_k, ln_k.mean(1))
    torch.testing.assert_close(components(final_remainder), remainder.mean(1))
    torch.testing.assert_close(spread, (b - b.mean(1, keepdim=True)).square().sum(-1).mean(1).sqrt())
    inside = is_realizable(from_components(b.mean(1)), -1e-6)
    assert 0 < int(inside.sum()) < 40
    torch.testing.assert_close(components(final[inside]), b.mean(1)[inside])
    assert_realizable(final.detach())


def test_what_a_solver_needs_follows_from_the_remainder_and_is_left_out_with_it():
    seen = encoded()
    _, ln_k, remainder, *diagnostics = network().eval()(*seen)
    viscosity, stress = diagnostics[-2:]
    assert torch.equal(viscosity, seen[3])
    torch.testing.assert_close(stress, 2 * ln_k.exp()[:, None, None] * remainder)
    assert len(network(remainder=False).eval()(*seen)) == 6


def test_members_that_disagree_are_worth_less_than_constant_coefficients():
    made, seen = network(scale=2.0), encoded()
    made.constant.copy_(random(len(made.constant), seed=8))
    made.constant_error.fill_(1e-9)  # next to nothing is left to gain
    fallen = from_components(torch.einsum("k,nkc->nc", made.constant[:TENSORS], seen[1]))
    torch.testing.assert_close(made.eval()(*seen)[0], realizable(fallen))


def test_the_error_to_expect_holds_the_spread_and_is_one_where_it_is_large():
    made, seen = network().eval(), encoded(400)
    expected, spread = made(*seen)[3:5]
    assert bool((expected >= spread).all())
    made.calibrate(expected)
    assert float((made(*seen)[3] > 1).double().mean()) == pytest.approx(0.01)


def test_a_projected_mean_is_no_farther_from_a_realizable_truth():
    made, seen = network(scale=3.0), encoded(300)
    made.constant_error.fill_(1e9)
    mean, final = made.train()(*seen)[0].mean(1), components(made.eval()(*seen)[0])
    truth = torch.zeros_like(mean)  # isotropic, the middle of the triangle
    assert bool(((final - truth).norm(dim=1) <= (mean - truth).norm(dim=1) + 1e-12).all())
    assert bool(((final - mean).norm(dim=1) > 0.1).any())


def test_one_member_has_no_spread_and_several_have_some():
    assert bool((network(1).eval()(*encoded())[4] == 0).all())
    assert bool((network(2).eval()(*encoded())[4] > 0).all())


def test_the_ratio_of_the_energies_is_bounded():
    seen = encoded()
    ln_k = network(scale=20.0).eval()(*seen)[1]
    assert float((ln_k - seen[2].log()).detach().abs().max()) <= LARGEST_LOG_RATIO + 1e-12


def test_a_first_look_finds_the_best_constant_coefficients():
    made, (features, tensors, energy, viscosity) = network(), encoded(500)
    truth = torch.einsum("k,nkc->nc", random(TENSORS, seed=5), tensors)
    made.look(features, tensors, torch.full_like(energy, 0.3), truth, -truth)
    with torch.no_grad():
        made.ensemble.weights[-1].zero_()  # nothing but the biases that the look has set
    b, ln_k, remainder, _ = made.train()(features, tensors, energy, viscosity)
    torch.testing.assert_close(b, truth[:, None].expand_as(b), rtol=0, atol=2e-2)  # a touch of ridge
    torch.testing.assert_close(remainder, -b)
    torch.testing.assert_close(ln_k, (energy.log() + 0.3)[:, None].expand_as(ln_k), rtol=0, atol=5e-3)
    torch.testing.assert_close((features - made.mean) / made.std, (features - features.mean(0)) / features.std(0))


def test_features_beyond_the_clip_count_as_the_clip():
    made, (features, *rest) = network().eval(), encoded()
    far, farther = (made(features * size, *rest) for size in (1e6, 1e9))
    for one, other in zip(far[:3], farther[:3], strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_random_weights_of_any_size_give_realizable_tensors(dtype):
    for scale in (1.0, 1e2, 1e6):
        made = network(scale=scale).to(dtype).eval()
        assert_realizable(made(*(x.to(dtype) for x in encoded(2000)))[0].detach())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("size", [0.0, 1e-30, 1.0, 1e9, 1e30])
def test_predictions_are_realizable_for_inputs_of_any_size(core, size, dtype):
    some = inputs(200, dtype)
    core = copy.deepcopy(core).to(dtype)
    for place in range(len(some) + 1):  # one input of this size, or all of them
        spoiled = tuple(x * size if place in (i, len(some)) else x for i, x in enumerate(some))
        b, k, *_ = (x.detach() for x in core(*spoiled))
        assert_realizable(b)
        assert bool((k.isfinite() & (k > 0)).all())


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("aim", ["norm", "eigenvalue"])
def test_no_ascent_leads_out_of_the_triangle(core, aim, dtype):
    """Adam on the inputs, scalars by their logarithms, against the bound of |b| or that of the least eigenvalue."""
    core = copy.deepcopy(core).to(dtype)
    attacked = [(x if x.ndim > 1 else x.log()).requires_grad_() for x in inputs(100, dtype, seed=50)]
    optimizer = torch.optim.Adam(attacked, lr=0.2)
    reached = []
    for _ in range(40):
        b = core(*(x if x.ndim > 1 else x.exp() for x in attacked))[0]
        assert_realizable(b.detach())
        size = b.flatten(1).norm(dim=1) if aim == "norm" else -eigenvalues(b)[:, 2]
        reached.append(float(size.detach().mean()))
        optimizer.zero_grad()
        (-size.sum()).backward()
        optimizer.step()
    assert reached[-1] > reached[0] + 0.02  # the attack does push


def test_derivatives_are_numbers_where_inputs_are_zero(core):
    core = copy.deepcopy(core).double()
    for place in range(8):
        some = [
            (x * 0 if place in (i, 7) else x).requires_grad_() for i, x in enumerate(inputs(5, torch.float64, seed=9))
        ]
        total = torch.stack([x.sum() for x in core(*some)]).sum() + core(*some)[0][:, 0, 1].sum()
        assert all(bool(g.isfinite().all()) for g in torch.autograd.grad(total, some)), place


def in_other_axes(q: Tensor, some: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    vector = lambda x: (q @ x.double()[..., None])[..., 0].to(x.dtype)  # noqa: E731
    return tuple({1: lambda x: x, 2: vector, 3: lambda x: turned(q, x)}[x.ndim](x) for x in some)


def turning_error(core: Core, some: tuple[Tensor, ...]) -> float:
    """The largest difference between what is predicted in other axes, and the prediction in other axes."""
    q = orthogonal(len(some[0]))
    with torch.no_grad():
        straight, other = (core(*x) for x in (some, in_other_axes(q, some)))
    pairs = zip(straight, other, strict=True)
    return max(float(((turned(q, a) if a.ndim == 3 else a.log()) - (b if b.ndim == 3 else b.log())).abs().max())
               for a, b in pairs)  # fmt: skip


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=str)
@pytest.mark.parametrize("basis", ["pope", "extended"])
def test_the_core_turns_with_the_axes(basis, dtype, tolerance):
    assert turning_error(trained(basis=basis).to(dtype), inputs(300, dtype)) <= tolerance


def test_a_network_of_fixed_tensors_does_not_turn_with_the_axes():
    assert turning_error(trained(basis="fixed").double(), inputs(300, torch.float64)) > 0.05
