"""The part of YAML in which mechanisms are written, read without further packages.

Read are maps and lists, indented or in brackets, plain and quoted text, numbers, true and false, comments, and text
that keeps or folds its lines. Anchors, tags, aliases and several documents in one file are refused: no mechanism needs
them, and what is not understood must not be guessed.

Source: https://yaml.org/spec/1.2.2; which plain words are numbers follows Cantera, so that the species N and NO stay
names.
"""

import json
import re
from typing import Any, NoReturn, no_type_check

from geodl.errors import MechanismError

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WORDS: dict[str, Any] = {"true": True, "True": True, "false": False, "False": False, "null": None, "~": None}
_WORDS |= {f"{sign}.{word}": float(sign + word) for sign in ("", "-") for word in ("inf", "nan")}

_SPACE = re.compile(r"(?:[ \t\n]|(?<![^\s])#[^\n]*)*")
_DASH = re.compile(r"-(?=\s|\Z)")
_COLON = re.compile(r"[ \t]*:(?=\s|\Z)")
_FLOW_COLON = re.compile(r"\s*:")
_END = r"(?=[ \t]*(?:\n|\Z|(?<=\s)#|:(?=\s|\Z)))"
_PLAIN = re.compile(r"[^\s#].*?" + _END)
_FLOW_PLAIN = re.compile(r"[^\s#,\[\]{}].*?(?=\s*(?:[,\[\]{}\n]|\Z|(?<=\s)#|:(?=[\s,\[\]{}])))")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|(\"(?:[^\"\\]|\\.)*\")", re.DOTALL)
_TEXT = re.compile(r"([|>])([-+]?)[ \t]*(?:#.*)?(?=\n|\Z)")
_LINE = re.compile(r"\n([^\n]*)")
_ONLY_DASHES = re.compile(r"[- ]*")


def parse(text: str) -> Any:
    """The maps, lists, numbers and words of a text.

    Raises:
        MechanismError: the text is not YAML, or uses a part of it that no mechanism needs; the line is named.
    """
    try:
        return _Reader(text).document()
    except RecursionError:
        raise MechanismError("lists and maps are nested too deeply to be a mechanism") from None


