"""Random forest on the same features, as a rival: what is reached without tensors."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float

from geodl.core.progress import progress
from geodl.errors import MissingPackageError, ShapeError
from geodl.turbulence.physics.realizability import realizable
from geodl.turbulence.physics.tensor_basis import components, from_components

CELLS = 60_000  # that one tree is grown on, drawn from all
LEAF = 5  # least number of cells in a leaf


def random_forest(
    features: Float[np.ndarray, "cell feature"],
    anisotropy: Float[np.ndarray, "cell 5"],
    *,
    seed: int,
    trees: int = 50,
) -> Callable[[np.ndarray], np.ndarray]:
    """A forest whose outputs are the five components of b in the frame of the training data.

    Its features are invariant, its outputs are not: where the axes turn, the prediction does not turn with them. Every
    leaf is a mean of realizable tensors, and what comes out is projected all the same, to be safe from round-off.

    Args:
        features: dimensionless features of cells.
        anisotropy: ``components`` of b of these cells.
        seed: of the draws of cells and features.
        trees: how many trees are averaged.
    Returns:
        a function from features ``[cell, feature]`` to realizable components ``[cell, 5]``.
    Raises:
        MissingPackageError: scikit-learn is not installed.
        ShapeError: features and components are of different cells.

    Source: Breiman 2001, Mach. Learn. 45, 5; on turbulence Wang, Wu & Xiao 2017, Phys. Rev. Fluids 2, 034603.
    """
    if len(features) != len(anisotropy):
        raise ShapeError(f"features of {len(features)} cells came with components of {len(anisotropy)}")
    forest = _untrained(seed, min(CELLS / len(features), 1.0))
    with progress("growing a forest", trees) as advance:
        for count in range(1, trees + 1):
            forest.set_params(n_estimators=count).fit(features, anisotropy)
            advance(count)
    return lambda seen: _projected(forest.predict(seen))


def _untrained(seed: int, share: float):  # type: ignore[no-untyped-def]  # the class is known with scikit-learn only
    try:
        from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]
    except ImportError as error:
        raise MissingPackageError("a random forest needs scikit-learn: pip install 'geodl[test]'") from error
    return RandomForestRegressor(
        max_samples=share, max_features=1 / 3, min_samples_leaf=LEAF, warm_start=True, random_state=seed
    )


def _projected(values: np.ndarray) -> np.ndarray:
    nearest: np.ndarray = components(realizable(from_components(torch.from_numpy(values)))).numpy()
    return nearest
