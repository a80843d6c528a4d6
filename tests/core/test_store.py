"""A bundle is opened whole and unchanged or not at all, and opening it never runs anything."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

import geodl
from geodl.core import store
from geodl.core.contract import Family
from geodl.core.guard import Guard, Intervals
from geodl.core.record import Record
from geodl.core.surrogate import Core, Surrogate, load
from geodl.errors import BundleCorruptedError, BundleError, BundleVersionError
from geodl.testing import assert_refused

GOLDEN = Path(__file__).parent / "golden" / "bundle-v1.safetensors"
TENSORS = {
    "w": torch.arange(6.0).reshape(2, 3),
    "n": torch.tensor([3, -1]),
    "empty": torch.zeros(0),
    "x": torch.ones(()),
}
CONTENT = {"family": "toy", "words": 'quotes " \\ and é', "numbers": [1, 2.5e-300, None, True]}


@pytest.fixture
def raw() -> bytes:
    return store.to_bytes(TENSORS, CONTENT)


def test_a_bundle_gives_back_its_tensors_and_content_exactly(raw):
    tensors, content = store.from_bytes(raw)
    assert set(tensors) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)
    assert CONTENT.items() <= content.items()


def test_equal_content_gives_equal_bytes_whatever_the_order_and_layout_of_the_tensors(raw):
    turned = {name: TENSORS[name] for name in reversed(TENSORS)} | {"w": TENSORS["w"].mT.contiguous().mT}
    assert store.to_bytes(turned, CONTENT) == raw
    assert store.to_bytes(TENSORS | {"x": torch.tensor(1.0000001)}, CONTENT) != raw
    assert store.to_bytes(TENSORS, CONTENT | {"family": "toi"}) != raw


def test_a_header_of_any_length_is_read():
    """The file begins with that length: of every 32 headers, one begins like a pickle."""
    firsts = set()
    for length in range(256):
        raw = store.to_bytes(TENSORS, {"pad": length * "x"})
        store.from_bytes(raw)
        firsts.add(raw[0])
    assert 0x80 in firsts


def test_other_readers_of_safetensors_open_a_bundle(raw):
    assert torch.equal(safetensors.torch.load(raw)["w"], TENSORS["w"])


def test_what_json_cannot_say_is_not_written():
    with pytest.raises(ValueError, match="JSON"):
        store.to_bytes({}, {"loss": float("nan")})


def test_a_change_of_any_single_byte_is_found(raw):
    for flip in (0x01, 0x80, 0xFF):
        for position in range(len(raw)):
            broken = bytearray(raw)
            broken[position] ^= flip
            with pytest.raises(BundleError):
                store.from_bytes(bytes(broken))


def test_a_change_of_the_data_or_of_the_words_is_called_corruption(raw):
    for position in (len(raw) - 1, raw.index(b"toy"), raw.index(b'"F32"')):
        broken = raw[:position] + b"!" + raw[position + 1 :]
        assert_refused(BundleCorruptedError, lambda broken=broken: store.from_bytes(broken), "checksum")


def test_a_bundle_cut_anywhere_is_refused(raw):
    for length in range(len(raw)):
        with pytest.raises(BundleError):
            store.from_bytes(raw[:length])
    with pytest.raises(BundleError):
        store.from_bytes(raw + b"\0")


def test_a_newer_format_is_refused_with_the_version_to_install(monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(store, "FORMAT", store.FORMAT + 1)
        later.setattr(store, "_NEEDS", "9.8.7")
        raw = store.to_bytes(TENSORS, CONTENT)
    assert_refused(BundleVersionError, lambda: store.from_bytes(raw), f"format {store.FORMAT + 1}", "geodl >= 9.8.7")


def test_safetensors_of_others_are_refused():
    for metadata in (None, {"format": "pt"}, {"geodl": "{}"}, {"geodl": '{"sha256":"' + 64 * "0" + '"}'}):
        foreign = safetensors.torch.save({"w": torch.zeros(2)}, metadata)
        with pytest.raises(BundleError):
            store.from_bytes(foreign)


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"CDF\x01", b"\xff" * 200, 9 * b"{}"], ids=lambda content: repr(content[:4])
)
def test_a_file_of_another_kind_is_refused(content):
    assert_refused(BundleError, lambda: store.from_bytes(content), "not a geodl bundle")


class Trap:
    """What a pickle would run when opened: it makes a file."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def torch_saved(trap: Trap, **keywords: bool) -> bytes:
    buffer = io.BytesIO()
    torch.save({"weights": torch.zeros(2), "trap": trap}, buffer, **keywords)
    return buffer.getvalue()


