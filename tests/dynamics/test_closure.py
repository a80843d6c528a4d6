"""Closures of two-scale Lorenz-96: known tendencies are found again, laws of the ring hold, noise is as fitted."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import geodl
from geodl.dynamics.closure.closure import (
    AR1Noise,
    ClosedLorenz96,
    LocalNetworkClosure,
    WilksClosure,
    train_offline,
    train_online,
)
from geodl.dynamics.closure.closure_papers import lorenz96_closure
from geodl.dynamics.closure.two_scale import TwoScaleField, slow_path, subgrid_tendency, two_scale_dataset
from geodl.dynamics.lorenz96 import SITES, lorenz96
from geodl.dynamics.ode.solve import odeint
from geodl.errors import OptionError, SchemaError
from geodl.testing import assert_contract, assert_refused, observed_order
from geodl.train.config import FitConfig

NOW = torch.zeros((), dtype=torch.float64)
QUASI_NEWTON = FitConfig.parse({"optimizer": "lbfgs", "epochs": 4, "line_steps": 15})


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def network(**options: Any) -> LocalNetworkClosure:
    torch.manual_seed(0)
    return LocalNetworkClosure(width=8, **options).double()


def polynomial(*coefficients: float) -> WilksClosure:
    closure = WilksClosure(len(coefficients) - 1)
    closure.coefficients = torch.tensor(coefficients, dtype=torch.float64)
    return closure


def slow_states(count: int) -> Tensor:
    """States as the slow sites have them."""
    return 4 + 5 * normal(count, SITES)


@pytest.fixture(scope="module")
def ds() -> xr.Dataset:
    return two_scale_dataset(3, 40, seed=0, spin_up=0.05)


def test_without_fast_variables_the_subgrid_tendency_vanishes_with_the_step():
    errors, steps = [], (0.004, 0.002, 0.001)
    for dt in steps:
        times = dt * torch.arange(5, dtype=torch.float64)
        path = odeint(lambda t, x: lorenz96(x, 20.0), slow_states(6), times, method="rk4")
        errors.append(float(subgrid_tendency(path, dt).abs().max()))
    assert observed_order(errors, steps) == pytest.approx([1, 1], abs=0.1)


def test_the_subgrid_tendency_is_the_pull_of_the_fast_variables():
    speed, dt = 4.0, 1e-7
    state = torch.cat([slow_states(2), 0.5 * normal(2, 32 * SITES)], 1)
    path = odeint(TwoScaleField(speed), state, torch.tensor([0.0, dt], dtype=torch.float64), method="rk4")
    pull = -speed / 10 * state[:, SITES:].unflatten(1, (SITES, 32)).sum(-1)
    torch.testing.assert_close(subgrid_tendency(path[..., :SITES], dt)[0], pull, rtol=0, atol=1e-3)


def test_the_data_hold_runs_and_their_subgrid_tendency(ds: xr.Dataset):
    assert dict(ds.sizes) == {"member": 3, "time": 40, "site": SITES}
    assert [ds[name].attrs["units"] for name in ("X", "tendency", "time")] == ["1"] * 3
    assert (ds.attrs["speed"], ds.attrs["forcing"]) == (10.0, 20.0)
    path = torch.from_numpy(ds["X"].transpose("time", "member", "site").values)
    expected = ds["tendency"].transpose("time", "member", "site").values[:-1]
    np.testing.assert_allclose(subgrid_tendency(path, 0.005).numpy(), expected, rtol=0, atol=1e-9)


def test_the_truth_does_not_depend_on_the_interval_of_its_outputs():
    fine, coarse = (slow_path(2, n, dt, speed=10.0, seed=1, spin_up=0.01) for n, dt in ((7, 0.005), (4, 0.01)))
    torch.testing.assert_close(fine[::2], coarse, rtol=0, atol=1e-12)


def test_runs_of_one_dataset_and_of_two_seeds_are_different(ds: xr.Dataset):
    other = two_scale_dataset(3, 2, seed=1, spin_up=0.05)
    first = np.concatenate([ds["X"].isel(time=0), other["X"].isel(time=0)])
    assert len(np.unique(first.round(6), axis=0)) == 6


@pytest.mark.parametrize("wrong", [{"members": 0}, {"points": 1}, {"dt": 0.0}, {"speed": -1.0}, {"spin_up": 0.0}])
def test_data_that_cannot_be_made_are_refused(wrong: dict[str, Any]):
    ((name, value),) = wrong.items()
    arguments = {"members": 2, "points": 3, "dt": 0.01, "speed": 4.0, "seed": 0, **wrong}
    assert_refused(OptionError, lambda: slow_path(**arguments), f"{name}={value}")


def test_the_polynomial_closure_finds_a_polynomial_again():
    truth, x = polynomial(0.3, -1.4, 0.02, 0.007, -3e-4), slow_states(200)
    found = WilksClosure().double().fit(x, truth(NOW, x))
    torch.testing.assert_close(found.coefficients, truth.coefficients, rtol=1e-10, atol=1e-12)
    expected = torch.from_numpy(np.polyval(truth.coefficients.flip(0).numpy(), x.numpy()))
    torch.testing.assert_close(truth(NOW, x), expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("reach", [0, 1, 3])
def test_turning_the_ring_commutes_with_the_network(reach: int):
    closure, x = network(reach=reach), slow_states(5)
    torch.testing.assert_close(closure(NOW, x.roll(3, -1)), closure(NOW, x).roll(3, -1), rtol=0, atol=1e-14)


def test_the_network_sees_its_neighbours_and_nobody_else():
    closure = network()
    jacobian = torch.func.jacrev(lambda x: closure(NOW, x))(slow_states(1)[0])
    distance = (torch.arange(SITES)[:, None] - torch.arange(SITES)).abs()
    near = torch.minimum(distance, SITES - distance) <= 2
    assert jacobian[~near].abs().max() == 0
    assert jacobian[near].abs().min() > 0


def test_a_ring_smaller_than_what_the_network_sees_is_refused():
    assert_refused(SchemaError, lambda: network()(NOW, normal(2, 4)), "4 sites", "5 seen")


def test_a_closure_of_zero_leaves_lorenz96_alone():
    model, x = ClosedLorenz96(polynomial(0.0), 3, dt=0.01, substeps=2), slow_states(4)
    times = 0.01 * torch.arange(4, dtype=torch.float64)
    expected = odeint(lambda t, u: lorenz96(u, 20.0), x, times, method="rk4", substeps=2)
    torch.testing.assert_close(model(x)[0], expected[1:].transpose(0, 1), rtol=0, atol=1e-12)


def test_sparse_outputs_are_those_of_the_same_steps():
    model, x = ClosedLorenz96(network(), 1, dt=0.01), slow_states(4)
    torch.testing.assert_close(model.path(x, 12, every=4), model.path(x, 12)[::4], rtol=0, atol=1e-12)


def test_a_start_that_is_no_number_gives_none_and_spares_its_neighbours():
    model, x = ClosedLorenz96(network(), 2, dt=0.01), slow_states(3)
    spoiled = x.clone()
    spoiled[1, 4] = torch.nan
    (path,) = model(spoiled)
    assert path[1].isnan().all()
    torch.testing.assert_close(path[::2], model(x)[0][::2], rtol=0, atol=0)


def test_gradients_through_the_solver_pass_a_finite_difference_check():
    model, x = ClosedLorenz96(network(), 2, dt=0.05), slow_states(2)
    model(x)[0].square().mean().backward()
    weight, epsilon = model.field.learned.network[0].weight, 1e-6
    for place in ((0, 0), (3, 2)):
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                weight[place] += sign * epsilon
                sides.append(float(model(x)[0].square().mean()))
                weight[place] -= sign * epsilon
        assert float(weight.grad[place]) == pytest.approx((sides[0] - sides[1]) / (2 * epsilon), rel=1e-5)


def local_tendency(x: Tensor) -> Tensor:
    """Something that a polynomial of one site cannot be."""
    return -x + 2 * torch.tanh(x.roll(1, -1) / 5) - torch.tanh(x.roll(-2, -1) / 5)


def test_offline_training_finds_a_tendency_that_the_neighbours_share_in():
    x, unseen = slow_states(1000), slow_states(1200)[1000:]
    closure = network()
    train_offline(closure, x, local_tendency(x), config=QUASI_NEWTON)
    residual = (closure(NOW, unseen) - local_tendency(unseen)).var() / local_tendency(unseen).var()
    polynomial_residual = (WilksClosure().fit(x, local_tendency(x))(NOW, unseen) - local_tendency(unseen)).var()
    assert float(residual.detach()) < 3e-3
    assert float(residual.detach()) * local_tendency(unseen).var() < polynomial_residual / 10


class Local(nn.Module):
    def forward(self, t: Tensor, x: Tensor) -> Tensor:
        return local_tendency(x)


def test_training_through_the_solver_lowers_the_error_of_the_path():
    x = slow_states(100)
    (path,) = ClosedLorenz96(Local(), 2, dt=0.05)(x)
    model = ClosedLorenz96(network(), 2, dt=0.05)
    model.field.learned.fit_scales(x, local_tendency(x))
    before = float((model(x)[0] - path).square().mean().detach())
    train_online(model, x, path, config=QUASI_NEWTON)
    assert float((model(x)[0] - path).square().mean().detach()) < 0.01 * before


def test_red_noise_is_found_again():
    phi, sigma, draws = 0.9, 2.0, normal(4000, 50, seed=3)
    noise = [sigma * draws[0]]
    for fresh in draws[1:]:
        noise.append(phi * noise[-1] + sigma * math.sqrt(1 - phi**2) * fresh)
    found = AR1Noise.of(torch.stack(noise) + 7.0)  # a bias is no noise
    assert found.persistence == pytest.approx(phi, abs=0.005)
    assert found.std == pytest.approx(sigma, rel=0.03)


def test_an_ensemble_without_noise_is_the_forecast():
    model, x = ClosedLorenz96(network(), 1, dt=0.01), slow_states(3)
    path = AR1Noise(0.9, 0.0).ensemble(model, x, 10, members=4)
    torch.testing.assert_close(path, model.path(x, 10)[:, None].expand_as(path), rtol=0, atol=1e-12)


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_noise_spreads_an_ensemble_as_its_persistence_says(phi: float):
    """After one step the spread is h σ, after two h σ √(2 + 2φ), whatever the state, while h is small."""
    dt, sigma, model = 1e-4, 3.0, ClosedLorenz96(polynomial(0.0), 1, dt=1e-4)
    path = AR1Noise(phi, sigma).ensemble(model, slow_states(5), 2, members=4000, seed=1)
    spread = path.std(1).mean((1, 2)) / (dt * sigma)
    assert spread.tolist() == pytest.approx([0, 1, math.sqrt(2 + 2 * phi)], rel=0.02, abs=1e-9)


def family_of(**options: Any) -> Any:
    return geodl.family("dynamics", system="lorenz96", dt=0.005, leads=3, width=4, depth=1, **options)


def test_the_family_keeps_every_promise(tmp_path: Path):
    assert_contract(family_of(), tmp_path)


def test_a_surrogate_draws_what_its_closure_does(ds: xr.Dataset):
    pytest.importorskip("matplotlib")
    family, data = family_of(), two_scale_dataset(12, 10, seed=4, spin_up=0.2)
    surrogate = geodl.fit(family, data, data, config=FitConfig.parse({**family.settings, "epochs": 1}), show=False)
    drawn = family.figures(surrogate, ds)
    assert set(drawn) == {"Subgrid tendency", "Error growth", "Marginal distribution", "Hovmoeller"}
    for figure in drawn.values():
        labels = [(axis.get_xlabel(), axis.get_ylabel()) for axis in figure.axes]
        assert any(x for x, _ in labels)
        assert any(y for _, y in labels)


@pytest.mark.slow
def test_the_quick_reproduction_gives_every_score_of_every_closure():
    done = lorenz96_closure(quick=True)
    assert all(math.isfinite(claim.measured) for claim in done.claims)
    assert {str(name) for name in done.data["model"].values} == {"no closure", "Wilks", "offline", "online"}
    times = done.data["vpt"].isel(seed=0, speed=0)
    assert float(times.sel(model="Wilks")) > 2 * float(times.sel(model="no closure"))
