"""Conserved families: closed forms, the left null space, and whole numbers without signs."""

import numpy as np

from geodl.chemistry.atmosphere.null_space import conserved_families, family_matrix

CHAPMAN = (
    {"O2": -1, "O": 2},
    {"O": -1, "O2": -1, "O3": 1},
    {"O3": -1, "O": 1, "O2": 1},
    {"O3": -1, "O1D": 1, "O2": 1},
    {"O": -1, "O3": -1, "O2": 2},
)


def test_the_chapman_cycle_conserves_atoms_of_oxygen():
    assert conserved_families(["O", "O1D", "O2", "O3"], CHAPMAN) == {"O": {"O": 1, "O1D": 1, "O2": 2, "O3": 3}}


def test_no_family_counts_on_what_is_given():
    assert conserved_families(["O", "O1D", "O3"], CHAPMAN) == {}


def test_no_reaction_changes_a_family():
    rng = np.random.default_rng(0)
    species = [f"S{i}" for i in range(12)]
    atoms = rng.integers(0, 4, (3, 12))  # three elements
    reactions = [_balanced(rng, atoms) for _ in range(30)]
    changes = [dict(zip(species, map(float, column), strict=True)) for column in reactions]
    families = conserved_families(species, changes)
    matrix = family_matrix(species, families)
    assert len(families) == 12 - np.linalg.matrix_rank(np.array(reactions)) == np.linalg.matrix_rank(matrix) == 3
    np.testing.assert_array_equal(matrix @ np.array(reactions).T, 0)
    assert np.linalg.matrix_rank(np.vstack([matrix, atoms])) == 3  # they span the elements


def _balanced(rng, atoms):
    """Whole moles of four species that leave all atoms where they are: a vector of signed minors."""
    chosen = rng.choice(12, 4, replace=False)
    minors = [round(np.linalg.det(np.delete(atoms[:, chosen], i, 1))) * (-1) ** i for i in range(4)]
    column = np.zeros(12)
    column[chosen] = minors
    return column


def test_decimal_yields_are_meant_as_they_are_written():
    changes = [{"PNA": -1, "NO2": 0.61, "NO3": 0.39}, {"NO2": -0.1, "NO3": 0.1}]
    assert conserved_families(["NO2", "NO3", "PNA"], changes) == {"NO2": {"NO2": 1, "NO3": 1, "PNA": 1}}


def test_families_have_no_signs_where_that_is_possible():
    changes = [{"A": -1, "B": -1, "C": 1}]
    assert sorted(conserved_families(["A", "B", "C"], changes).values(), key=str) == [
        {"A": 1, "C": 1},
        {"B": 1, "C": 1},
    ]


def test_where_signs_must_be_they_stay():
    assert conserved_families(["A", "B"], [{"A": 1, "B": 1}]) == {"A": {"A": -1, "B": 1}}


def test_a_species_that_takes_no_part_is_a_family_of_its_own():
    assert conserved_families(["A", "B", "AR"], [{"A": -1, "B": 2}]) == {"A": {"A": 2, "B": 1}, "AR": {"AR": 1}}


def test_without_families_the_matrix_has_no_rows():
    assert family_matrix(["A", "B"], {}).shape == (0, 2)
