"""First guess of components that were never observed, from the past of those that were."""

import numpy as np
from jaxtyping import Float
from scipy.signal import lfilter, savgol_filter

from geodl.errors import OptionError

_WINDOW, _ORDER = 9, 6  # points and degree of the local polynomials whose derivatives are taken
_TIMES = (5, 10, 20, 40, 80, 160)  # memory of the exponential filters, in data intervals
_ROUNDS = 50


def hidden_components(x: Float[np.ndarray, "time series d"], count: int) -> Float[np.ndarray, "time series count"]:
    """Components that make the observed ones follow a quadratic system, each of unit variance.

    The first are the principal components of x'. Each further one is the combination h = φ w of memories φ of the past
    (x and x² through exponential filters; x², x x' and x'²) whose products with 1, x and x' best explain what x and x'
    leave of x''. In a quadratic system a hidden component acts in just this way: in Lorenz-63, z remembers x² and x x',
    and multiplies x.

    Args:
        x: evenly sampled, of order one, no value missing.
    Raises:
        OptionError: series shorter than the filters need, or no component asked for.
    """
    if count < 1 or len(x) <= 2 * _WINDOW:
        raise OptionError(f"count >= 1 and more than {2 * _WINDOW} times are needed, got {count} and {len(x)} times")
    first, second = (_unit(savgol_filter(x, _WINDOW, _ORDER, deriv=k, axis=0)) for k in (1, 2))
    found = [_principal(first)[..., : min(count, x.shape[-1])]]
    settled = slice(min(len(x) // 4, 2 * max(_TIMES)), -_WINDOW)  # neither filters that begin nor the ragged end
    known = np.concatenate([x, first], -1)
    memories = _unit(_memories(x, first))
    explained = _products(known, known)
    for _ in range(count - found[0].shape[-1]):
        parts = (explained, _with_one(known), memories, second)
        h = memories @ _modulator(*(part[settled].reshape(-1, part.shape[-1]) for part in parts))
        found.append(_unit(h[..., None]))
        explained = np.concatenate([explained, found[-1] * _with_one(known)], -1)
    return np.concatenate(found, -1)


def _modulator(
    explained: Float[np.ndarray, "n e"],
    factors: Float[np.ndarray, "n f"],
    memories: Float[np.ndarray, "n m"],
    target: Float[np.ndarray, "n d"],
) -> Float[np.ndarray, "m"]:
    """w that minimises ‖target − explained q − (factors c)(memories w)‖ over q, c, w, by alternating least squares."""
    u, s, v = np.linalg.svd(memories, full_matrices=False)
    kept = s > 1e-12 * s[0]
    whitened, back = u[:, kept] * len(u) ** 0.5, v[kept].T * (len(u) ** 0.5 / s[kept])
    basis = np.linalg.qr(explained)[0]
    target = target - basis @ (basis.T @ target)
    fits = [_alternate(basis, factors, whitened, target, k) for k in range(factors.shape[1])]
    return back @ min(fits, key=lambda fit: fit[0])[1]


def _alternate(
    basis: np.ndarray, factors: np.ndarray, whitened: np.ndarray, target: np.ndarray, begin: int
) -> tuple[float, np.ndarray]:
    """What is left of the target, and w, when the factor ``begin`` starts."""

    def rest(columns: np.ndarray) -> np.ndarray:
        return columns - basis @ (basis.T @ columns)

    c, w, left = np.zeros((factors.shape[1], target.shape[1])), np.empty(0), np.inf
    c[begin] = 1.0
    for _ in range(_ROUNDS):
        columns = np.concatenate([rest(factors @ c[:, [k]] * whitened) for k in range(c.shape[1])])
        w = np.linalg.lstsq(columns, target.T.ravel(), rcond=1e-10)[0]
        h = whitened @ w
        modulated = rest(factors * h[:, None])
        c, before = np.linalg.lstsq(modulated, target, rcond=None)[0], left
        left = float(np.linalg.norm(target - modulated @ c))
        if left > (1 - 1e-3) * before:
            break
    return left, w


def _memories(x: np.ndarray, rate: np.ndarray) -> np.ndarray:
    now = [_products(np.concatenate([x, rate], -1), None)]
    for time in _TIMES:
        decay = np.exp(-1 / time)
        for signal in (x, _products(x, None)):
            now.append(lfilter([1 - decay], [1, -decay], signal - signal.mean((0, 1)), axis=0))
    return np.concatenate(now, -1)


def _products(x: np.ndarray, linear: np.ndarray | None) -> np.ndarray:
    """x_i x_j with i <= j; with the constant and linear terms before them if asked."""
    i, j = np.triu_indices(x.shape[-1])
    quadratic = x[..., i] * x[..., j]
    return quadratic if linear is None else np.concatenate([_with_one(linear), quadratic], -1)


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones_like(x[..., :1]), x], -1)


def _unit(x: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1."""
    return (x - x.mean((0, 1))) / x.std((0, 1))


def _principal(x: np.ndarray) -> np.ndarray:
    flat = x.reshape(-1, x.shape[-1])
    return _unit(x @ np.linalg.svd(flat, full_matrices=False)[2].T)
