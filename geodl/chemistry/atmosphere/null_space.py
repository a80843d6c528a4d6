"""Conserved families of a lumped mechanism: the left null space of its stoichiometric matrix, in whole numbers."""

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

import numpy as np
from jaxtyping import Int

Row = dict[int, Fraction]  # position: value, what is zero left out


def conserved_families(species: Sequence[str], changes: Iterable[Mapping[str, float]]) -> dict[str, dict[str, int]]:
    """Weighted sums of species that no reaction changes: L N = 0, rows independent and without signs where possible.

    Args:
        species: names; those that a user gives at every step (M, O2, H2O) are left out, so that no family counts on
            them.
        changes: for every reaction, moles made (or, negative, used) of each species; names that are not in ``species``
            are ignored. Emission, loss and deposition are no reactions here.
    Returns:
        Coefficients, without common factors, by species, for each family, named after the shortest member
        that no other is named after.
    Source: conservation laws as left null vectors of the stoichiometric matrix (Schuster & Höfer 1991, J. Chem. Soc.
        Faraday Trans. 87, 2561); non-negative ones by the double description of a cone (Motzkin et al. 1953).
    """
    position = {name: i for i, name in enumerate(species)}
    columns = [_column(change, position) for change in changes]
    basis = _null_space([column for column in columns if column], len(species))
    families: dict[str, dict[str, int]] = {}
    for row in _without_signs(basis):
        members = {species[i]: int(value) for i, value in enumerate(row) if value}
        free = [name for name in members if name not in families]
        families[min(free or ["+".join(members)], key=lambda name: (len(name), name))] = members
    return families


def family_matrix(
    species: Sequence[str], families: Mapping[str, Mapping[str, int]]
) -> Int[np.ndarray, "family species"]:
    """L: coefficients [family, species]."""
    return np.array([[members.get(name, 0) for name in species] for members in families.values()], np.int64).reshape(
        len(families), len(species)
    )


def _column(change: Mapping[str, float], position: Mapping[str, int]) -> Row:
    """Decimals as they are written: 0.61 is 61/100."""
    exact = {position[name]: Fraction(repr(float(value))) for name, value in change.items() if name in position}
    return {i: value for i, value in exact.items() if value}


def _null_space(equations: list[Row], unknowns: int) -> list[list[Fraction]]:
    """A basis of the vectors x with sum_i a_i x_i = 0 for all equations a, by rational elimination."""
    pivots: dict[int, Row] = {}
    for equation in sorted(equations, key=len):
        row = _reduced(dict(equation), pivots)
        if row:
            pivot = min(row)
            row = {i: value / row[pivot] for i, value in row.items()}
            pivots = {i: _minus(other, row, other.get(pivot)) for i, other in pivots.items()}
            pivots[pivot] = row
    free = [i for i in range(unknowns) if i not in pivots]
    return [[_entry(i, j, pivots) for i in range(unknowns)] for j in free]


def _entry(i: int, free: int, pivots: Mapping[int, Row]) -> Fraction:
    if i in pivots:
        return -pivots[i].get(free, Fraction(0))
    return Fraction(int(i == free))


def _reduced(row: Row, pivots: Mapping[int, Row]) -> Row:
    for i in [i for i in row if i in pivots]:
        row = _minus(row, pivots[i], row.get(i))
    return row


def _minus(row: Row, other: Row, factor: Fraction | None) -> Row:
    if not factor:
        return row
    sums = {i: row.get(i, Fraction(0)) - factor * other.get(i, Fraction(0)) for i in {*row, *other}}
    return {i: value for i, value in sums.items() if value}


def _without_signs(basis: list[list[Fraction]]) -> list[list[int]]:
    """Independent rows that span the same space, the shortest of the extreme rays of its positive part first."""
    rows = [_whole(row) for row in [*sorted(_rays(basis), key=_support), *basis]]
    kept: list[list[int]] = []
    for row in rows:
        if np.linalg.matrix_rank(np.array([*kept, row], dtype=float)) > len(kept):
            kept.append(row)
    return kept


def _rays(basis: list[list[Fraction]]) -> list[list[Fraction]]:
    """Extreme rays of the non-negative vectors of a space.

    Every row of the basis has an unknown of its own, so a non-negative vector is a sum of rows with non-negative
    weights: begin with the rows, and make one entry after the other non-negative.
    """
    rays = list(basis)
    for i in range(len(basis[0]) if basis else 0):
        good, bad = [ray for ray in rays if ray[i] >= 0], [ray for ray in rays if ray[i] < 0]
        made = [_combined(up, down, i) for up in good if up[i] for down in bad]
        rays = _minimal([*good, *made])
    return rays


def _combined(up: list[Fraction], down: list[Fraction], i: int) -> list[Fraction]:
    return [up[i] * b - down[i] * a for a, b in zip(up, down, strict=True)]


def _minimal(rays: list[list[Fraction]]) -> list[list[Fraction]]:
    """Rays whose support holds that of no other."""
    by_support = {frozenset(i for i, value in enumerate(ray) if value): ray for ray in rays}
    return [ray for support, ray in by_support.items() if not any(other < support for other in by_support)]


def _support(row: Sequence[Fraction]) -> int:
    return sum(value != 0 for value in row)


def _whole(row: Sequence[Fraction]) -> list[int]:
    scale = math.lcm(*(value.denominator for value in row))
    numbers = [int(value * scale) for value in row]
    common = math.gcd(*numbers) or 1
    return [number // common for number in numbers]
