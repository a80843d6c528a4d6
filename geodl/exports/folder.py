"""What lies beside the code: how to build it, recorded cells to check it by, and words."""

from typing import Any

import numpy as np

from geodl.core.code import Argument, Code
from geodl.core.compiler import FLAGS
from geodl.exports.tables import number

CELLS, SEED = 50, 0  # that are recorded
TOLERANCE, FLOOR = 1e-3, 1e-3  # relative, of values no smaller than this share of the largest
_NOT_OURS = ("-fPIC", "-shared")
_CFLAGS = " ".join(flag for flag in FLAGS if flag not in _NOT_OURS)


def makefile(name: str) -> str:
    """A library, the module of Fortran where there is a compiler for it, and ``make check``."""
    return f"""\
# make: the library; make check: recorded cells again; make fortran: the module. Flags: make CFLAGS="-O3 -march=native".
CFLAGS ?= {_CFLAGS} -Wall -Wextra
ifeq ($(origin FC),default)
FC = gfortran
endif
FFLAGS ?= -O2 -Wall -Wextra

lib{name}.a: {name}.o
\t$(AR) rcs $@ $<

{name}.o: {name}.c {name}.h
\t$(CC) $(CFLAGS) -fPIC -c $< -o $@

.PHONY: check fortran clean
check: check.c lib{name}.a
\t$(CC) $(CFLAGS) check.c lib{name}.a -lm -o check
\t./check

fortran: {name}.f90
\t$(FC) $(FFLAGS) -c {name}.f90

clean:
\trm -f *.o *.a *.mod check
"""


def cmake(name: str) -> str:
    """A target that others link to."""
    return f"""\
cmake_minimum_required(VERSION 3.13)
project({name} C)
add_library({name} STATIC {name}.c)
set_target_properties({name} PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON)
target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_SOURCE_DIR}})
target_link_libraries({name} PUBLIC m)
if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  target_compile_options({name} PRIVATE -O3 -march=native -ffp-contract=fast -fno-math-errno)
endif()
add_executable({name}_check EXCLUDE_FROM_ALL check.c)
target_link_libraries({name}_check {name})
"""


def check_program(name: str, code: Code) -> str:
    """Text of ``check.c``: recorded cells, and what Python made of them."""
    given = code.inputs(CELLS, SEED)
    *outputs, status = code.answer(*given)
    names = [argument.name for argument in code.arguments]
    arrays = [a for a in code.arguments if a.kind != "option"]
    tables = [_recorded(n, v) for n, v in zip(names, (*given, *outputs), strict=True)]
    made = [f"static double {a.name}_made[{_length(a, code)}];" for a in arrays if a.kind == "out"]
    words = ["CELLS", *(str(len(labels)) for labels in code.axes.values())]
    words += [f"{a.name}_made" if a.kind == "out" else a.name for a in code.arguments]
    compared = [_comparison(argument, code) for argument in arrays if argument.kind == "out"]
    parts = [
        _CHECK.format(name=name, tolerance=TOLERANCE, floor=FLOOR, cells=CELLS),
        *tables,
        f"static const signed char status[CELLS] = {{{', '.join(map(str, status))}}};",
        *made,
        "static signed char status_made[CELLS];",
        "",
        "int main(void)",
        "{",
        "    int differ = 0;",
        f"    int error = {name}_{code.call}({', '.join(words)}, status_made);",
        f'    if (error) return printf("%s\\n", {name}_message(error)), 1;',
        *compared,
        "    for (int i = 0; i < CELLS; i++) differ += status[i] != status_made[i];",
        '    printf(differ ? "%d values differ\\n" : "all recorded cells again\\n", differ);',
        "    return differ != 0;",
        "}",
        "",
    ]
    return "\n".join(parts)


_CHECK = """\
/* Recorded cells again: what {name}.c makes of them, and what Python made. */
#include <math.h>
#include <stdio.h>

#include "{name}.h"

enum {{ CELLS = {cells} }};
static const double TOLERANCE = {tolerance}, FLOOR = {floor};

static int compare(const char *what, const double *wanted, const double *made, int count)
{{
    double largest = 0, worst = 0;
    int differ = 0;
    for (int i = 0; i < count; i++) largest = fmax(largest, fabs(wanted[i]));
    for (int i = 0; i < count; i++) {{
        double error = fabs(made[i] - wanted[i]) / (fabs(wanted[i]) + FLOOR * largest);
        differ += !(error <= TOLERANCE);
        worst = fmax(worst, error);
    }}
    printf("%-24s largest relative error %.1e\\n", what, worst);
    return differ;
}}
"""


def _comparison(a: Argument, code: Code) -> str:
    return f'    differ += compare("{a.name}", {a.name}, {a.name}_made, {_length(a, code)});'


def _length(argument: Argument, code: Code) -> str:
    return " * ".join(["CELLS", *(str(len(code.axes[axis])) for axis in argument.sizes)])


def _recorded(name: str, values: Any) -> str:
    flat = np.asarray(values, dtype=np.float64).ravel()
    if np.ndim(values) == 0:
        return f"static const double {name} = {number(values)};"
    lines = (", ".join(map(number, flat[i : i + 6])) for i in range(0, len(flat), 6))
    return f"static const double {name}[{len(flat)}] = {{\n    " + ",\n    ".join(lines) + "};"
