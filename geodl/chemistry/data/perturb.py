"""States beside a trajectory: a surrogate that only saw the manifold cannot find back to it."""

import numpy as np
import torch
from jaxtyping import Float

from geodl.chemistry.surrogate.projection import Projection

TEMPERATURE = 50.0  # K, standard deviation of the largest perturbations
COMPOSITION = 0.5  # of the logarithm of each mass fraction
NEAREST = 0.02  # of these, the smallest: a roll-out strays by little
COLDEST = 250.0  # K


def perturb(
    rng: np.random.Generator,
    temperature: Float[np.ndarray, "sample"],
    mass_fraction: Float[np.ndarray, "sample species"],
    elements: Float[np.ndarray, "element species"],
) -> tuple[Float[np.ndarray, "sample"], Float[np.ndarray, "sample species"]]:
    """Random factors for all mass fractions, corrected so that every element is kept, and random shifts in K.

    How far a state is moved is random too, evenly in the logarithm.

    Source: Zhang et al. 2022, Combust. Flame 245, 112319, for why.
    """
    size = NEAREST ** rng.uniform(size=len(temperature))
    factors = np.exp(COMPOSITION * size[:, None] * rng.normal(size=mass_fraction.shape))
    raw, before = (torch.from_numpy(np.ascontiguousarray(y.T)) for y in (mass_fraction * factors, mass_fraction))
    moved = Projection(elements)(raw, before).composition.T.numpy()
    return np.maximum(temperature + TEMPERATURE * size * rng.normal(size=len(temperature)), COLDEST), moved
