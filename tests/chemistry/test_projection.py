"""The projection onto the elements: exact, positive, nearest, and harmless where nothing is to be done."""

import numpy as np
import pytest
import torch

from geodl.chemistry.surrogate.projection import SMALLEST_FACTOR, Projection, solve
from tests.chemistry.surrogates import oxyhydrogen

MATRIX = oxyhydrogen().element_matrix
REACTING, COUNT = MATRIX[:2, :8], 8
PROJECT = Projection(REACTING)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def compositions(cells: int, spread: float, seed: int = 0, absent: float = 0.0) -> torch.Tensor:
    """[species, cell], from even (a spread of 0) to traces of 1e-300 (300), of which a share is absent."""
    y = (spread * normal(COUNT, cells, seed=seed)).exp().clamp(max=1e300)
    y = y * (torch.rand(COUNT, cells, generator=torch.Generator().manual_seed(seed)) >= absent)
    y[0] += y.sum(0) == 0
    return y / y.amax(0) / (y / y.amax(0)).sum(0)


def lost(after: torch.Tensor, before: torch.Tensor, matrix: np.ndarray = REACTING) -> float:
    """Largest change of an element, as a share of its amount in the cell; amounts below 1e-290 count as none."""
    rows = torch.from_numpy(matrix)
    amounts = rows @ before
    return float(((rows @ (after - before)).abs() / amounts.clamp(min=1e-290)).max())


@pytest.mark.parametrize(("error", "limited"), [(0.01, 0.0), (0.1, 0.0), (0.5, 0.0), (1.5, 1e-3)], ids=str)
def test_elements_are_exact_and_fractions_positive(error, limited):
    before = compositions(20_000, 1.0)
    found = PROJECT(before * (error * normal(COUNT, 20_000, seed=1)).exp(), before)
    assert lost(found.composition, before) <= 1e-14
    assert bool((found.composition > 0).all())
    assert found.limited.double().mean() <= limited


@pytest.mark.parametrize("spread", [1.0, 10.0, 100.0, 300.0])
@pytest.mark.parametrize("absent", [0.0, 0.5])
@pytest.mark.parametrize("raw", ["noisy", "mad", "unrelated", "nothing", "huge", "tiny"])
def test_no_raw_composition_breaks_the_elements(spread, absent, raw):
    before = compositions(2000, spread, absent=absent)
    given = {
        "noisy": before * normal(COUNT, 2000, seed=2).exp(),
        "mad": before * (100 * normal(COUNT, 2000, seed=2)).exp(),
        "unrelated": compositions(2000, 100.0, seed=3),
        "nothing": torch.zeros_like(before),
        "huge": torch.full_like(before, 1e15),
        "tiny": torch.full_like(before, 1e-300),
    }[raw]
    found = PROJECT(given, before)
    assert lost(found.composition, before) <= 2e-14
    assert bool((found.composition >= 0).all())


def test_what_is_right_already_is_left_bit_for_bit():
    for spread, absent in ((0.0, 0.0), (3.0, 0.5), (300.0, 0.5)):
        before = compositions(5000, spread, absent=absent)
        found = PROJECT(before.clone(), before)
        assert torch.equal(found.composition, before)
        assert not bool(found.limited.any())
        assert found.correction.max() == 0


def test_a_second_projection_changes_nothing():
    before = compositions(2000, 1.0)
    once = PROJECT(before * (0.3 * normal(COUNT, 2000, seed=1)).exp(), before).composition
    torch.testing.assert_close(PROJECT(once, before).composition, once, rtol=1e-14, atol=0)


def test_one_invariant_is_a_common_factor():
    """Of the sum of all, for which the nearest composition is known: y* / sum y*."""
    before, raw = compositions(500, 1.0), compositions(500, 1.0, seed=1) * 1.3
    found = Projection(np.ones((1, COUNT)))(raw, before)
    torch.testing.assert_close(found.composition, raw / raw.sum(0), rtol=1e-14, atol=0)
    torch.testing.assert_close(found.correction, torch.full((500,), 1 - 1 / 1.3, dtype=torch.float64))


