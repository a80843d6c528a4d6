"""A surrogate as a graph: the answers of Python with their status, for any number of samples; and what is refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file
from torch import Tensor

import geodl
from geodl.errors import CompilerError, ExportError, MissingPackageError, ShapeError
from geodl.exports.graph import traced
from geodl.exports.onnx import onnx_graph, require_same
from geodl.testing import assert_refused
from tests import toy
from tests.exports.folders import needs_compiler
from tests.exports.graphs import assert_answers_of_python, gases

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def folder(surrogate, tmp_path_factory):
    return geodl.export(surrogate, tmp_path_factory.mktemp("graph") / "toy", format="onnx")


@pytest.fixture(scope="module")
def handle(folder) -> geodl.Handle:
    return geodl.Handle(folder)


@pytest.fixture(scope="module", name="gases")
def gases_of_the_toy() -> tuple[Tensor, ...]:
    return gases()


def test_a_graph_gives_the_answers_of_python_for_any_number_of_samples(surrogate, handle):
    assert_answers_of_python(surrogate, handle)


def test_what_is_unlike_the_training_data_or_no_number_is_flagged(handle, gases):
    temperature, pressure, wind = (x[:4].numpy().copy() for x in gases)
    temperature[0], pressure[1], wind[2, 1] = 900.0, -1.0, np.nan
    assert list(handle(temperature, pressure, wind)[-1]) == [1, 1, 1, 0]


def test_no_samples_give_no_samples(handle, gases):
    assert [len(x) for x in handle(*(x[:0].numpy() for x in gases))] == [0, 0, 0]
    assert_refused(ShapeError, lambda: handle(*(x.numpy() for x in gases[:2])), "temperature, pressure, wind")


def test_a_bound_call_reads_and_writes_arrays_where_they_are(handle, gases):
    given = [x[:9].numpy().copy() for x in gases]
    call, made = handle.bind(*given)
    call()
    before = made[0].copy()
    given[1] *= 1.1
    call()
    assert (made[0] > before).all()


def test_the_graph_is_plain_onnx_with_the_names_of_the_schema(folder):
    model = onnx.load(folder / "toy.onnx")
    onnx.checker.check_model(model)
    assert [node.name for node in model.graph.input] == ["temperature", "pressure", "wind"]
    assert [node.name for node in model.graph.output] == ["density", "flux", "status"]
    assert max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")) >= 18
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}


def test_a_folder_says_what_is_in_it(folder, surrogate):
    described = json.loads((folder / "schema.json").read_text())
    assert described["shapes"] == {
        "temperature": [],
        "pressure": [],
        "wind": [3],
        "density": [],
        "flux": [3],
        "status": [],
    }
    assert described["bundle_sha256"] == surrogate.sha256
    assert {a["name"]: a["units"] for a in described["arguments"]}["flux"] == "kg m-2 s-1"
    assert set(load_file(folder / "recorded.safetensors")) == set(described["shapes"])
    assert "onnxruntime.InferenceSession" in (folder / "README.md").read_text()


def test_a_handle_of_a_graph_needs_no_torch(folder):
    code = f"import sys, geodl; geodl.Handle({str(folder)!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_runtime_that_answers_otherwise_is_refused(surrogate):
    model, made = onnx_graph(surrogate)
    wrong = [x + 1 if x.is_floating_point() else x for x in made.outputs]
    made.outputs[0].copy_(wrong[0])
    assert_refused(ExportError, lambda: require_same(model, made), "density", "not written")


def test_what_depends_on_its_numbers_is_refused(surrogate):
    class Choosing(toy.ToyNetwork):
        def forward(self, temperature: Tensor, pressure: Tensor, wind: Tensor) -> tuple[Tensor, Tensor]:
            return super().forward(temperature if bool(temperature.sum() > 0) else -temperature, pressure, wind)

    def choosing():
        made = geodl.fit(toy.family(), toy.dataset(), toy.dataset(seed=1), show=False)
        made.core.network.__class__ = Choosing
        return traced(made)

    assert_refused(ExportError, choosing, "'toy'", "as a graph")


def test_a_family_whose_made_up_data_are_of_something_else_is_refused(tmp_path):
    hydrogen = geodl.load("chemistry-h2")
    assert_refused(
        ExportError, lambda: geodl.export(hydrogen, tmp_path / "a", format="onnx"), "format c", "fingerprint"
    )


def test_without_its_packages_it_says_which_extra(surrogate, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert_refused(MissingPackageError, lambda: geodl.export(surrogate, tmp_path / "a", format="onnx"), "geodl[onnx]")


@needs_compiler
def test_a_folder_with_both_formats_runs_the_graph_where_there_is_no_compiler(tmp_path, monkeypatch, folder):
    from tests.dynamics.test_in_c import trained

    made = geodl.export(trained("tanh"), tmp_path / "both", format="c")
    monkeypatch.setenv("CC", "no-such-compiler")
    assert_refused(CompilerError, lambda: geodl.Handle(made), "no-such-compiler", "format=['c', 'onnx']")
    folder.rename(made / "onnx")
    with pytest.warns(UserWarning, match="runs instead"):
        assert geodl.Handle(made).description["format"] == "onnx"
    (made / "onnx").rename(folder)
