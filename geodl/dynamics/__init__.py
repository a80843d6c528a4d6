"""Learned dynamical systems: solvers with exact gradients, learned fields and schemes, Lorenz systems, diagnostics."""

import importlib
from typing import Any

# Found on first use, so that one part does not import all others.
_HOME = {
    "odeint": "ode.solve",
    "integrate": "ode.solve",
    "odeint_event": "ode.torchdiffeq_solvers",
    "Status": "ode.adaptive",
    "LearnedRungeKutta": "ode.learned_runge_kutta",
    "MLPField": "fields",
    "BilinearField": "fields",
    "KnownField": "hybrid",
    "HybridField": "hybrid",
    "AugmentedField": "hybrid",
    "EnergyPreservingField": "hybrid",
    "TangentLinear": "chaos.tangent",
    "dot_product_test": "chaos.tangent",
    "lyapunov_spectrum": "chaos.lyapunov",
    "diagnose": "chaos.diagnostics",
    "diagnostic_figures": "chaos.diagnostic_plots",
    "Observation": "identification.observation",
    "identify": "identification.shooting",
    "fit_partial": "identification.latent",
    "forecast_partial": "identification.latent",
    "EnsembleSmoother": "identification.smoother",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"geodl.dynamics has no name {name!r}; the public names are {', '.join(__all__)}")
    value = getattr(importlib.import_module(f"geodl.dynamics.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
