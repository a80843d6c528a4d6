"""Lists of links keep pointing at the same cells when samples come and go."""

import dataclasses

import torch

from geodl.flow.geometry.grid import Grid
from geodl.flow.geometry.shapes import Circle
from geodl.flow.lattice.links import Links
from geodl.flow.lattice_boltzmann import LatticeBoltzmann

BODIES = [Circle((2.0, 2.0 + 0.1 * n), 0.4) for n in range(3)]


def problem(bodies):
    return LatticeBoltzmann(bodies, Grid.parse("32x16"), reynolds=10.0, engine="torch")._batch.problem


def columns(links):
    order = links.target.argsort()
    return {field.name: getattr(links, field.name)[order] for field in dataclasses.fields(links)}


def test_a_part_of_a_batch_has_the_links_that_it_would_have_alone():
    part, alone = problem(BODIES).of_samples(torch.tensor([2, 0])), problem([BODIES[2], BODIES[0]])
    for name in ("links", "outlets"):
        for got, expected in zip(*(columns(getattr(p, name)).values() for p in (part, alone)), strict=True):
            torch.testing.assert_close(got, expected, rtol=0, atol=0)


def test_no_two_links_write_to_one_slot_and_none_reads_what_another_writes():
    whole = problem(BODIES)
    targets = torch.cat([whole.links.target, whole.outlets.target])
    assert len(targets.unique()) == len(targets)
    for source in (whole.links.first, whole.links.second, whole.links.third, whole.outlets.opposite):
        assert not torch.isin(source, targets).any()


def test_links_without_targets_can_be_divided_too():
    index, weight = torch.zeros(0, dtype=torch.int64), torch.zeros(0)
    empty = Links(index, index, index, index, weight, weight, weight, weight)
    assert len(empty.of_samples(torch.tensor([1]), 100)) == len(empty.repeated(3, 100)) == 0
