"""The family as users meet it through a Dataset: every mistake is refused by name or flagged in its cell."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
import torch
import xarray as xr

import geodl
from geodl.chemistry.cases.adversarial import adversarial_states
from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.state import FROZEN, OUT_OF_DOMAIN
from geodl.errors import DomainError, MechanismError, MissingPackageError, OptionError, SchemaError, UnitsError
from geodl.testing import assert_refused
from geodl.train.evaluate import evaluate
from tests.chemistry.surrogates import elements, parts, trained

INPUTS = ["temperature", "pressure", "mass_fraction", "dt"]
AVOGADRO = 6.02214076e23  # 1/mol


@pytest.fixture
def cells() -> xr.Dataset:
    """Forty states that a test may spoil."""
    return parts().test[INPUTS].isel(sample=slice(40)).copy(deep=True)


@pytest.fixture(scope="module")
def mechanism() -> Mechanism:
    return Mechanism.from_record(trained().family.options["mechanism"])


def assert_same(found: xr.Dataset, expected: xr.Dataset, rtol: float = 0.0) -> None:
    for name in ("temperature", "mass_fraction", "status", "in_domain"):
        np.testing.assert_allclose(found[name].values, expected[name].values, rtol=rtol, err_msg=name)


def test_a_prediction_has_units_intervals_status_and_flags(cells):
    found = trained()(cells)
    assert found["temperature"].attrs["units"] == "K"
    assert found["mass_fraction"].dims == ("sample", "species")
    assert {"temperature_low", "mass_fraction_high", "status", "correction", "in_domain"} <= set(found.data_vars)
    assert found["in_domain"].mean() > 0.7
    assert (found["status"].values[found["in_domain"].values] <= FROZEN).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float64", 1e-14)])
def test_a_prediction_keeps_the_elements_and_the_inert(cells, mechanism, dtype, tolerance):
    found = trained(dtype)(cells)["mass_fraction"]
    np.testing.assert_allclose(elements(mechanism, found), elements(mechanism, cells["mass_fraction"]), rtol=tolerance)
    inert = cells["mass_fraction"].sel(species="N2").values.astype(dtype)
    np.testing.assert_array_equal(found.sel(species="N2"), inert)
    assert found.min() >= 0


def test_the_core_takes_no_state_to_a_negative_fraction(mechanism):
    found, dt = adversarial_states(5000, 3, mechanism)
    given = (torch.from_numpy(np.asarray(x, np.float32)) for x in (*vars(found).values(), dt))
    assert trained().core(*given)[1].min() >= 0


def test_species_in_another_order_are_mapped_by_name(cells):
    assert_same(trained()(cells.isel(species=[3, 1, 0, 2])), trained()(cells))
    assert trained()(cells.isel(species=[3, 1, 0, 2]))["species"].values.tolist() == ["H2", "O2", "H2O", "N2"]


def test_data_in_another_order_train_the_same_surrogate():
    """To the last bit: order is a matter of files."""
    family, orders = geodl.family("chemistry", hidden=(4,)), ([0, 1, 2, 3], [2, 0, 3, 1])
    config = geodl.FitConfig.parse({**family.settings, "epochs": 1})
    fits = [
        geodl.fit(family, *(x.isel(species=order) for x in (parts().train, parts().valid)), config=config, show=False)
        for order in orders
    ]
    torch.testing.assert_close(*(dict(f.core.network.dense.state_dict()) for f in fits), rtol=0, atol=0)


def test_mole_fractions_and_number_densities_are_converted_where_units_say_so(cells, mechanism):
    moles = (cells["mass_fraction"] / mechanism.weights).drop_attrs()
    fractions = (moles / moles.sum("species")).assign_attrs(units="1")
    density = (moles * 1.2 * 1e3 * AVOGADRO * 1e-6).assign_attrs(units="molecule cm-3")
    rest = cells.drop_vars("mass_fraction")
    for given in ({"mole_fraction": fractions}, {"concentration": density}):
        assert_same(trained()(rest.assign(given)), trained()(cells), rtol=1e-4)


def test_other_units_are_converted(cells):
    other = cells.copy()
    other["temperature"] = (cells["temperature"] - 273.15).assign_attrs(units="degC")
    other["pressure"] = (cells["pressure"] / 1e5).assign_attrs(units="bar")
    other["dt"] = (cells["dt"] * 1e6).assign_attrs(units="us")
    other["mass_fraction"] = (cells["mass_fraction"] * 100).assign_attrs(units="%")
    assert_same(trained()(other), trained()(cells), rtol=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda ds: ds.isel(species=[0, 1, 2]), MechanismError, ("missing", "'N2'")),
        (lambda ds: ds.isel(species=[0, 1, 2, 3, 0]), MechanismError, ("twice", "'H2'")),
        (lambda ds: ds.assign_coords(species=["H2", "O2", "H2O", "AR"]), MechanismError, ("'AR'",)),
        (lambda ds: ds.drop_vars("species").isel(species=[0, 1]), (DomainError), ("adds up",)),
        (lambda ds: ds.drop_vars("mass_fraction"), SchemaError, ("mass_fraction", "missing")),
        (lambda ds: ds.rename(species="gas"), SchemaError, ("mass_fraction", "species")),
        (lambda ds: ds.assign(mass_fraction=ds["mass_fraction"] * 1.01), DomainError, ("1.01",)),
        (lambda ds: ds.assign(mass_fraction=ds["mass_fraction"].drop_attrs()), UnitsError, ("mass_fraction",)),
        (lambda ds: ds.assign(mass_fraction=ds["mass_fraction"].assign_attrs(units="mol")), UnitsError, ("'mol'",)),
        (lambda ds: ds.assign_attrs(mechanism_fingerprint="c" * 64), MechanismError, ("cccccccccccc", "fingerprint")),
    ],
    ids=["short", "long", "renamed", "unnamed", "none", "dimension", "sum", "no units", "moles", "mechanism"],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(cells, change, error, words):
    assert_refused(error, lambda: trained()(change(cells)), *words)


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 8000.0), ("temperature", -1.0), ("temperature", math.nan), ("pressure", 1e9), ("pressure", 1.0),
     ("pressure", math.nan), ("dt", 1.0), ("dt", 1e-12), ("dt", -1e-6), ("dt", math.nan)],
)  # fmt: skip
def test_what_lies_outside_is_flagged_and_the_others_are_answered(cells, name, value):
    expected = trained()(cells)
    cells[name][7] = value
    found = trained()(cells)
    assert not found["in_domain"][7]
    others = np.arange(40) != 7
    assert_same(found.isel(sample=others), expected.isel(sample=others), rtol=1e-5)
    assert_refused(DomainError, lambda: trained()(cells, outside="raise"), "outside the domain")


@pytest.mark.parametrize("row", [[-0.1, 0.2, 0.1, 0.8], [math.nan, 0.2, 0.1, 0.7]], ids=["negative", "nan"])
def test_a_composition_that_cannot_be_is_flagged(cells, row):
    cells["mass_fraction"][7] = row
    assert not trained()(cells)["in_domain"][7]


def test_negative_fractions_are_no_training_data():
    spoiled = parts().train.copy(deep=True)
    spoiled["mass_fraction"][7] = [-0.1, 0.2, 0.1, 0.8]
    family = trained().family
    assert_refused(DomainError, lambda: geodl.fit(family, spoiled, parts().valid, show=False), "mass_fraction", "-0.1")


def test_the_diagnostics_say_what_is_out_of_domain(cells):
    surrogate = dataclasses.replace(trained("float64"))
    correction = surrogate(cells)["correction"]
    kept = surrogate.core.network.largest_correction.clone()
    surrogate.core.network.largest_correction.fill_(float(correction.median()))
    found = surrogate(cells)
    surrogate.core.network.largest_correction.copy_(kept)
    unsure = correction > float(correction.median())
    assert (found["status"].values[unsure.values] == OUT_OF_DOMAIN).all()
    assert not found["in_domain"].values[unsure.values].any()


def test_a_surrogate_is_measured_beside_what_stays_and_what_is_linear():
    scores = evaluate(trained(), parts().test)
    assert {"unchanged", "linear"} <= set(scores["model"].values.tolist())


def test_bundles_keep_the_mechanism_itself(tmp_path, mechanism):
    trained().save(tmp_path / "flame.safetensors")
    again = geodl.load(tmp_path / "flame.safetensors")
    assert Mechanism.from_record(again.family.options["mechanism"]) == mechanism
    assert json.loads(json.dumps(again.family.options)) == again.family.options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"constant": "density"}, ("constant", "density")),
        ({"members": 0}, ("members", "0")),
        ({"hidden": (0,)}, ("hidden",)),
        ({"frozen_below": -1.0}, ("frozen_below", "-1")),
        ({"rollout": 0}, ("rollout",)),
        ({"rolled": 1.5}, ("rolled",)),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_make_no_sense_are_refused(options, words):
    assert_refused(OptionError, lambda: geodl.family("chemistry", **options), *words)


def test_a_mechanism_that_is_not_there_needs_cantera_or_is_refused(monkeypatch):
    assert_refused(OptionError, lambda: geodl.family("chemistry", mechanism="h3o3.yaml"), "h3o3.yaml", "h2o2.yaml")
    monkeypatch.setitem(sys.modules, "cantera", None)
    call = lambda: geodl.family("chemistry", mechanism="h2o2.yaml")  # noqa: E731
    assert_refused(MissingPackageError, call, "pip install 'geodl[chemistry]'")


def test_a_mechanism_by_name_gives_its_species():
    pytest.importorskip("cantera")
    family = geodl.family("chemistry", mechanism="h2o2.yaml")
    assert family.schema.axis("species").labels[-2:] == ("AR", "N2")
    assert family.options["mechanism"]["inert"] == ["AR", "N2"]