def test_the_result_is_the_nearest_composition_in_the_metric_of_the_raw_one():
    """Stationary: relative changes are combinations of the rows of the invariants."""
    before = compositions(300, 1.0)
    raw = before * (0.1 * normal(COUNT, 300, seed=1)).exp()
    change = PROJECT(raw, before).composition / raw - 1
    rows = torch.from_numpy(REACTING.copy()).T
    combined = rows @ torch.linalg.lstsq(rows, change).solution
    torch.testing.assert_close(combined, change, rtol=0, atol=1e-13)
    torch.testing.assert_close(PROJECT(raw, before).correction, change.abs().amax(0), rtol=1e-12, atol=1e-15)


def test_absent_species_stay_absent_unless_the_raw_composition_has_them():
    before = compositions(1000, 1.0, absent=0.5)
    found = PROJECT(before * (0.1 * normal(COUNT, 1000, seed=1)).exp(), before)
    assert bool((found.composition[before == 0] == 0).all())


def test_nothing_forms_of_an_absent_element():
    before = torch.zeros(COUNT, 1, dtype=torch.float64)
    before[[2, 3], 0] = torch.tensor([0.1, 0.9], dtype=torch.float64)  # O and O2
    found = PROJECT(torch.full_like(before, 0.125), before)
    assert bool((found.composition[[0, 1, 4, 5, 6, 7]] == 0).all())
    assert lost(found.composition[[2, 3]], before[[2, 3]], REACTING[:, [2, 3]]) <= 1e-15
    assert not bool(found.limited)


def test_a_cell_of_one_species_can_become_another():
    before = torch.zeros(COUNT, 1, dtype=torch.float64)
    before[5] = 1.0  # H2O
    raw = torch.tensor([0.1, 0, 0, 0.8, 0, 0.1, 0, 0], dtype=torch.float64)[:, None]
    found = PROJECT(raw, before)
    assert lost(found.composition, before) <= 1e-15
    assert found.composition[[0, 3]].min() > 0.01


def test_what_cannot_be_corrected_is_flagged_and_exact():
    """All hydrogen is gone from the raw composition: no factor brings it back."""
    before = compositions(3, 0.5)
    raw = before.clone()
    raw[[0, 1, 4, 5, 6, 7], 1] = 0
    found = PROJECT(raw, before)
    assert found.limited.tolist() == [False, True, False]
    assert torch.equal(found.composition, before)


def test_ions_form_from_neutral_gas():
    """The row of the charge has both signs, and zero in sum: not absent."""
    rows = np.array([[1.0, 1.0, 0.0], [0.0, -1.0, 1.0]])  # A, A+ and e-: atoms, and electrons
    before = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)
    found = Projection(rows)(torch.tensor([[0.9], [0.1], [0.05]], dtype=torch.float64), before).composition
    assert lost(found, before, rows[:1]) <= 1e-15
    assert found[1] == pytest.approx(float(found[2]), rel=1e-14)
    assert found[1] > 0.05


def test_an_invariant_that_follows_from_others_is_harmless():
    before = compositions(2000, 1.0)
    raw = before * (0.3 * normal(COUNT, 2000, seed=1)).exp()
    more = np.vstack([REACTING, REACTING.sum(0), np.zeros(COUNT)])
    found = Projection(more)(raw, before)
    assert lost(found.composition, before) <= 1e-14
    torch.testing.assert_close(found.composition, PROJECT(raw, before).composition, rtol=1e-6, atol=0)


