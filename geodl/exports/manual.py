"""Words and a machine-readable description for those who call an exported surrogate."""

import json
from collections.abc import Sequence
from typing import Any

import geodl
from geodl.core.code import Argument, Code
from geodl.core.surrogate import Surrogate
from geodl.exports.source import MESSAGES


def description(name: str, code: Code, surrogate: Surrogate) -> dict[str, Any]:
    """What a caller of the C, or `geodl.Handle`, must know, as plain JSON values."""
    about = described(name, "c", code.arguments, surrogate)
    return {
        **about,
        "fingerprint": code.fingerprint,
        "call": code.call,
        "axes": {axis: list(labels) for axis, labels in code.axes.items()},
        "status": list(code.status),
        "errors": list(MESSAGES),
    }


def described(name: str, format: str, arguments: Sequence[Argument], surrogate: Surrogate) -> dict[str, Any]:
    """What all formats say of themselves."""
    return {
        "name": name,
        "format": format,
        "version": 1,
        "geodl": geodl.__version__,
        "bundle_sha256": surrogate.sha256,
        "family": surrogate.family.name,
        "arguments": [
            {"name": a.name, "kind": a.kind, "units": a.units, "about": a.about, "sizes": list(a.sizes)}
            for a in arguments
        ],
        "licence": surrogate.record.licence,
        "citations": list(surrogate.record.citations),
    }


def readme(name: str, code: Code, surrogate: Surrogate) -> str:
    """README of the folder."""
    rows = "\n".join(f"| `{a.name}` | {_shape(a)} | {a.units} | {a.about} |" for a in code.arguments)
    axes = "\n".join(f"- {axis}: {', '.join(labels)}" for axis, labels in code.axes.items())
    status = "\n".join(f"- {i}: {words}" for i, words in enumerate(code.status))
    names = ", ".join(["cells", *code.axes, *(a.name for a in code.arguments), "status"])
    return f"""\
# {name}

{surrogate.family.about}. Made by geodl {geodl.__version__} of the bundle with the SHA-256
`{surrogate.sha256}`. Licence of its training data: {surrogate.record.licence}.

`{name}.c` is all that a solver needs: C99, no library but that of C, no memory from the heap, no threads of its own.
Compile it for the machine that it runs on (`-O3 -march=native`): vectors are chosen when it is compiled.

    make            # the library
    make check      # recorded cells again
    make fortran    # the module of Fortran

| argument | shape | units | |
|---|---|---|---|
{rows}
| `status` | cell | | of each cell, see below |

The last axis runs fastest in C, as the first one does in Fortran: `mass_fraction[cell * species + k]` and
`mass_fraction(k, cell)` are the same number. Order along the axes:

{axes}

Status:

{status}

In C, `{name}_{code.call}({names})`, or `{name}_{code.call}_float` for arrays of float; in Fortran
`use {name}_module` and `{code.call}`; in C++ `#include "{name}.hpp"` and `{name}::{code.call}`. Call
`{name}_check` once at the start, with the fingerprint and the labels that your solver uses: it refuses another
mechanism, order or version before anything is computed. The fingerprint here is `{code.fingerprint}`.
"""


def _shape(argument: Argument) -> str:
    return "one number" if argument.kind == "option" else ", ".join(["cell", *argument.sizes])


def as_json(values: dict[str, Any]) -> str:
    """JSON for people, too."""
    return json.dumps(values, indent=2) + "\n"
