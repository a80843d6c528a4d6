"""Rows go together as many as fit, and what is computed does not depend on it."""

import pytest
import torch

from geodl.core.blocks import BATCH, VALUES, blockwise, rows_of_block


@pytest.mark.parametrize(
    ("shapes", "rows"),
    [
        ([(7,)], BATCH), ([(7, 10), (7,)], BATCH), ([(7, 64, 128)], VALUES // 8192),
        ([(7, 64, 128), (7,)], VALUES // 8193), ([(1, 1024, 1024)], 1), ([(0, 64, 128)], BATCH),
    ],
)  # fmt: skip
def test_rows_that_hold_fields_come_in_fewer(shapes, rows):
    assert rows_of_block(tuple(torch.empty(shape) for shape in shapes)) == rows


def test_no_more_rows_than_asked_for():
    assert rows_of_block((torch.empty(5, 3),), 100) == 100
    assert rows_of_block((torch.empty(5, 1024, 64),), 100) == VALUES // 65536


def test_fields_give_the_same_in_blocks_as_at_once():
    seen = []

    def smoothed(field, factor):
        seen.append(len(field))
        return field.mean((1, 2)) * factor, field[:, ::64, ::64]

    inputs = torch.rand(130, 64, 128), torch.rand(130)
    found = blockwise(smoothed, inputs, torch.float32, torch.device("cpu"))
    expected = inputs[0].mean((1, 2)) * inputs[1], inputs[0][:, ::64, ::64]
    assert seen == [63, 63, 4]
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
