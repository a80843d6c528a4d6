"""The reader of YAML: what mechanisms are written in is read, and nothing else is guessed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodl.chemistry.mechanism.yaml_text import parse
from geodl.errors import MechanismError
from geodl.testing import assert_refused

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
VALUES = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(WORDS, part, max_size=3), max_leaves=12
)

MECHANISM = """\
# a comment
description: |-
  Two lines: the second
    further right  # no comment here

units: {length: cm, quantity: mol, activation-energy: cal/mol}   # a comment
phases:
- name: gas
  species: [H2, O2,   # a comment in a list
    NO, 'N', "O''(ox)",
  CH2(S)]
  state: {T: 300.0, X: {H2: 2, O2: 1}}
species:
  - name: H2
    data:
    - [2.5, 0.0,
      -1e-5]
    - [3,.5, +4.E2]
    note: 'it''s # quoted'
  -
    name: NO
    empty:
    nothing: ~
reactions:
- equation: 2 OH (+M) <=> H2O2 (+M)  # Reaction 1
  duplicate: true
  words: over
    two lines
- equation: O + H2 => H + OH
folded: >
  one
  line

  and one
last: 2.5.0
"""

EXPECTED = {
    "description": "Two lines: the second\n  further right  # no comment here",
    "units": {"length": "cm", "quantity": "mol", "activation-energy": "cal/mol"},
    "phases": [
        {
            "name": "gas",
            "species": ["H2", "O2", "NO", "N", "O''(ox)", "CH2(S)"],
            "state": {"T": 300.0, "X": {"H2": 2, "O2": 1}},
        }
    ],
    "species": [
        {"name": "H2", "data": [[2.5, 0.0, -1e-5], [3, 0.5, 400.0]], "note": "it's # quoted"},
        {"name": "NO", "empty": None, "nothing": None},
    ],
    "reactions": [
        {"equation": "2 OH (+M) <=> H2O2 (+M)", "duplicate": True, "words": "over two lines"},
        {"equation": "O + H2 => H + OH"},
    ],
    "folded": "one line\nand one\n",
    "last": "2.5.0",
}


@pytest.mark.parametrize("before", ["", "\ufeff", "---\n", "# first\n---\n"], ids=repr)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=repr)
def test_a_mechanism_is_read_whatever_ends_its_lines(before, end):
    assert parse((before + MECHANISM).replace("\n", end)) == EXPECTED


@given(VALUES)
@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"separators": (",", ":")}], ids=str)
def test_json_is_yaml(style, value):
    assert parse(json.dumps(value, **style)) == value


def block(value: Any, indent: str = "") -> str:
    """Lists and maps as indented lines."""
    if isinstance(value, dict) and value:
        return "".join(f"\n{indent}{json.dumps(key)}:{block(part, indent + '  ')}" for key, part in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{indent}-{block(part, indent + ' ')}" for part in value)
    return f" {json.dumps(value)}  # a comment"


@given(VALUES)
def test_indented_lines_say_what_brackets_say(value):
    assert parse(block(value)) == value


@pytest.mark.parametrize(
    "word", ["N", "NO", "No", "Y", "yes", "on", "H2O", "1,3-C4H6", "2.5.0", "1e", "O-", "a#b", "a:b"]
)
def test_names_stay_names(word):
    assert parse(f"name: {word}") == {"name": word}
    assert parse(f"{word}: 1") == {word: 1}


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("-2", -2), ("1.", 1.0), (".5", 0.5), ("+1.2E+17", 1.2e17), ("6e-3", 0.006), ("-.inf", float("-inf"))],
)
def test_numbers_become_numbers(text, number):
    found = parse(f"- {text}")[0]
    assert found == number
    assert type(found) is type(number)


def test_nothing_is_nothing():
    assert parse("") is None
    assert parse("# only a comment\n") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n b: 2", ["line 2", "indentation"]),
        ("a:\n  b: 1\n c: 2", ["line 3", "indentation"]),
        ("- a\nb: 1", ["line 2", "indentation"]),
        ("a: [1, 2\nb: 3", ["line 2", "expected ',' or ']'"]),
        ("a: [1,\n  {b: 2]", ["line 2", "expected ',' or '}'"]),
        ("x: 1\na: [1, 2", ["line 2", "never closed"]),
        ("a: 'text\n", ["line 1", "quote", "never closed"]),
        ('a: "\\q"', ["line 1", "single quotes"]),
        ("a: {H:2}", ["line 1", "'H:2: …'"]),
        ("a: 1\nb: 2\na: 3", ["line 3", "'a' stands twice"]),
        ("a: {b: 1, b: 2}", ["line 1", "'b' stands twice"]),
        ("a: b: 1", ["line 1", "one line"]),
        ("a: - 1", ["line 1", "one line"]),
        ("a:\n\tb: 1", ["line 2", "tab"]),
        ("a: &anchor 1", ["line 1", "'&'", "quotes"]),
        ("a: !!float 1", ["line 1", "'!'"]),
        ("a: *anchor", ["line 1", "'*'"]),
        ("? a", ["line 1", "'?'"]),
        ("%YAML 1.2", ["line 1", "'%'"]),
        ("a: 1\n---\nb: 2", ["line 2"]),
        ("a: one\n  b: 2", ["line 2", "several lines"]),
        ("a: [1, , 2]", ["line 1", "','"]),
        ("[1, 2] 3", ["line 1"]),
    ],
)
def test_what_is_not_understood_is_refused_with_its_line(text, words):
    assert_refused(MechanismError, lambda: parse(text), *words)


def test_endless_brackets_are_refused():
    assert_refused(MechanismError, lambda: parse("[" * 100_000), "nested too deeply")
