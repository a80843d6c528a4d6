"""Field files in every dialect hold the same numbers, and what is no field is refused with file and line."""

from pathlib import Path

import numpy as np
import pytest

from geodl.errors import DataFileError, NonFiniteError, UnitsError
from geodl.testing import assert_refused
from geodl.turbulence.openfoam.dictionary import read_dictionary
from geodl.turbulence.openfoam.field import check_dimensions, parse_dimensions, read_field
from tests.turbulence import cases
from tests.turbulence.cases import Style

VECTORS = np.random.default_rng(0).standard_normal((7, 3))
SCALARS = VECTORS[:, 0]
WALL = "wall { type zeroGradient; }"
FOREIGN = [Style(True, order, label, scalar) for order in "<>" for label in (4, 8) for scalar in (4, 8)]


def write(path: Path, internal: str | bytes, foam_class: str = "volVectorField", *, before: str = "") -> Path:
    internal = internal if isinstance(internal, bytes) else internal.encode()
    head = f"{before}\ndimensions [0 1 -1 0 0 0 0];\ninternalField "
    cases.put(path, foam_class, head.encode() + internal + f";\nboundaryField {{ {WALL} }}\n".encode())
    return path


VECTOR_LIST = cases.listed(VECTORS).decode()
NONUNIFORM = {
    "many lines": f"nonuniform List<vector>\n{VECTOR_LIST}",
    "one line": f"nonuniform List<vector> {cases.listed(VECTORS, lines=False).decode()}",
    "no type": f"nonuniform {VECTOR_LIST}",
    "no count": f"nonuniform List<vector> {VECTOR_LIST[VECTOR_LIST.index('(') :]}",
    "comments": f"nonuniform /* 3( */ List<vector> // 4(1 2\n {VECTOR_LIST.replace(') ', ') // (9 9 9)', 1)}",
    "no blanks": "nonuniform List<vector> " + VECTOR_LIST.replace("\n", ""),
    "list alone": VECTOR_LIST,
}


@pytest.mark.parametrize("text", NONUNIFORM.values(), ids=NONUNIFORM)
def test_every_text_dialect_of_a_list_gives_the_same_numbers(text, tmp_path):
    field = read_field(write(tmp_path / "U", text), "vector")
    np.testing.assert_array_equal(field.on(7), VECTORS)
    assert field.dimensions == (0, 1, -1, 0, 0, 0, 0)
    assert not field.uniform


UNIFORM = {
    "uniform": "uniform (1 -2e-3 .5)",
    "repeated": "nonuniform List<vector> 7{(1 -2e-3 .5)}",
    "lines": "uniform\n(\n1\n-0.002\n0.5\n)",
}


@pytest.mark.parametrize("text", UNIFORM.values(), ids=UNIFORM)
def test_every_way_to_write_one_value_gives_it_to_all_cells(text, tmp_path):
    field = read_field(write(tmp_path / "U", text), "vector")
    np.testing.assert_array_equal(field.on(7), np.tile([1, -2e-3, 0.5], (7, 1)))


@pytest.mark.parametrize(
    ("text", "values"), [("uniform 0.1", [0.1] * 3), ("nonuniform List<scalar> 3{0.1}", [0.1] * 3)]
)
def test_scalars_are_read(text, values, tmp_path):
    np.testing.assert_array_equal(read_field(write(tmp_path / "k", text, "volScalarField"), "scalar").on(3), values)


@pytest.mark.parametrize("empty", ["nonuniform List<vector> 0()", "nonuniform 0()", "nonuniform List<vector> 0"])
def test_an_empty_list_has_no_cells(empty, tmp_path):
    assert read_field(write(tmp_path / "U", empty), "vector").on(0).shape == (0, 3)


@pytest.mark.parametrize("style", FOREIGN, ids=str)
def test_bytes_of_any_order_and_size_are_read(style, tmp_path):
    values = VECTORS.astype(f"f{style.scalar}").astype(float)
    path = tmp_path / "U"
    cases.write_field(path, values, {"wall": values[:2]}, style=style)
    field = read_field(path, "vector")
    np.testing.assert_array_equal(field.on(7), values)
    np.testing.assert_array_equal(field.boundary["wall"]["value"][1], values[:2])


@pytest.mark.parametrize("style", [Style(zipped=True), Style(binary=True, zipped=True)], ids=["text", "bytes"])
def test_a_compressed_file_is_read(style, tmp_path):
    cases.write_field(tmp_path / "U", VECTORS, {"wall": "type noSlip;"}, style=style)
    np.testing.assert_array_equal(read_field(tmp_path / "U.gz", "vector").on(7), VECTORS)


