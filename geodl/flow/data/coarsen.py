"""Flows on fine cells as the means over coarse ones."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float


def coarsened(
    flow: Mapping[str, np.ndarray], solid: Bool[np.ndarray, "sample fine_y fine_x"], factor: int
) -> dict[str, np.ndarray]:
    """u and v as means over factor x factor cells, at rest in bodies; p over their fluid part; numbers as they are.

    Args:
        flow: u, v, p [sample, fine_y, fine_x], zero in bodies, and numbers [sample].
        solid: fine cells of the body.
    """
    fluid = _means(1.0 - solid, factor)
    fields = {name: _means(flow[name], factor) for name in ("u", "v", "p")}
    fields["p"] = fields["p"] / np.maximum(fluid, 1e-6)
    return {**flow, **fields}


def _means(field: Float[np.ndarray, "sample fine_y fine_x"], factor: int) -> Float[np.ndarray, "sample y x"]:
    samples, rows, columns = field.shape
    return field.reshape(samples, rows // factor, factor, columns // factor, factor).mean((2, 4))