def test_every_cell_is_by_itself():
    before = compositions(64, 3.0, absent=0.3)
    raw = before * normal(COUNT, 64, seed=1).exp()
    together, order = PROJECT(raw, before).composition, torch.randperm(64)
    turned = PROJECT(raw[:, order], before[:, order]).composition
    torch.testing.assert_close(turned, together[:, order], rtol=1e-13, atol=0)
    alone = torch.cat([PROJECT(raw[:, i : i + 1], before[:, i : i + 1]).composition for i in range(64)], 1)
    torch.testing.assert_close(alone, together, rtol=1e-13, atol=0)
    raw[0, 3] = torch.nan
    spoiled = PROJECT(raw, before).composition
    assert spoiled.isnan().any(0).nonzero().flatten().tolist() == [3]
    torch.testing.assert_close(spoiled[:, 4:], together[:, 4:], rtol=1e-13, atol=0)


@pytest.mark.parametrize("error", [0.1, 3.0], ids=["one sweep", "several"])
def test_gradients_are_those_of_finite_differences(error):
    before = compositions(6, 0.5).requires_grad_()
    raw = (before.detach() * (error * normal(COUNT, 6, seed=4)).exp()).requires_grad_()
    change = PROJECT._relative_change(raw.detach(), PROJECT.amounts(before - raw).detach())
    assert bool((change < SMALLEST_FACTOR - 1).any()) == (error > 1)
    assert torch.autograd.gradcheck(lambda *given: PROJECT(*given).composition, (raw, before), eps=1e-7, rtol=1e-4)


def amounts_of(y: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(REACTING) @ y


def test_elements_that_are_settled_survive_any_number_of_roundings():
    start = PROJECT.settled(compositions(5000, 1.0).float().double(), torch.float32)
    y, rough = start, start
    for step in range(100):
        noise = 0.1 * normal(COUNT, 5000, seed=step)
        y = PROJECT.settled(PROJECT(y * noise.exp(), y).composition.float().double(), torch.float32)
        rough = PROJECT(rough * noise.exp(), rough).composition.float().double()
    torch.testing.assert_close(amounts_of(y), amounts_of(start), rtol=1e-13, atol=0)
    drift = (amounts_of(rough) / amounts_of(start) - 1).abs()
    assert drift.max() > 2e-7  # what rounding does when nobody settles


def test_settling_moves_elements_by_no_more_than_rounding_might():
    before = compositions(5000, 3.0).float().double()
    found = PROJECT.settled(before, torch.float32)
    assert ((amounts_of(found) / amounts_of(before) - 1).abs() <= 2**-22).all()
    torch.testing.assert_close(found, before, rtol=1e-3, atol=0)
    torch.testing.assert_close(PROJECT.settled(found, torch.float32), found, rtol=1e-12, atol=0)


def test_what_settling_would_change_too_much_is_left_as_it_is():
    """Water with a trace of OH, whose elements come together but for the trace."""
    before = torch.zeros(COUNT, 2, dtype=torch.float64)
    before[5], before[4] = 0.3, torch.tensor([1e-9, 1e-3])
    found = PROJECT.settled(before.float().double(), torch.float32)
    assert torch.equal(found[:, 0], before[:, 0].float().double())
    assert not torch.equal(found[:, 1], before[:, 1].float().double())


def test_single_precision_weights_leave_the_invariants_alone():
    before = compositions(100, 1.0)
    narrow = Projection(REACTING).float()
    assert lost(narrow(before * 1.01, before).composition, before) <= 1e-15


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_the_small_systems_are_solved(rows):
    factor = normal(40, rows, rows)
    matrix, right = factor @ factor.mT + torch.eye(rows), normal(40, rows, seed=1)
    row, column = torch.tril_indices(rows, rows)
    gram = matrix[:, row, column].T.contiguous()
    torch.testing.assert_close(solve(gram, right.T).T, torch.linalg.solve(matrix, right), rtol=1e-9, atol=1e-9)
    few = gram[:, :4].clone().requires_grad_(), right.T[:, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(solve, few)
    assert torch.autograd.gradgradcheck(solve, few)