INCLUDED = {
    "macro": (f"ULES_internalField nonuniform List<vector> {VECTOR_LIST};", "$ULES_internalField", '#include "data"'),
    "braces": (f"ULES nonuniform List<vector> {VECTOR_LIST};", "${ULES}", '#include "data"'),
    "in its place": (VECTOR_LIST, 'nonuniform List<vector> #include "data"', ""),
    "whole value": (f"nonuniform List<vector> {VECTOR_LIST};", '#include "data"', ""),
    "case folder": (f"set {{ U nonuniform {VECTOR_LIST}; }}", "$:set.U", '#include "$FOAM_CASE/0/data"'),
    "passed over": (f"U {VECTOR_LIST};", "$U", '#includeEtc "caseDicts/setConstraintTypes"\n#include "data"'),
}


@pytest.mark.parametrize(("data", "internal", "before"), INCLUDED.values(), ids=INCLUDED)
def test_includes_and_macros_are_followed(data, internal, before, tmp_path):
    (tmp_path / "0").mkdir()
    (tmp_path / "0" / "data").write_text(f"// numbers\n{data}\n")
    path = write(tmp_path / "0" / "U", internal, before=before)
    np.testing.assert_array_equal(read_field(path, "vector").on(7), VECTORS)


@pytest.mark.parametrize("text", [VECTOR_LIST, f"nonuniform List<vector> {VECTOR_LIST};"])
def test_a_file_that_is_only_a_list_is_a_field(text, tmp_path):
    path = tmp_path / "U"
    path.write_text(text)
    field = read_field(path, "vector")
    np.testing.assert_array_equal(field.on(7), VECTORS)
    assert (field.dimensions, field.boundary) == (None, {})


def test_the_entries_of_a_dictionary_are_found_around_comments_macros_and_words_with_brackets(tmp_path):
    path = tmp_path / "dict"
    path.write_text(
        'a 1; // a 2;\n/* a 3; */ word grad(U);\n"(in|out).*" { type cyclic; }\n'
        'base { value uniform 5; } copy { $base; kind $..a; }\nnames 2(x y); url "http://x";'
    )
    entries = read_dictionary(path).entries
    assert entries["a"] == ["1"]
    assert entries["word"] == ["grad(U)"]
    assert entries['"(in|out).*"'] == {"type": ["cyclic"]}
    assert entries["copy"]["value"] == ["uniform", "5"]
    assert entries["copy"]["kind"] == ["1"]
    assert entries["names"] == [["x", "y"]]
    assert entries["url"] == ["http://x"]


BROKEN = {
    "cut inside": ("nonuniform List<vector> 7((1 2 3) (4 5 6) (", ["truncated", "2 of 7"]),
    "an entry lost": (f"nonuniform List<vector> 8{VECTOR_LIST[1:]}", ["7 entries", "8 are announced"]),
    "a number lost": ("nonuniform List<vector> 2((1 2 3) (4 5))", ["not whole"]),
    "wrong type": ("nonuniform List<scalar> 2((1 2) (4 5))", ["2 numbers", "a scalar has 1"]),
    "a word": ("nonuniform List<vector> 2((1 2 3) (4 x5 6))", ["x5", "a number is expected", "line 10"]),
    "no number": ("uniform (a b c)", ["no numbers", "internalField"]),
    "two numbers": ("uniform (1 2)", ["(2,)", "vector"]),
    "macro": ("$ULES", ["nothing is called $ULES"]),
    "include": ('#include "nowhere"', ["cannot be read", "nowhere"]),
    "code": ("#codeStream { code #{ 1; #}; }", ["no numbers"]),
    "too long": ("nonuniform List<scalar> 99999999999999{1}", ["99999999999999"]),
    "brace": ("nonuniform List<vector> 3{(1 2)}", ["2 numbers", "a vector has 3"]),
}


