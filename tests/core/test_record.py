"""A surrogate knows what it was made from."""

import dataclasses
import json

import torch
import xarray as xr

import geodl
from geodl.core.record import Record, describe_data, fingerprint
from tests import toy


def test_the_fingerprint_of_known_tensors_is_known():
    """SHA-256 of 'torch.float32(2,)' and the eight bytes 0000803f 00000040."""
    digest = "e76d7533ca1b61e2354662cbe7960d152b4962a5ad8ba0d9d4c679ae21b818f5"
    assert fingerprint([torch.tensor([1.0, 2.0])]) == digest


def test_the_fingerprint_sees_values_shapes_types_and_order():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    others = [x + 1e-6, x.reshape(2, 2), x.double(), x.flip(0), x[:3]]
    assert len({fingerprint([t]) for t in [x, *others]}) == 1 + len(others)
    assert fingerprint([x, x[:1]]) != fingerprint([x[:1], x])
    assert fingerprint([x.reshape(2, 2).mT.contiguous().mT]) == fingerprint([x.reshape(2, 2)])


def test_a_record_says_which_data_in_whose_words():
    ds = toy.dataset().assign_attrs(source="made up", comment="not kept")
    x = torch.zeros(5, 2)
    assert describe_data(ds, [x], [x]) == {
        "title": "ideal gas", "source": "made up", "license": "CC0-1.0", "samples": 5, "sha256": fingerprint([x, x]),
    }  # fmt: skip
    assert set(describe_data(xr.Dataset(), [x], [x])) == {"samples", "sha256"}


def test_a_record_is_plain_json_with_versions_and_without_dates():
    record = Record(1, {"epochs": 2}, {}, [])
    assert json.loads(json.dumps(dataclasses.asdict(record))) | {"citations": ()} == dataclasses.asdict(record)
    assert record.versions["geodl"] == geodl.__version__
    assert record.versions["torch"] == torch.__version__
    assert Record(1, {"epochs": 2}, {}, []) == record
