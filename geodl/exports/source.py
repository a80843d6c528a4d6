"""The C of a surrogate: one file with everything in it, and its header."""

import math
import textwrap
from pathlib import Path

from geodl.core.code import Argument, Code
from geodl.exports.derivatives import declarations, derivatives
from geodl.exports.tables import tables

_SHARED = [Path(__file__).with_name("c") / name for name in ("vector.h", "dense.h")]
_RUN = Path(__file__).with_name("c") / "run.h"
PRECISIONS = {"double": "", "float": "_float"}  # and how the function of each is called besides
MESSAGES = (
    "ok",
    "the number of cells is negative",
    "an axis has another length than in the surrogate",
    "an array is missing: a pointer is null",
    "the header is of another version than the library",
    "the fingerprint is another one: this is not what the surrogate was made for",
    "an axis has other labels, or another order of them, than in the surrogate",
    "the ensemble has no such member",
)


def source(name: str, code: Code, about: str) -> str:
    """Text of ``<name>.c``, which includes nothing but its header and the C library."""
    vector, dense, *physics = (path.read_text("utf-8") for path in (*_SHARED, *code.sources))
    constants = "".join(
        f"    {key} = {value},\n" for key, value in {"WIDEST": 1, **code.sizes, **_widths(code)}.items()
    )
    parts = [
        f'/* {about} */\n\n{"#define GEODL_DOUBLE" if code.double else ""}\n#include "{name}.h"\n',
        _without_local_includes(vector),
        f"enum {{\n{constants}}};\n",
        _without_local_includes(dense),
        "\n".join(tables(code.tables)),
        *physics,
        _identity(name, code),
        *(_call(name, code, kind) for kind in PRECISIONS),
        *([derivatives(name, code)] if code.dense else []),
    ]
    return "\n".join(parts)


def _without_local_includes(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith('#include "'))


def _widths(code: Code) -> dict[str, int]:
    ins, outs = (_widths_of(code, kind) for kind in ("in", "out"))
    rows = {"INPUTS": len(ins), "OUTPUTS": len(outs), "ROWS_IN": sum(ins), "ROWS_OUT": sum(outs)}
    return {**rows, "UNTOUCHED": code.untouched}


def _widths_of(code: Code, kind: str) -> list[int]:
    return [math.prod(len(code.axes[axis]) for axis in a.sizes) for a in code.arguments if a.kind == kind]


def _call(name: str, code: Code, kind: str) -> str:
    """The function that solvers call, around one that takes arrays by number."""
    run, of_kind = f"run_{kind}", {k: [a.name for a in code.arguments if a.kind == k] for k in ("in", "option", "out")}
    widths = {k: ", ".join(map(str, _widths_of(code, k))) for k in ("in", "out")}
    sizes = " && ".join(f"{axis} == {len(labels)}" for axis, labels in code.axes.items()) or "1"
    return f"""\
#define IO {kind}
#define RUN {run}
#define IN_WIDTHS {widths["in"]}
#define OUT_WIDTHS {widths["out"]}
{_RUN.read_text("utf-8")}
#undef IO
#undef RUN
#undef IN_WIDTHS
#undef OUT_WIDTHS

{_declaration(name, code, kind)}
{{
    const {kind} *const in[] = {{{", ".join(of_kind["in"])}}};
    const double option[] = {{{", ".join(of_kind["option"] or ["0"])}}};
    {kind} *const out[] = {{{", ".join(of_kind["out"])}}};
    if (cells < 0) return 1;
    if (!({sizes})) return 2;
    if (cells && !({" && ".join([*of_kind["in"], *of_kind["out"], "status"])})) return 3;
    {run}(cells, in, option, out, status);
    return 0;
}}
"""


def _identity(name: str, code: Code) -> str:
    """What a solver asks once, at its start."""
    labels = [label for axis in code.axes.values() for label in axis]
    return f"""\
static const char *const MESSAGES[] = {{{_quoted(MESSAGES)}}};
static const char *const STATUS[] = {{{_quoted(code.status)}}};
static const char *const LABELS[] = {{{_quoted(labels)}}};

const char *{name}_fingerprint(void) {{ return "{code.fingerprint}"; }}

const char *{name}_message(int error)
{{
    return error >= 0 && error < {len(MESSAGES)} ? MESSAGES[error] : "no such error";
}}

const char *{name}_status(int status)
{{
    return status >= 0 && status < {len(code.status)} ? STATUS[status] : "no such status";
}}

int {name}_check(int version, const char *fingerprint, int count, const char *const *labels)
{{
    if (version != {name.upper()}_VERSION) return 4;
    if (fingerprint && strcmp(fingerprint, {name}_fingerprint())) return 5;
    if (!labels) return count ? 3 : 0;
    if (count != {len(labels)}) return 2;
    for (int i = 0; i < count; i++)
        if (!labels[i] || strcmp(labels[i], LABELS[i])) return 6;
    return 0;
}}
"""


def _quoted(words: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def header(name: str, code: Code, about: str) -> str:
    """Text of ``<name>.h``."""
    guard = f"{name.upper()}_H"
    functions = "\n".join(f"{_declaration(name, code, kind)};" for kind in PRECISIONS)
    return f"""\
/* {about}

{textwrap.indent(_explained(code), "   ")}

   Functions return 0, or an error that {name}_message explains; then nothing was written. They keep nothing, so that
   threads may call them at once, and outputs may lie where the inputs are. A cell needs no company: its answer is the
   same to the last bit in any. What they need lies on the stack.
*/
#ifndef {guard}
#define {guard}

#ifdef __cplusplus
extern "C" {{
#endif

enum {{ {name.upper()}_VERSION = 1{_sizes(name, code)} }};

/* To be called once: version is {name.upper()}_VERSION. fingerprint and labels are what the solver uses, each 0 where
   it has none: {", ".join(code.axes)} in its order. */
int {name}_check(int version, const char *fingerprint, int count, const char *const *labels);

{functions}

{declarations(name, code)}const char *{name}_fingerprint(void);
const char *{name}_message(int error);
const char *{name}_status(int status);

#ifdef __cplusplus
}}
#endif
#endif
"""


def _sizes(name: str, code: Code) -> str:
    dense = {"INPUTS": code.members[0].inputs, "OUTPUTS": code.members[0].outputs} if code.dense else {}
    return _lengths(name, code) + "".join(f", {name.upper()}_DENSE_{key} = {value}" for key, value in dense.items())


def _lengths(name: str, code: Code) -> str:
    return "".join(f", {name.upper()}_{axis.upper()} = {len(labels)}" for axis, labels in code.axes.items())


def _explained(code: Code) -> str:
    lines = [f"{a.name}{_shape(a)}: {a.about}, {a.units}" for a in code.arguments]
    lines += [f"status [cell]: {i} {words}" for i, words in enumerate(code.status)]
    return "\n".join(lines)


def _shape(argument: Argument) -> str:
    return "" if argument.kind == "option" else "".join(f" [{size}]" for size in ("cell", *argument.sizes))


def _declaration(name: str, code: Code, kind: str) -> str:
    sizes = [f"int {axis}" for axis in code.axes]
    words = ["long cells", *sizes, *(_parameter(a, kind) for a in code.arguments), "signed char *status"]
    text = f"int {name}_{code.call}{PRECISIONS[kind]}({', '.join(words)})"
    return "\n".join(textwrap.wrap(text, 116, subsequent_indent="    ", break_long_words=False))


def _parameter(argument: Argument, kind: str) -> str:
    if argument.kind == "option":
        return f"double {argument.name}"
    return f"{'const ' if argument.kind == 'in' else ''}{kind} *{argument.name}"