PICKLES = {
    "torch.save": torch_saved,
    "torch.save before 1.6": lambda trap: torch_saved(trap, _use_new_zipfile_serialization=False),
    **{f"pickle {n}": lambda trap, n=n: pickle.dumps(trap, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("kind", PICKLES)
def test_a_pickle_is_never_opened(kind, tmp_path):
    content = PICKLES[kind](Trap(tmp_path / "sprung"))
    (tmp_path / "model.safetensors").write_bytes(content)
    assert_refused(BundleError, lambda: load(tmp_path / "model.safetensors"), "model.safetensors")
    assert not (tmp_path / "sprung").exists()
    if kind.startswith("pickle"):  # the trap is a real one
        pickle.loads(content)
        assert (tmp_path / "sprung").exists()


def test_an_unreadable_file_is_refused(tmp_path):
    assert_refused(BundleError, lambda: store.read(tmp_path / "absent"), "absent", "No such file")
    assert_refused(BundleError, lambda: load(tmp_path), str(tmp_path))


def test_buffers_must_be_the_ones_of_the_module():
    halves = {"half_0": torch.ones(3)}
    store.set_buffers(module := Intervals(["standard"]), halves)
    assert torch.equal(module.half_0, halves["half_0"])
    for wrong in ({}, {"half_0": torch.ones(3), "half_1": torch.ones(3)}):
        assert_refused(
            BundleError, lambda wrong=wrong: store.set_buffers(Intervals(["standard"]), wrong), "half_0", "Intervals"
        )


def wave(*shape: int, start: int = 0) -> torch.Tensor:
    """Numbers from a formula, the same in every version of every library to within rounding."""
    count = int(np.prod(shape, dtype=int))
    return (torch.sin(torch.arange(start, start + count, dtype=torch.float64)) / 4).reshape(shape)


def golden_family() -> Family:
    state, dt = {"u": "m s-1", "T": "K"}, 0.5
    return geodl.family(
        "dynamics", system="data", state=state, dt=dt, time_units="h", leads=2, method="euler", substeps=1
    )


def golden() -> Surrogate:
    """Two state variables, forward Euler, all numbers from ``wave``."""
    family = golden_family()
    core = Core(family.schema, family.build()).double()
    for i, scaling in enumerate(core.scalings):
        scaling.mean.copy_(wave(start=i))
        scaling.std.copy_(1 + wave(start=i))
    core.network.field.constant.data.copy_(wave(2))
    core.network.field.weights.data.copy_(wave(5, 2))
    guard, intervals = Guard(2), Intervals(["standard", "isotropic"], 0.9)
    guard.whiten, guard.half_range = torch.eye(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    intervals.half_0, intervals.half_1 = wave(2).abs(), wave(2, start=5).abs()
    record = Record(7, {}, {}, [{"epoch": 1, "train": 0.5}], ("A 2026",), "CC0-1.0", {"geodl": "0.1.0"})
    return Surrogate(family, core, guard, intervals, {}, record)


def write_golden() -> None:
    """Made ``golden/bundle-v1.safetensors`` once; a new format gets a new file beside it, and every one must open."""
    GOLDEN.write_bytes(golden().to_bytes())


def test_a_bundle_of_the_first_format_still_opens():
    tensors, content = store.from_bytes(GOLDEN.read_bytes())
    close = {"rtol": 1e-14, "atol": 1e-16}
    torch.testing.assert_close(tensors["core.network.field.weights"], wave(5, 2), **close)
    torch.testing.assert_close(tensors["core.scalings.1.std"], 1 + wave(start=1), **close)
    torch.testing.assert_close(tensors["intervals.half_1"], wave(2, start=5).abs(), **close)
    assert tensors["guard.whiten"].tolist() == [[1, 0], [0, 1]]
    words = {"format": 1, "needs_geodl": "0.1.0", "family": "dynamics", "interval_level": 0.9, "dtype": "float64"}
    assert words.items() <= content.items()
    assert content["record"]["seed"] == 7
    assert json.loads(json.dumps(content["schema"])) == golden_family().schema.describe()


def test_a_surrogate_of_the_first_format_still_predicts_what_it_did():
    """By hand: one Euler step z + c + L z + Q z z per lead, on scaled states."""
    made = load(GOLDEN)
    mean, std = (np.array([f(i) for i in range(2)]) for f in (lambda i: np.sin(i) / 4, lambda i: 1 + np.sin(i) / 4))
    c, weights = wave(2).numpy(), wave(5, 2).numpy()
    start = np.array([0.3, -0.2])
    z, path = (start - mean) / std, []
    for _ in range(2):
        z = z + c + np.array([z[0], z[1], z[0] ** 2, z[0] * z[1], z[1] ** 2]) @ weights
        path.append(z * std + mean)
    found = torch.stack(made.core(*torch.tensor(start)[:, None]), -1)[0].detach().numpy()
    np.testing.assert_allclose(found, path, rtol=1e-13)
    assert store.from_bytes(made.to_bytes())[1] == store.from_bytes(GOLDEN.read_bytes())[1]
