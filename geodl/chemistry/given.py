"""What users give to surrogates of chemistry: amounts as they have them, species in their order, one mechanism."""

import numpy as np
import xarray as xr

from geodl.chemistry.mechanism.mechanism import Mechanism
from geodl.chemistry.mechanism.read import require_same
from geodl.chemistry.state import SUM_TOLERANCE
from geodl.core import units
from geodl.errors import DomainError, SchemaError, UnitsError

AMOUNTS = {"mole_fraction": "1", "concentration": "kmol m-3"}  # and the units that they are weighed in


def completed(ds: xr.Dataset, mechanism: Mechanism) -> xr.Dataset:
    """Mass fractions in the order of the mechanism, made of mole fractions or concentrations where those are given.

    Raises:
        MechanismError: the data are of another mechanism, or a species is missing, unknown or given twice.
        DomainError: fractions that do not add up to one.
        UnitsError: amounts in units that are none.
    """
    if "mechanism_fingerprint" in ds.attrs:
        require_same(mechanism, str(ds.attrs["mechanism_fingerprint"]))
    ds = _ordered(ds, mechanism)
    amounts = [name for name in AMOUNTS if name in ds.variables]
    if "mass_fraction" not in ds.variables and amounts:
        ds = ds.assign(mass_fraction=_weighed(ds[amounts[0]], AMOUNTS[amounts[0]], mechanism))
    if "mass_fraction" in ds.variables and "species" in ds["mass_fraction"].dims:
        _require_sums(ds["mass_fraction"])
    return ds


def _ordered(ds: xr.Dataset, mechanism: Mechanism) -> xr.Dataset:
    """By name where species have names; without names the number must be right, which the schema checks."""
    if "species" not in ds.coords:
        return ds
    names = [str(name) for name in ds["species"].values]
    return ds if tuple(names) == mechanism.species else ds.isel(species=mechanism.order(names))


def _weighed(amounts: xr.DataArray, unit: str, mechanism: Mechanism) -> xr.DataArray:
    if "species" not in amounts.dims or amounts.sizes["species"] != len(mechanism.species):
        raise SchemaError(
            f"'{amounts.name}' has the sizes {dict(amounts.sizes)}, expected {len(mechanism.species)} along 'species': "
            f"{', '.join(mechanism.species)}"
        )
    if unit == "1":
        _require_sums(amounts)
    _factor(amounts, unit)  # refuses what is no amount; the factor itself leaves fractions alone
    masses = amounts * xr.DataArray(mechanism.weights, dims="species")
    return (masses / masses.sum("species", skipna=False)).assign_attrs(units="1", long_name="mass fraction")


def _factor(array: xr.DataArray, unit: str) -> float:
    if "units" not in array.attrs:
        raise UnitsError(f"'{array.name}' has no units, expected {unit!r} or what converts to it")
    try:
        return units.affine(str(array.attrs["units"]), unit)[0]
    except UnitsError as error:
        raise UnitsError(f"'{array.name}': {error}") from error


def _require_sums(fractions: xr.DataArray) -> None:
    """NaN passes: the guard flags it."""
    sums = fractions.sum("species", skipna=False).values * _factor(fractions, "1")
    error = abs(sums - 1)
    if np.any(error > SUM_TOLERANCE):
        worst = np.unravel_index(int(np.nanargmax(error)), error.shape)
        raise DomainError(
            f"'{fractions.name}' adds up to {float(sums[worst]):.6g} in cell {tuple(map(int, worst))}, expected 1 to "
            f"{SUM_TOLERANCE:g} over all species. Amounts in moles belong into 'mole_fraction' or 'concentration', "
            f"with units: they are converted."
        )
