"""The gradient of a velocity that is known at the cell centres of a structured grid, where a file brings none."""

import numpy as np
from jaxtyping import Float

from geodl.errors import ShapeError


def structured_gradient(
    velocity: Float[np.ndarray, "cell 3"], position: Float[np.ndarray, "cell 3"], shape: tuple[int, int]
) -> Float[np.ndarray, "cell 3 3"]:
    """dU_i/dx_j of a flow in a plane: differences along both indices of the grid, turned by its Jacobian.

    Of second order on smooth grids, one-sided at their rims; the direction that no cell centre leaves has no gradient.

    Args:
        velocity: U_i, m s-1.
        position: cell centres, m, in a plane normal to an axis.
        shape: sizes (slow, fast) of the grid.
    Raises:
        ShapeError: the cells are not in such a plane.
    """
    spread = np.ptp(position, axis=0)
    plane = [axis for axis in range(3) if spread[axis] > 1e-6 * spread.max()]
    if len(plane) != 2 or min(shape) < 3:
        raise ShapeError(
            f"a grid of {shape} cells that extends over {spread} is not in a plane normal to an axis: "
            f"compute the gradient where the mesh is known"
        )
    along = _differences(velocity.astype(np.float64), shape)  # [cell, index, i]
    jacobian = _differences(position[:, plane].astype(np.float64), shape)  # [cell, index, in plane]
    gradient = np.zeros((len(velocity), 3, 3))
    gradient[:, :, plane] = np.linalg.solve(jacobian, along).swapaxes(1, 2)
    return gradient.astype(velocity.dtype)


def _differences(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Per cell and index of the grid the difference of ``[cell, n]`` to the next cell."""
    grid = values.reshape(*shape, -1)
    both = [np.gradient(grid, axis=axis, edge_order=2).reshape(values.shape) for axis in (0, 1)]
    return np.stack(both, axis=1)
