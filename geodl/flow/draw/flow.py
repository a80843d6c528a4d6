"""A plane flow as the page draws it: speed, pressure, vorticity and stream function, each in 16 bits."""

import base64
import dataclasses
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

LEVELS = 65535


@dataclasses.dataclass(frozen=True)
class Flow:
    """Velocity in inflow speeds U, pressure in rho U^2, drag and lift coefficients; y upwards."""

    u: Float[np.ndarray, "y x"]
    v: Float[np.ndarray, "y x"]
    p: Float[np.ndarray, "y x"]
    drag: float
    lift: float

    def fields(self, length: float, spacing: float) -> dict[str, Float[np.ndarray, "y x"]]:
        """What the page can show: vorticity in U over ``length``, stream function in U m."""
        vorticity = np.gradient(self.v, spacing, axis=1) - np.gradient(self.u, spacing, axis=0)
        return {
            "speed": np.hypot(self.u, self.v),
            "pressure": self.p,
            "vorticity": length * vorticity,
            "stream_function": self._stream_function(spacing),
        }

    def _stream_function(self, spacing: float) -> Float[np.ndarray, "y x"]:
        """From the bottom up, at the centres of the cells.

        What a column carries more or less than the mean of all, which an exact flow does not, is spread evenly over
        the column: neither side of a body is preferred.
        """
        middles = np.cumsum(self.u, axis=0) - self.u / 2
        surplus = self.u.sum(0) - self.u.sum(0).mean()
        height = (np.arange(len(self.u)) + 0.5) / len(self.u)
        return spacing * (middles - height[:, None] * surplus)

    def distance(self, other: "Flow", fluid: Bool[np.ndarray, "y x"]) -> float:
        """Relative L2 of the difference of velocity to another flow, which is the reference, over the fluid."""
        ours, theirs = (np.stack([flow.u, flow.v])[:, fluid] for flow in (self, other))
        return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def spread(field: Float[np.ndarray, "y x"], fluid: Bool[np.ndarray, "y x"]) -> Float[np.ndarray, "y x"]:
    """Inside the body the value of the nearest fluid cell, so that a smooth picture keeps its colour at the wall."""
    nearest = ndimage.distance_transform_edt(~fluid, return_distances=False, return_indices=True)
    return field[tuple(nearest)]


def encoded(field: Float[np.ndarray, "y x"]) -> dict[str, Any]:
    """A field as JSON: 16 bits per cell between ``low`` and ``high``, little-endian in base64, the top row first."""
    finite = np.nan_to_num(field[::-1], posinf=0.0, neginf=0.0)
    low, high = float(finite.min()), float(finite.max())
    scaled = (finite - low) * (LEVELS / max(high - low, 1e-12))
    values = base64.b64encode(np.rint(scaled).astype("<u2").tobytes()).decode()
    return {"rows": field.shape[0], "columns": field.shape[1], "low": low, "high": high, "values": values}


def pictures(fields: dict[str, Float[np.ndarray, "y x"]], fluid: Bool[np.ndarray, "y x"]) -> dict[str, Any]:
    """All fields as JSON; the stream function as it is, because it is constant inside a body."""
    return {name: encoded(f if name == "stream_function" else spread(f, fluid)) for name, f in fields.items()}