@pytest.mark.parametrize(("text", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_field_is_refused_with_its_file(text, words, tmp_path):
    path = write(tmp_path / "U", text)
    assert_refused(DataFileError, lambda: read_field(path, "vector").on(7), str(path), *words)


def test_a_file_that_includes_itself_is_refused(tmp_path):
    path = write(tmp_path / "U", "uniform (1 0 0)", before='#include "U"')
    assert_refused(DataFileError, lambda: read_field(path, "vector"), "includes itself", "line")


def test_brackets_without_end_are_refused(tmp_path):
    path = write(tmp_path / "U", "uniform " + "(a " * 500)
    assert_refused(DataFileError, lambda: read_field(path, "vector"), "deep")


WRONG_ARCH = {
    "order": (Style(True, ">"), Style(True, "<"), ["MSB", "LSB"]),
    "label": (Style(True, label=8), Style(True, label=4), ["label=64"]),
    "scalar": (Style(True, scalar=4), Style(True, scalar=8), ["scalar=32"]),
}


@pytest.mark.parametrize(("written", "said", "words"), WRONG_ARCH.values(), ids=WRONG_ARCH)
def test_a_header_that_lies_about_the_bytes_is_refused(written, said, words, tmp_path):
    if "label=64" in words:
        cases.put(tmp_path / "U", "labelList", cases.listed(np.arange(1, 9), written), said)
        assert_refused(DataFileError, lambda: read_dictionary(tmp_path / "U"), *words)
        return
    cases.write_field(tmp_path / "U", VECTORS, {"wall": "type noSlip;"}, style=written)
    raw = (tmp_path / "U").read_bytes().replace(written.header.encode(), said.header.encode())
    (tmp_path / "U").write_bytes(raw)
    assert_refused(DataFileError, lambda: read_field(tmp_path / "U", "vector"), *words)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("scalar=64", "scalar=16", ["scalar=16", "arch"]),
        ("format binary", "format floppy", ["floppy", "binary"]),
        ("volVectorField", "surfaceVectorField", ["surfaceVectorField", "volVectorField"]),
        ("volVectorField", "volScalarField", ["volScalarField", "volVectorField"]),
        ("volVectorField", "dictionary", ["dictionary", "volVectorField"]),
    ],
)
def test_another_header_is_refused(old, new, words, tmp_path):
    cases.write_field(tmp_path / "U", VECTORS, {"wall": "type noSlip;"}, style=Style(binary=True))
    raw = (tmp_path / "U").read_bytes()
    (tmp_path / "U").write_bytes(raw.replace(old.encode(), new.encode(), 1))
    assert_refused(DataFileError, lambda: read_field(tmp_path / "U", "vector"), *words)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
@pytest.mark.parametrize("binary", [False, True])
def test_what_is_not_a_number_is_refused(bad, binary, tmp_path):
    values = VECTORS.copy()
    values[4, 1] = bad
    cases.write_field(tmp_path / "U", values, {"wall": "type noSlip;"}, style=Style(binary=binary))
    assert_refused(NonFiniteError, lambda: read_field(tmp_path / "U", "vector"), "1 of 21", "entry 4")


def test_a_field_without_its_boundary_is_truncated(tmp_path):
    cases.put(tmp_path / "U", "volVectorField", b"internalField uniform (1 0 0);")
    assert_refused(DataFileError, lambda: read_field(tmp_path / "U", "vector"), "boundaryField", "truncated")


@pytest.mark.parametrize("text", ["[0 2 -1 0 0 0 0]", "[0 2 -1 0 0]", "[m^2 s^-1]", "[m2 s-1]", "[m m s^-1]"])
def test_dimensions_are_read_with_or_without_names(text):
    assert parse_dimensions(text, Path("U")) == (0, 2, -1, 0, 0, 0, 0)


@pytest.mark.parametrize("text", ["[0 2]", "[furlong]", "[]x"])
def test_other_dimensions_are_refused(text):
    assert_refused(UnitsError, lambda: parse_dimensions(text, Path("U")), text, "[0 1 -1 0 0 0 0]")


def test_the_pressure_of_a_compressible_run_is_refused():
    kinematic, pascal = (0.0, 2.0, -2.0, 0.0, 0.0, 0.0, 0.0), (1.0, -1.0, -2.0, 0.0, 0.0, 0.0, 0.0)
    check_dimensions(kinematic, kinematic, Path("p"), "pressure")
    assert_refused(UnitsError, lambda: check_dimensions(pascal, kinematic, Path("p"), "pressure"), "divide", "density")


def test_a_folder_or_a_broken_archive_is_refused(tmp_path):
    assert_refused(DataFileError, lambda: read_field(tmp_path, "vector"), "there is no file")
    cases.write_field(tmp_path / "U", VECTORS, {"wall": "type noSlip;"}, style=Style(zipped=True))
    raw = (tmp_path / "U.gz").read_bytes()
    (tmp_path / "U.gz").write_bytes(raw[: len(raw) // 2])
    assert_refused(DataFileError, lambda: read_field(tmp_path / "U.gz", "vector"), "cannot be read")
