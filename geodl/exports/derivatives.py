"""The dense part of a surrogate in C by itself: its outputs, and both products of vectors with its Jacobian."""

from pathlib import Path

from geodl.core.code import Code

TANGENT = Path(__file__).with_name("c") / "tangent.h"
ARRAYS = {"": ("x", "y"), "_jvp": ("x", "dx", "y", "dy"), "_vjp": ("x", "gy", "gx")}
WRITTEN = {"": "y", "_jvp": "y dy", "_vjp": "gx"}


def derivatives(name: str, code: Code) -> str:
    """Functions of the dense part: its outputs, and both products with its Jacobian."""
    first, several = code.members[0], isinstance(code.tables[code.dense], list)
    member = f"{code.dense}[member]" if several else code.dense
    at = {"x": f"x + c * {first.inputs}", "y": f"y + c * {first.outputs}"}
    at |= {f"d{k}": f"d{v}" for k, v in at.items()} | {f"g{k}": f"g{v}" for k, v in at.items()}
    calls = {
        "": f"forward({member}, {first.activation}, {at['x']}, 0, {at['y']}, 0, 0)",
        "_jvp": f"forward({member}, {first.activation}, {at['x']}, {at['dx']}, {at['y']}, {at['dy']}, 0)",
        "_vjp": f"backward({member}, {first.activation}, {at['x']}, {at['gy']}, {at['gx']})",
    }
    functions = (
        f"""\
{_declaration(name, kind)}
{{
    if (cells < 0) return 1;
    if (member < 0 || member >= {len(code.members)}) return 7;
    if (cells && !({" && ".join(ARRAYS[kind])})) return 3;
    for (long c = 0; c < cells; c++) {call};
    return 0;
}}
"""
        for kind, call in calls.items()
    )
    return "\n".join([f"enum {{ STRAIGHT = {int(first.straight)} }};", TANGENT.read_text("utf-8"), *functions])


def _declaration(name: str, kind: str) -> str:
    arrays = (f"{'' if word in WRITTEN[kind].split() else 'const '}double *{word}" for word in ARRAYS[kind])
    return f"int {name}_dense{kind}(int member, long cells, {', '.join(arrays)})"


def declarations(name: str, code: Code) -> str:
    """What the header says of them; nothing where a surrogate has no dense part."""
    if not code.dense:
        return ""
    functions = "".join(f"{_declaration(name, kind)};\n" for kind in ARRAYS)
    return f"""\
/* The dense network alone, or a member of its ensemble, in double: x [cell] [{name.upper()}_DENSE_INPUTS] is what it
   sees, standardised, y [cell] [{name.upper()}_DENSE_OUTPUTS] what it says. jvp: its change dy when x changes by dx;
   vjp: gx, the gradient by x of the sum of all outputs weighted with gy. */
{functions}
"""
