"""States beside a trajectory: a surrogate that only saw the manifold cannot find back to it."""

import numpy as np
from jaxtyping import Float

TEMPERATURE = 30.0  # K, standard deviation
COMPOSITION = 0.3  # of the logarithm of each mass fraction
COLDEST = 250.0  # K


def perturb(
    rng: np.random.Generator,
    temperature: Float[np.ndarray, "sample"],
    mass_fraction: Float[np.ndarray, "sample species"],
    elements: Float[np.ndarray, "element species"],
) -> tuple[Float[np.ndarray, "sample"], Float[np.ndarray, "sample species"]]:
    """Random factors for all mass fractions, corrected so that every element is kept, and random shifts in K.

    Source: Zhang et al. 2022, Combust. Flame 245, 112319, for why; the correction is that of `onto_elements`.
    """
    factors = np.exp(rng.normal(0, COMPOSITION, mass_fraction.shape))
    moved = onto_elements(mass_fraction * factors, mass_fraction @ elements.T, elements)
    return np.maximum(temperature + rng.normal(0, TEMPERATURE, len(temperature)), COLDEST), moved


def onto_elements(
    mass_fraction: Float[np.ndarray, "sample species"],
    content: Float[np.ndarray, "sample element"],
    elements: Float[np.ndarray, "element species"],
    sweeps: int = 6,
) -> Float[np.ndarray, "sample species"]:
    """The nearest composition, weighted with 1/Y, that has a given content of elements (kmol/kg) and stays positive."""
    for _ in range(sweeps):
        gram = np.einsum("ek,nk,fk->nef", elements, mass_fraction, elements)
        diagonal = np.einsum("nee->ne", gram)
        scale = np.where(diagonal > 0, 1 / np.sqrt(np.maximum(diagonal, 1e-300)), 0)
        matrix = scale[:, :, None] * gram * scale[:, None, :] + 1e-14 * np.eye(len(elements))
        missing = scale * (content - mass_fraction @ elements.T)
        multipliers = scale * np.linalg.solve(matrix, missing[..., None])[..., 0]
        mass_fraction = mass_fraction * np.maximum(1 + multipliers @ elements, 0.1)
    return mass_fraction
