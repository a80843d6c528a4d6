"""The family as a whole: options, forecasts, skill, and what the pretrained surrogate has learned."""

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.dynamics.forecast import forecast, rollout
from geodl.dynamics.lorenz63 import CLIMATE_STD
from geodl.dynamics.skill import truth_of
from geodl.errors import OptionError, UnknownNameError
from geodl.train.config import FitConfig


@pytest.fixture(scope="module")
def pretrained():
    return geodl.load("dynamics-lorenz63")


@pytest.fixture(scope="module")
def starts() -> xr.Dataset:
    return geodl.open_sample("lorenz63/test").isel(time=0, trajectory=slice(0, 20))


def states(starts: xr.Dataset) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(starts[name].values.copy()) for name in "xyz")


def test_the_pretrained_field_contracts_phase_space_as_lorenz63_does(pretrained):
    field = pretrained.core.network.field
    scaled = torch.randn(10, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    jacobian = torch.func.vmap(torch.func.jacrev(lambda u: field(torch.zeros(()), u[None])[0]))(scaled)
    divergence = jacobian.diagonal(dim1=-2, dim2=-1).sum(-1) / 0.01  # a trace does not see the scaling of the axes
    assert divergence.detach().numpy() == pytest.approx(-(10 + 1 + 8 / 3), rel=1e-5)


def test_the_pretrained_surrogate_keeps_the_symmetry_of_lorenz63(pretrained, starts):
    x, y, z = states(starts)
    straight, turned = pretrained.core(x, y, z), pretrained.core(-x, -y, z)
    for sign, a, b in zip((-1, -1, 1), straight, turned, strict=True):
        torch.testing.assert_close(b, sign * a, rtol=0, atol=2e-5)


def test_a_rollout_continues_where_a_call_ends(pretrained, starts):
    path = rollout(pretrained.core, states(starts), 16)
    first = pretrained.core(*states(starts))
    second = pretrained.core(*(component[:, -1] for component in first))
    torch.testing.assert_close(path[8], torch.stack([c[:, -1] for c in first], -1), rtol=0, atol=0)
    torch.testing.assert_close(path[16], torch.stack([c[:, -1] for c in second], -1), rtol=0, atol=0)


def test_a_rollout_has_as_many_steps_as_asked_for_and_begins_at_the_start(pretrained, starts):
    path = rollout(pretrained.core, states(starts), 11)
    assert len(path) == 12
    torch.testing.assert_close(path[0], torch.stack(states(starts), -1), rtol=0, atol=0)


def test_a_forecast_is_labelled_and_agrees_with_the_surrogate_at_its_leads(pretrained, starts):
    longer, short = forecast(pretrained, starts, steps=20), pretrained(starts)
    np.testing.assert_allclose(longer.lead, 0.01 * np.arange(21), rtol=1e-12)
    np.testing.assert_array_equal(longer.z.isel(lead=slice(1, 9)).values, short.z.values)
    assert longer.z.attrs["units"] == "1"


def test_the_surrogate_stays_on_the_attractor(pretrained, starts):
    path = rollout(pretrained.core, states(starts), 2000)[500:]
    spread = path.reshape(-1, 3).var(0).sum().sqrt()
    assert float(spread) == pytest.approx(CLIMATE_STD, rel=0.03)
    assert float(path[..., 2].mean()) == pytest.approx(23.56, abs=0.5)


def test_the_pretrained_surrogate_meets_its_record_on_test_windows(pretrained):
    scores = geodl.evaluate(pretrained, geodl.open_sample("lorenz63/test"))
    for name in "xyz":
        assert float(scores[f"rmse_{name}"].sel(model="surrogate")[0]) < 3e-6
        assert float(scores[f"coverage_{name}"].mean()) == pytest.approx(0.9, abs=0.02)
    assert float(scores.valid_prediction_time.sel(model="surrogate").median()) > 9
    assert float(scores.valid_prediction_time.sel(model="polynomial").median()) > 15
    assert float(scores.in_domain) > 0.99


def test_states_off_the_attractor_are_flagged(pretrained, starts):
    for name, value in (("z", 80.0), ("x", 40.0), ("y", -60.0)):
        far = starts.copy(deep=True)
        far[name][:] = value
        assert not pretrained(far).in_domain.any()


def test_components_with_units_of_their_own_count_alike(tmp_path):
    """Errors of one standard deviation in kelvin or in pascal are the same normalised error."""
    family = geodl.family("dynamics", system="data", state={"T": "K", "p": "Pa"}, dt=1.0, time_units="s", leads=2)
    random = np.random.default_rng(0)
    values = {"T": random.normal(300, 2, (40, 9)), "p": random.normal(1e5, 500, (40, 9))}
    ds = xr.Dataset(
        {name: (("run", "time"), v, {"units": family.options["state"][name]}) for name, v in values.items()},
        coords={"run": np.arange(40), "time": ("time", np.arange(9.0), {"units": "s"})},
    )
    config = FitConfig.parse({**family.settings, "epochs": 1, "line_steps": 1})
    surrogate = geodl.fit(family, ds.isel(run=slice(0, 20)), ds.isel(run=slice(20, 40)), config=config)
    truth = truth_of(surrogate, ds)
    shift = truth.scale / np.sqrt(2)  # one standard deviation of each component
    errors = [truth.error(truth.path + shift * unit).mean() for unit in np.eye(2)]
    assert errors == pytest.approx([np.sqrt(0.5)] * 2, rel=1e-9)


@pytest.mark.parametrize(
    "choice",
    [{"adjoint": "checkpoint"}, {"adjoint": "autograd"}, {"method": "implicit_midpoint"}, {"method": "tsit5"}],
    ids=str,
)
@pytest.mark.parametrize("field", ["bilinear", "mlp"])
def test_every_way_through_the_integrator_learns(field, choice):
    family = geodl.family("dynamics", field=field, leads=2, substeps=1, width=8, **choice)
    data = [family.example(seed) for seed in (0, 1)]
    config = FitConfig(epochs=3, optimizer="adam", learning_rate=1e-3, batch_size=25, dtype="float64")
    losses = [entry["train"] for entry in geodl.fit(family, *data, config=config).record.history]
    assert losses[-1] < losses[0]


def test_options_that_do_not_exist_are_refused_with_the_near_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'substeps'"):
        geodl.family("dynamics", substep=2)
    with pytest.raises(OptionError, match="'field' is 'bilinar'"):
        geodl.family("dynamics", field="bilinar")
    with pytest.raises(OptionError, match="'activation' is 'tahn'"):
        geodl.family("dynamics", field="mlp", activation="tahn")


@pytest.mark.parametrize("names", ["u", "y", "zy", "abcdefg", "pqry"])
def test_an_example_has_the_state_variables_asked_for(names):
    family = geodl.family("dynamics", system="data", state=dict.fromkeys(names, "K"), time_units="s")
    ds = family.example(0)
    assert list(ds.data_vars) == list(names)
    assert len({float(ds[name].mean()) for name in names}) == len(names)
    starts, later = family.samples(ds)
    assert starts.sizes == {"trajectory": 100, "time": 1}
    assert all(later[name].attrs["units"] == "K" for name in names)


def test_examples_of_different_seeds_share_no_trajectory():
    family = geodl.family("dynamics", system="data", state=dict.fromkeys("abcdef", "K"), time_units="s")
    first = [family.example(seed).to_dataarray().isel(time=0).values for seed in range(5)]
    assert len(np.unique(np.concatenate(first, axis=1))) == 5 * 6 * 100


def test_lead_times_follow_from_dt():
    schema = geodl.family("dynamics", dt=0.2, leads=3).schema
    assert schema.axes[0].labels == (0.2, 0.4, 0.6)
