"""A report is one page that needs nothing else, shows the numbers that were measured, and runs nothing."""

import base64
import dataclasses
import html.parser
import re

import pytest
import torch
from torch import Tensor, nn

from geodl.core.contract import Claim
from geodl.core.schema import Schema
from geodl.errors import OutputError
from geodl.testing import assert_refused
from geodl.train.evaluate import evaluate
from geodl.train.fit import fit
from geodl.train.report import render, report
from tests import toy

EVIL = "<script>alert('x')</script> & <img src=x onerror=alert(1)>"


class Page(html.parser.HTMLParser):
    """Tags with their attributes, and the visible text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.words = list[tuple[str, dict[str, str | None]]](), ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def text(surrogate, parts) -> str:
    claims = [
        Claim("error <b>small</b>", 0.0123, "K", bar=("<=", 0.02), published=0.015),
        Claim("skill", 0.5, "1", bar=(">=", 0.9)),
        Claim("speed", 3.0, "s"),
    ]
    return render(surrogate, parts.test, claims, f"read with care {EVIL}")


def test_nothing_is_fetched_from_elsewhere(text):
    page = Page(text)
    assert not page.all("script") + page.all("link") + page.all("iframe") + page.all("object")
    sources = [value for _, attrs in page.tags for key, value in attrs.items() if key in ("src", "href", "srcset")]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"@import|url\(", text)


def test_every_figure_is_inside_and_is_a_picture(text):
    page = Page(text)
    assert [image["alt"] for image in page.all("img")] == [
        "Error of every model", "Predicted against true", "Loss during training",
    ]  # fmt: skip
    for image in page.all("img"):
        picture = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"), validate=True)
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        assert picture.endswith(b"IEND\xaeB`\x82")


def test_words_of_others_are_shown_and_never_run(surrogate, parts, text):
    data = {part: {**words, "title": EVIL} for part, words in surrogate.record.data.items()}
    record = dataclasses.replace(surrogate.record, data=data, citations=(EVIL,), licence=EVIL)
    family = dataclasses.replace(surrogate.family, name=EVIL, about=EVIL)
    page = Page(render(dataclasses.replace(surrogate, record=record, family=family), parts.test))
    assert page.words.count(EVIL) >= 6
    assert not page.all("script")
    assert len(page.all("img")) == 3
    assert EVIL in Page(text).words
    assert "error <b>small</b>" in Page(text).words


def test_the_numbers_are_those_of_the_evaluation(surrogate, parts, text):
    scores, words = evaluate(surrogate, parts.test), Page(text).words
    for model in ("surrogate", "mean", "linear", "quadratic"):
        assert model in words
        assert f"{float(scores['rmse_density'].sel(model=model)):.3g}" in words
    assert f"{float(scores['coverage_density']):.1%}" in words
    assert surrogate.sha256 in words
    best = str(scores["model"].values[scores["rmse_density"].values.argmin()])
    assert f'class="best">{float(scores["rmse_density"].sel(model=best)):.3g}<' in text


def test_claims_are_shown_with_their_verdicts(text):
    rows = re.findall(r'<tr class="(\w*)"><td>(.*?)</td>.*?<td>(\w+)</td></tr>', text)
    assert rows == [
        ("pass", "error &lt;b&gt;small&lt;/b&gt;", "passed"), ("fail", "skill", "missed"), ("", "speed", "reported"),
    ]  # fmt: skip


def test_a_report_is_the_same_every_time(surrogate, parts):
    assert render(surrogate, parts.test) == render(surrogate, parts.test)


def test_data_without_a_title_have_a_report(family, parts):
    bare = [part.drop_attrs(deep=False) for part in (parts.train, parts.valid, parts.test)]
    made = fit(family, *bare[:2], show=False)
    assert "not stated" in Page(render(made, bare[2])).words


class Density(nn.Module):
    """A plane through temperature and pressure."""

    def __init__(self) -> None:
        super().__init__()
        self.plane = nn.Linear(2, 1)

    def forward(self, temperature: Tensor, pressure: Tensor) -> tuple[Tensor]:
        return (self.plane(torch.stack([temperature, pressure], 1))[:, 0],)


def test_scalar_inputs_have_their_accepted_range_in_physical_units(parts):
    """Without the wind the guard looks at the inputs one by one."""
    family = dataclasses.replace(toy.family(), schema=Schema(toy.INPUTS[:2], toy.OUTPUTS[:1]), build=Density)
    page = render(fit(family, parts.train, parts.valid, show=False), parts.test)
    cells = re.search(r"<td>pressure</td><td>air pressure</td><td>Pa</td><td>(\S+)</td><td>(\S+)</td>", page)
    low, high = map(float, cells.groups())
    assert low == pytest.approx(float(parts.train["pressure"].min()), rel=0.1)
    assert high == pytest.approx(float(parts.train["pressure"].max()), rel=0.1)


def test_a_report_is_not_overwritten_unasked(surrogate, parts, tmp_path):
    path = report(surrogate, parts.test, tmp_path / "report.html")
    assert path.read_text() == render(surrogate, parts.test)
    assert_refused(OutputError, lambda: report(surrogate, parts.test, path), "exists", "overwrite")