@no_type_check  # checks at run time take longer than what they check: methods are called for every word
class _Reader:
    """A place in a text that moves on as nodes are read."""

    def __init__(self, text: str):
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self.at = 0

    def document(self) -> Any:
        self.space()
        if self.text.startswith("---\n", self.at):
            self.at += 4
        value = self.node(-1)
        self.space()
        if self.at < len(self.text):
            self.refuse("something stands outside of the map or list that the text began with; check its indentation")
        return value

    def node(self, parent: int, *, in_map: bool = False) -> Any:
        """What stands further right than its parent; a list in a map may stand below its key."""
        if text := self.take(_TEXT):
            return self.long_text(parent, *text.groups())
        self.space()
        column = self.column()
        is_list = _DASH.match(self.text, self.at) is not None
        if self.at == len(self.text) or column < parent + (not (is_list and in_map)):
            return None
        if is_list:
            return self.sequence(column)
        return self.mapping_or_scalar(column, parent)

    def sequence(self, column: int) -> list[Any]:
        self.refuse_unless_first()
        values = []
        while self.column() == column and self.take(_DASH):
            self.blanks()
            values.append(self.node(column))
            self.space()
        return values

    def mapping_or_scalar(self, column: int, parent: int) -> Any:
        start, scalar = self.at, self.scalar_or_flow()
        if not _COLON.match(self.text, self.at):
            return self.continued(scalar, start, parent)
        self.at = start
        self.refuse_unless_first()
        values: dict[Any, Any] = {}
        while self.at < len(self.text) and self.column() == column and not _DASH.match(self.text, self.at):
            key = self.key(values, _COLON)
            self.blanks()
            values[key] = self.node(column, in_map=True)
            self.space()
        if self.at < len(self.text) and self.column() > column:
            self.refuse("this belongs to no key; check its indentation, or the brackets and quotes before it")
        return values

    def key(self, known: dict[Any, Any], colon: re.Pattern[str], *, flow: bool = False) -> Any:
        at, key = self.at, self.scalar(_FLOW_PLAIN if flow else _PLAIN)
        if not self.take(colon):
            self.refuse(f"{key!r} is a key without a value: write '{key}: …', with a space after the colon")
        if key in known:
            self.at = at
            self.refuse(f"the key {key!r} stands twice in one map")
        return key

    def scalar_or_flow(self) -> Any:
        return self.flow() if self.text[self.at] in "[{" else self.scalar(_PLAIN)

    def continued(self, value: Any, start: int, parent: int) -> Any:
        """Plain words go on in the next lines as long as these stand further right than the parent."""
        plain = self.text[start] not in "[{'\""
        words, end = [self.text[start : self.at]], self.at
        while plain and self.further(parent):
            end, more = self.at, self.scalar(_PLAIN)
            if _COLON.match(self.text, self.at):
                self.at = end
                self.refuse("a key inside of words that go on over several lines; check its indentation")
            words, end = [*words, str(more)], self.at
        self.at = end
        return value if len(words) == 1 else " ".join(words)

    def further(self, parent: int) -> bool:
        self.space()
        return self.at < len(self.text) and self.column() > parent

    def flow(self) -> Any:
        """A list or a map in brackets; only here may what belongs together stand at any column."""
        if self.text[self.at] not in "[{":
            return self.flow_words()
        at, closing = self.at, "]" if self.text[self.at] == "[" else "}"
        self.at += 1
        pairs: dict[Any, Any] = {}
        values: list[Any] = []
        while not self.next_is(closing, opened=at):
            if closing == "}":
                key = self.key(pairs, _FLOW_COLON, flow=True)
                pairs[key] = None if self.next_is(",}", opened=at, take=False) else self.flow()
            else:
                values.append(self.flow())
            if not self.next_is(",", opened=at) and not self.next_is(closing, opened=at, take=False):
                self.refuse(f"expected ',' or '{closing}' here")
        return pairs if closing == "}" else values

    def flow_words(self) -> Any:
        quoted = self.text[self.at] in "'\""
        words = [self.scalar(_FLOW_PLAIN)]
        while not quoted and not self.next_is(",]}:", opened=self.at, take=False):
            words.append(self.scalar(_FLOW_PLAIN))
        return words[0] if len(words) == 1 else " ".join(map(str, words))

    def next_is(self, signs: str, *, opened: int, take: bool = True) -> bool:
        self.space()
        if self.at == len(self.text):
            self.at = opened
            self.refuse("a bracket that opens here is never closed")
        found = self.text[self.at] in signs
        self.at += found and take
        return found

    def scalar(self, plain: re.Pattern[str]) -> Any:
        sign = self.text[self.at]
        if sign in "'\"":
            return self.quoted()
        if sign in "&*!%@`|>,[]{}" or (sign == "?" and self.text[self.at + 1 : self.at + 2].isspace()):
            self.refuse(f"{sign!r} begins something that is not read here: put words that begin with it in quotes")
        if sign == "\t":
            self.refuse("a tab: indent with spaces")
        found = self.take(plain)
        return _value(found.group()) if found else self.refuse("expected a word, a number, a list or a map here")

    def quoted(self) -> str:
        found = self.take(_QUOTED)
        if not found:
            self.refuse("a quote that opens here is never closed")
        words = re.sub(r"[ \t]*\n\s*", " ", found.group())
        if found.group(2) is None:
            return words[1:-1].replace("''", "'")
        try:
            return str(json.loads(words))
        except ValueError:
            self.at = found.start()
            self.refuse(f"{words} has an escape that is not read here: use single quotes")

    def long_text(self, parent: int, style: str, chomp: str) -> str:
        """Lines further right than the parent, kept (|) or folded (>)."""
        lines: list[str] = []
        while found := _LINE.match(self.text, self.at):
            if found[1].strip() and _indent(found[1]) <= parent:
                break
            lines.append(found[1])
            self.at = found.end()
        indent = min((_indent(line) for line in lines if line.strip()), default=0)
        text = "\n".join(line[indent:].rstrip() for line in lines).rstrip("\n")
        text = text if style == "|" else re.sub(r"\n(\n*)", lambda found: found[1] or " ", text)
        return text if chomp == "-" else text + "\n"

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def space(self) -> None:
        self.take(_SPACE)

    def blanks(self) -> None:
        """Blanks up to the value of a key or of a dash: the text of ``|`` begins in the next line."""
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1

    def column(self) -> int:
        return self.at - (self.text.rfind("\n", 0, self.at) + 1)

    def refuse_unless_first(self) -> None:
        """A map or a list of lines begins a line, or follows the dash of a list."""
        before = self.text[self.at - self.column() : self.at]
        if not _ONLY_DASHES.fullmatch(before):
            tab = "a tab: indent with spaces" if not before.strip("- \t") else "a second key or list in one line"
            self.refuse(tab)

    def refuse(self, why: str) -> NoReturn:
        line = self.text.count("\n", 0, self.at) + 1
        shown = self.text.split("\n")[line - 1].strip()
        raise MechanismError(f"line {line}: {why}. The line reads {shown[:80]!r}.")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _value(word: str) -> Any:
    """A number, true, false or nothing where a plain word means that, else the word."""
    if _NUMBER.fullmatch(word):
        return float(word) if any(sign in word for sign in ".eE") else int(word)
    return _WORDS.get(word, word)
