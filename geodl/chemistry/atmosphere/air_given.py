"""What users give to surrogates of air: amounts as they have them, species in their order, one mechanism."""

import numpy as np
import xarray as xr

from geodl.chemistry.atmosphere.air_features import GAS_CONSTANT
from geodl.chemistry.atmosphere.mechanism import LumpedMechanism
from geodl.core import units
from geodl.errors import MechanismError, SchemaError, UnitsError

SHARES = "mole_fraction"


def completed_air(ds: xr.Dataset, mechanism: LumpedMechanism) -> xr.Dataset:
    """Concentrations in the order of the mechanism, made of mole fractions where those are given; no emission is none.

    Molecules per volume are concentrations in other units, which the schema converts where the units say so.

    Raises:
        MechanismError: the data are of another mechanism, or a species is missing, unknown or given twice.
        SchemaError, UnitsError: mole fractions without what turns them into concentrations, or in units that are none.
    """
    require_same_air(mechanism, str(ds.attrs.get("mechanism_fingerprint", mechanism.fingerprint)))
    if "species" in ds.coords:
        names = [str(name) for name in ds["species"].values]
        ds = ds if tuple(names) == mechanism.species else ds.isel(species=mechanism.order(names))
    if "concentration" not in ds.variables and SHARES in ds.variables:
        ds = ds.assign(concentration=_counted(ds))
    if "emission" not in ds.variables and "concentration" in ds.variables:
        none = xr.zeros_like(ds["concentration"], dtype=np.float64)
        ds = ds.assign(emission=none.assign_attrs(units="mol m-3 s-1", long_name="no emission"))
    return ds


def require_same_air(mechanism: LumpedMechanism, fingerprint: str) -> None:
    """Refuse another mechanism.

    Raises:
        MechanismError: the fingerprints differ.
    """
    if fingerprint != mechanism.fingerprint:
        raise MechanismError(
            f"this is of a mechanism with the fingerprint {fingerprint[:12]}, the surrogate was made for "
            f"{mechanism.name} with {mechanism.fingerprint[:12]}: species or reactions differ. Use the surrogate that "
            f"was made for yours, or allow_mechanism_mismatch=True if you know why."
        )


def _counted(ds: xr.Dataset) -> xr.DataArray:
    """x p / (R T)."""
    missing = [name for name in ("temperature", "pressure") if name not in ds.variables]
    if missing:
        raise SchemaError(f"mole fractions need '{missing[0]}' to become concentrations, which is missing")
    shares, temperature, pressure = (
        _converted(ds[name], unit) for name, unit in ((SHARES, "1"), ("temperature", "K"), ("pressure", "Pa"))
    )
    moles = shares * (pressure / (GAS_CONSTANT * temperature))
    return moles.transpose(*ds[SHARES].dims).assign_attrs(units="mol m-3", long_name="concentration")


def _converted(array: xr.DataArray, wanted: str) -> xr.DataArray:
    if "units" not in array.attrs:
        raise UnitsError(f"'{array.name}' has no units, expected {wanted!r} or what converts to it")
    scale, offset = units.affine(str(array.attrs["units"]), wanted)
    return array * scale + offset
