"""Laws that hold by construction, held to after many steps and in states that no cell should be in."""

import numpy as np

from geodl.chemistry.cases.adversarial import drift, smallest_fraction
from geodl.chemistry.cases.fuels import Effort
from geodl.chemistry.cases.reactor import Cells, Chemistry
from geodl.core.contract import Claim

CELLS = 16  # that are rolled out


def conservation_claims(chemistry: Chemistry, start: Cells, effort: Effort) -> list[Claim]:
    """Elements and enthalpy after a long roll-out, in double and in single precision, and the smallest fraction."""
    start = Cells(start.temperature[:CELLS], start.pressure[:CELLS], start.mass_fraction[:CELLS])
    double, single = (drift(chemistry, start, effort.drift_steps, dtype=kind) for kind in (np.float64, np.float32))
    rounded = drift(chemistry, start, 1, dtype=np.float32)
    smallest = smallest_fraction(chemistry, effort.adversarial)
    steps = f"after {effort.drift_steps:,} steps"
    return [
        Claim(f"relative error of an element {steps}", double.element, "1", ("<=", 1e-12)),
        Claim(f"relative error of an element {steps} with float32 in and out", single.element, "1", ("<=", 1e-6)),
        Claim("relative error of an element after one step with float32 in and out", rounded.element, "1"),
        Claim(f"error of the enthalpy over c_p T {steps}", double.enthalpy, "1", ("<=", 1e-10)),
        Claim(f"smallest mass fraction in {effort.adversarial:,} states", smallest, "1", (">=", 0.0)),
    ]
