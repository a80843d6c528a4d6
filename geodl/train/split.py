"""Training, validation and test parts that never share a group."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import xarray as xr

from geodl.errors import SplitError, did_you_mean


@dataclasses.dataclass(frozen=True)
class Split:
    """Three parts of a Dataset and the groups that went into each."""

    train: xr.Dataset
    valid: xr.Dataset
    test: xr.Dataset
    groups: tuple[tuple[object, ...], tuple[object, ...], tuple[object, ...]]


def split(
    ds: xr.Dataset,
    by: str,
    *,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 0,
    shuffle: bool = True,
) -> Split:
    """Divide whole groups, so that nothing of a test flow, trajectory or case was seen in training.

    Args:
        by: a dimension or a one-dimensional coordinate; entries with equal values form a group.
        fractions: shares of train, validation and test, which sum to one.
        shuffle: seeded shuffle of the groups; with False they are taken in order, as one does with a single long
            series (``split(ds, by="time", shuffle=False)``): first part train, last part test.

    Raises:
        SplitError: no such dimension, bad fractions, or fewer groups than parts.
    """
    labels = _labels(ds, by)
    groups, member = np.unique(labels.values, return_inverse=True)
    sizes = _sizes(len(groups), fractions, by)
    order = np.random.default_rng(seed).permutation(len(groups)) if shuffle else np.arange(len(groups))
    parts = np.split(order, np.cumsum(sizes)[:-1])
    dim = labels.dims[0]
    train, valid, test = (ds.isel({dim: np.flatnonzero(np.isin(member, part))}) for part in parts)
    names = [tuple(groups[np.sort(part)].tolist()) for part in parts]
    return Split(train, valid, test, (names[0], names[1], names[2]))


def _labels(ds: xr.Dataset, by: str) -> xr.DataArray:
    if by not in ds.variables and by not in ds.dims:
        known = {*map(str, ds.coords), *map(str, ds.dims)}
        raise SplitError(f"there is no dimension or coordinate '{by}' to split by. {did_you_mean(by, known)}")
    labels = ds[by] if by in ds.variables else xr.DataArray(np.arange(ds.sizes[by]), dims=by)
    if labels.ndim != 1:
        raise SplitError(f"'{by}' has {labels.ndim} dimensions, expected one value per sample or group")
    return labels


def _sizes(groups: int, fractions: Sequence[float], by: str) -> list[int]:
    if len(fractions) != 3 or not (min(fractions) > 0 and abs(sum(fractions) - 1) <= 1e-9):
        raise SplitError(
            f"fractions are {tuple(fractions)}, expected three positive numbers that sum to one, "
            f"such as (0.7, 0.15, 0.15)"
        )
    if groups < 3:
        raise SplitError(f"'{by}' has {groups} groups, at least 3 are needed: one each to train, choose and test")
    sizes = [max(1, round(groups * fraction)) for fraction in fractions[1:]]
    if sum(sizes) >= groups:
        raise SplitError(f"fractions {tuple(fractions)} leave none of the {groups} groups of '{by}' to train on")
    return [groups - sum(sizes), *sizes]
