"""Enthalpy, heat capacity and temperature of mixtures of ideal gases, fast enough for the loop of an emulator.

Between two temperatures where a species changes its coefficients, the enthalpy of a mixture is one polynomial of T
whose coefficients are linear in the mass fractions. One product of matrices gives those of all intervals for all cells,
and the enthalpies at the breaks: since enthalpy grows with T, these say in which interval a solution lies before it is
sought, and Newton's method then works on one smooth polynomial a cell.

Source: McBride, Gordon & Reno 1993, NASA TM-4513.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from geodl.chemistry.constants import Constants
from geodl.chemistry.mechanism.mechanism import GAS_CONSTANT, Mechanism
from geodl.chemistry.mechanism.nasa import Nasa

_TERMS = 6  # powers of T from 0 to 5
_STEPS = 50  # of Newton's method at most; 3 to 5 are usual
_LAST_STEP = 1e-8  # as a share of T; the error that a step leaves is 1e-4 K⁻¹ times its square
_COLDEST = 0.5  # as a share of the lowest temperature of all polynomials

Rows = tuple[Tensor, ...]  # coefficients of T⁰, T¹, …, each [cell]


class Thermo(Constants):
    """Thermodynamics of a mixture, in SI and kmol, computed in float64; results have the dtype of the first argument.

    Temperatures are found between half of the lowest and the highest one of the polynomials; beyond, they are NaN.
    """

    def __init__(self, mechanism: Mechanism):
        super().__init__()
        breaks = sorted({nasa.t_mid for nasa in mechanism.nasa if nasa.low[:_TERMS] != nasa.high[:_TERMS]})
        self._coldest = _COLDEST * min(nasa.t_low for nasa in mechanism.nasa)
        self._hottest = max(nasa.t_high for nasa in mechanism.nasa)
        self._keep("_breaks", np.reshape(breaks, (-1, 1)))
        self._keep("_widths", np.diff([self._coldest, *breaks, self._hottest]))
        self._keep("_enthalpy", _rows(mechanism, breaks, less=0))
        self._keep("_energy", _rows(mechanism, breaks, less=1))
        self._keep("_kmol_per_kg", 1 / mechanism.weights)

    _breaks: Tensor  # [break, 1], K
    _widths: Tensor  # [interval], K
    _enthalpy: Tensor  # [break + interval * power, species], see _rows
    _energy: Tensor
    _kmol_per_kg: Tensor  # [species]

    def _keep(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values), persistent=False)  # the mechanism has them

    def enthalpy(
        self, temperature: Float[Tensor, " cell"], mass_fraction: Float[Tensor, "cell species"]
    ) -> Float[Tensor, " cell"]:
        """Enthalpy, in J/kg."""
        return _value(*self._at(self._enthalpy, temperature, mass_fraction)).to(temperature)

    def internal_energy(
        self, temperature: Float[Tensor, " cell"], mass_fraction: Float[Tensor, "cell species"]
    ) -> Float[Tensor, " cell"]:
        """Internal energy h - p/ρ, in J/kg."""
        return _value(*self._at(self._energy, temperature, mass_fraction)).to(temperature)

    def heat_capacity(
        self, temperature: Float[Tensor, " cell"], mass_fraction: Float[Tensor, "cell species"]
    ) -> Float[Tensor, " cell"]:
        """Heat capacity at constant pressure, in J/(kg K)."""
        return _value_and_slope(*self._at(self._enthalpy, temperature, mass_fraction))[1].to(temperature)

    def mean_weight(self, mass_fraction: Float[Tensor, "cell species"]) -> Float[Tensor, " cell"]:
        """Molecular weight of the mixture, in kg/kmol."""
        return (1 / (mass_fraction.double() @ self._kmol_per_kg)).to(mass_fraction)

    def density(
        self,
        temperature: Float[Tensor, " cell"],
        pressure: Float[Tensor, " cell"],
        mass_fraction: Float[Tensor, "cell species"],
    ) -> Float[Tensor, " cell"]:
        """Density of an ideal gas at K and Pa, in kg/m³."""
        per_pascal = 1 / (GAS_CONSTANT * temperature.double() * (mass_fraction.double() @ self._kmol_per_kg))
        return (pressure * per_pascal).to(temperature)

    def temperature_from_enthalpy(
        self,
        enthalpy: Float[Tensor, " cell"],
        mass_fraction: Float[Tensor, "cell species"],
        guess: Float[Tensor, " cell"],
    ) -> Float[Tensor, " cell"]:
        """Temperature at which a mixture has an enthalpy, in K, to the last digits; NaN where there is none.

        Args:
            enthalpy: J/kg.
            guess: K; one that is near spares steps, no more depends on it.
        """
        return self._solve(self._enthalpy, enthalpy, mass_fraction, guess)

    def temperature_from_energy(
        self,
        energy: Float[Tensor, " cell"],
        mass_fraction: Float[Tensor, "cell species"],
        guess: Float[Tensor, " cell"],
    ) -> Float[Tensor, " cell"]:
        """Temperature at which a mixture has an internal energy in J/kg, as ``temperature_from_enthalpy``."""
        return self._solve(self._energy, energy, mass_fraction, guess)

    def _at(self, rows: Tensor, temperature: Tensor, mass_fraction: Tensor) -> tuple[Rows, Tensor]:
        """Coefficients of the intervals that the temperatures lie in, and the temperatures."""
        t = temperature.double()
        _, by_interval = self._sums(rows, mass_fraction)
        return _coefficients(by_interval, (t > self._breaks).to(t)), t

    def _sums(self, rows: Tensor, mass_fraction: Tensor) -> tuple[Tensor, Tensor]:
        """Values at the breaks and coefficients of all intervals: one product for all uses, so that all round alike."""
        sums = rows @ mass_fraction.double().T
        return sums[: len(self._breaks)], sums[len(self._breaks) :]

    def _solve(self, rows: Tensor, target: Tensor, mass_fraction: Tensor, guess: Tensor) -> Tensor:
        wanted = target.double()
        at_breaks, by_interval = self._sums(rows, mass_fraction)
        above = (wanted > at_breaks).to(wanted)
        coefficients = _coefficients(by_interval, above)
        with torch.no_grad():
            low = self._coldest + self._widths[:-1] @ above
            high = self._coldest + self._widths[0] + self._widths[1:] @ above
            t = self._newton(coefficients, wanted, guess.double(), low, high)
        if wanted.requires_grad or by_interval.requires_grad:
            lost = torch.isnan(t)  # whose gradient is zero, not NaN
            t = _implicit(coefficients, wanted, torch.where(lost, guess.double(), t)).masked_fill(lost, torch.nan)
        return t.to(target)

    def _newton(self, coefficients: Rows, wanted: Tensor, guess: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Where h jumps at a break and ``wanted`` lies within the jump, the break is the nearest temperature."""
        t = guess.clamp(low, high)
        for _ in range(_STEPS):
            value, slope = _value_and_slope(coefficients, t)
            before, t = t, torch.addcdiv(t, wanted - value, slope).clamp(low, high)
            moving = (t - before).abs_() > _LAST_STEP * t
            if not moving.any():
                break
        stopped = (t < self._coldest * (1 + _LAST_STEP)) | (t > self._hottest * (1 - _LAST_STEP))
        return t.masked_fill(moving | stopped, torch.nan)


