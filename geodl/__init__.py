"""geodl turns reference simulations into surrogates that a simulation can trust.

Every public name is loaded on first use, so that ``import geodl`` does not wait for torch or xarray.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Axis": "geodl.core.schema",
    "Family": "geodl.core.contract",
    "FitConfig": "geodl.train.config",
    "Handle": "geodl.exports.handle",
    "Schema": "geodl.core.schema",
    "Surrogate": "geodl.core.surrogate",
    "Variable": "geodl.core.schema",
    "check": "geodl.core.schema",
    "evaluate": "geodl.train.evaluate",
    "export": "geodl.exports.export",
    "families": "geodl.core.contract",
    "family": "geodl.core.contract",
    "fit": "geodl.train.fit",
    "load": "geodl.core.surrogate",
    "open_data": "geodl.core.files",
    "open_sample": "geodl.core.files",
    "report": "geodl.train.report",
    "reproduce": "geodl.reproduction",
    "split": "geodl.train.split",
}
__all__ = [
    "Axis",
    "Family",
    "FitConfig",
    "Handle",
    "Schema",
    "Surrogate",
    "Variable",
    "check",
    "evaluate",
    "export",
    "families",
    "family",
    "fit",
    "load",
    "open_data",
    "open_sample",
    "report",
    "reproduce",
    "split",
]

if TYPE_CHECKING:
    from geodl.core.contract import Family, families, family
    from geodl.core.files import open_data, open_sample
    from geodl.core.schema import Axis, Schema, Variable, check
    from geodl.core.surrogate import Surrogate, load
    from geodl.exports.export import export
    from geodl.exports.handle import Handle
    from geodl.reproduction import reproduce
    from geodl.train.config import FitConfig
    from geodl.train.evaluate import evaluate
    from geodl.train.fit import fit
    from geodl.train.report import report
    from geodl.train.split import split


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"geodl has no name {name!r}; the public names are {', '.join(__all__)}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
