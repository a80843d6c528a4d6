"""Random bits as cells, NaN, infinities and denormal numbers among them: no error, and nothing beside the arrays."""

import functools
import json

import pytest

import geodl
from tests.chemistry.test_air_in_c import trained as air
from tests.dynamics.test_in_c import trained as forecast
from tests.exports.folders import VARIANTS, needs_compiler, run
from tests.turbulence.test_family import trained as closure

pytestmark = [needs_compiler, pytest.mark.slow]
KINDS = {
    "pope": functools.partial(closure, "float32", features="pope"),
    "closure": functools.partial(closure, "float32"),
    "air": air,
    "bilinear": functools.partial(forecast, "bilinear", "float32"),
    "forecast": functools.partial(forecast, "tanh", "float32"),
}
FUZZ = """
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "{name}.h"
enum {{ CELLS = 1000, CALLS = 1000 }};
static uint64_t state = 1;
static uint64_t next(void) {{ state ^= state << 13; state ^= state >> 7; return state ^= state << 17; }}
static double random(void)
{{
    const uint64_t x = next();
    double y;
    memcpy(&y, &x, sizeof y);
    return x % 8 ? (double)(x >> 11) / 4503599627370496. - 1 : y; /* one in eight is bits of any kind */
}}
static double *full(int width)
{{
    double *made = malloc(sizeof *made * width * CELLS);
    for (int i = 0; i < width * CELLS; i++) made[i] = random();
    return made;
}}
int main(void)
{{
    signed char *status = malloc(CELLS);
    for (int call = 0; call < CALLS; call++) {{
        const int count = 1 + (int)(next() % CELLS);
        double *array[] = {{{arrays}}};
        if ({name}_{call}({passed})) return 1;
        for (unsigned i = 0; i < sizeof array / sizeof *array; i++) free(array[i]);
    }}
    printf("%d cells\\n", CELLS * CALLS);
    free(status);
    return 0;
}}
"""


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_sanitizers_find_nothing(tmp_path, kind, variant):
    folder = geodl.export(KINDS[kind](), tmp_path / "out")
    described = json.loads((folder / "schema.json").read_text())
    lengths = {axis: len(labels) for axis, labels in described["axes"].items()}
    widths = [" * ".join(["1", *(str(lengths[axis]) for axis in a["sizes"])]) for a in described["arguments"]]
    passed = ["count", *map(str, lengths.values()), *(f"array[{i}]" for i in range(len(widths))), "status"]
    arrays = ", ".join(f"full({width})" for width in widths)
    text = FUZZ.format(name="out", call=described["call"], arrays=arrays, passed=", ".join(passed))
    (tmp_path / "fuzz.c").write_text(text)
    flags = "-std=c99", "-g", "-O1", *VARIANTS[variant], "-fsanitize=address,undefined", "-fno-sanitize-recover=all"
    run("cc", *flags, "-I", folder, "fuzz.c", folder / "out.c", "-o", "fuzz", "-lm", cwd=tmp_path)
    assert "1000000 cells" in run("./fuzz", cwd=tmp_path)
