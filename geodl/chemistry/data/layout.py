"""The layout of labelled states in a file: names, dimensions, units and words."""

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr

from geodl.chemistry.mechanism.mechanism import Mechanism

_VARIABLES = {
    "temperature": ("K", "temperature"),
    "pressure": ("Pa", "pressure"),
    "mass_fraction": ("1", "mass fraction"),
    "dt": ("s", "time step"),
    "temperature_end": ("K", "temperature after the time step"),
    "pressure_end": ("Pa", "pressure after the time step"),
    "mass_fraction_end": ("1", "mass fraction after the time step"),
}
_LABELS = {
    "trajectory": ("", "number of the reactor or flame that the state is from; states that belong together"),
    "kind": ("", "where the state is from: ignition, extinction or flame"),
    "perturbed": ("", "whether the state was moved off its trajectory at random"),
    "initial_temperature": ("K", "of the reactor at its start, or of the unburnt gas"),
    "equivalence_ratio": ("1", "equivalence ratio of the mixture"),
}


def reaction_dataset(values: Mapping[str, np.ndarray], mechanism: Mechanism) -> xr.Dataset:
    """Labelled states as a CF Dataset in double precision, with the record of the mechanism that they are of.

    Args:
        values: numbers [sample], and mass fractions [sample, species] in the order of the mechanism.
    """
    variables = {name: _variable(values[name], *words) for name, words in _VARIABLES.items() if name in values}
    coords = {name: _variable(values[name], *words) for name, words in _LABELS.items() if name in values}
    coords["species"] = xr.Variable("species", np.array(mechanism.species), {"long_name": "name of the species"})
    attrs = {
        "Conventions": "CF-1.11",
        "mechanism": mechanism.name,
        "mechanism_fingerprint": mechanism.fingerprint,
        "mechanism_record": json.dumps(mechanism.to_record()),
    }
    return xr.Dataset(variables, coords, attrs)


def _variable(array: np.ndarray, units: str, about: str) -> xr.Variable:
    dims = ("sample", "species")[: array.ndim]
    return xr.Variable(dims, array, {**({"units": units} if units else {}), "long_name": about})
