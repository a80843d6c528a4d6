"""Learned dynamical systems: solvers with exact gradients, learned fields and schemes, Lorenz systems, diagnostics."""

from geodl.core.names import public_names

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

__getattr__, __dir__ = public_names(__name__, _HOME)