def _coefficients(by_interval: Tensor, above: Tensor) -> Rows:
    """Those of the interval that a cell lies in, which is ``above`` some of the breaks: 0 or 1 [break, cell]."""
    chosen, *others = by_interval.split(_TERMS)
    for higher, weight in zip(others, above, strict=True):
        chosen = torch.lerp(chosen, higher, weight)  # exact at 0 and 1, and four times faster than torch.where
    return chosen.unbind()


def _value(coefficients: Rows, t: Tensor) -> Tensor:
    *lower, value = coefficients
    for row in lower[::-1]:
        value = torch.addcmul(row, value, t)
    return value


def _value_and_slope(coefficients: Rows, t: Tensor) -> tuple[Tensor, Tensor]:
    """A polynomial and its derivative by Horner's scheme."""
    c0, c1, c2, c3, c4, slope = coefficients
    value = torch.addcmul(c4, slope, t)
    for row in (c3, c2, c1, c0):
        slope = torch.addcmul(value, slope, t)
        value = torch.addcmul(row, value, t)
    return value, slope


def _implicit(coefficients: Rows, wanted: Tensor, t: Tensor) -> Tensor:
    """The same temperatures with the gradient of h(T, Y) = wanted: one step of Newton that moves nothing."""
    value, slope = _value_and_slope(coefficients, t)
    residual = value - wanted
    return t - (residual - residual.detach()) / slope.detach()


def _rows(mechanism: Mechanism, breaks: list[float], less: int) -> np.ndarray:
    """What mass fractions are multiplied with to give values at the breaks, then the coefficients of all intervals.

    Args:
        less: how often R T is taken from the enthalpy: 0, or 1 for the internal energy.
    """
    intervals = [
        np.array([_terms(nasa, less, above) for nasa in mechanism.nasa]).T / mechanism.weights
        for above in (-np.inf, *breaks)
    ]
    at_breaks = [at ** np.arange(_TERMS) @ below for at, below in zip(breaks, intervals, strict=False)]
    return np.concatenate([np.reshape(at_breaks, (len(breaks), len(mechanism.species))), *intervals])


def _terms(nasa: Nasa, less: int, above: float) -> list[float]:
    """Coefficients in J/kmol, just above a temperature."""
    a1, a2, a3, a4, a5, a6, _ = nasa.low if nasa.t_mid > above else nasa.high
    return [GAS_CONSTANT * a for a in (a6, a1 - less, a2 / 2, a3 / 3, a4 / 4, a5 / 5)]
