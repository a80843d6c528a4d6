"""Write reproductions.md and benchmarks.md from results/*.json; ``--check`` only says whether they are stale."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

NOTE = "<!-- Written by docs/tables.py from docs/results; change the results or the script, not this page. -->"
KEYS = ("name", "command", "commit", "machine", "threads", "seeds", "seconds", "rows")
VERDICT = {True: "passed", False: "missed", None: "reported"}
INTRODUCTION = {
    "reproductions.md": """# Reproductions

What publications claim, or what a bar of this library demands, beside what geodl measures.
"passed" and "missed" compare the measured number with the bar; "reported" stands where nothing is demanded.
`make reproduce` measures everything anew. Where trainings were kept from an earlier run, the seconds of a command may
be those of judging alone; what data and trainings took stands in its rows.
""",
    "benchmarks.md": """# Benchmarks

Speed on a named machine, with the competitor in the same run.
"passed" and "missed" compare the measured number with the bar; "reported" stands where nothing is demanded.
`make bench` measures everything anew.
""",
}


def page_of(name: str) -> str:
    """The page on which a result stands."""
    return "benchmarks.md" if name.startswith(("bench", "export")) else "reproductions.md"


def number(value: float | str | None) -> str:
    """Three significant digits; a dash where there is nothing."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{float(f'{value:.3g}'):g}"


def cell(value: object) -> str:
    """Text that cannot break a table."""
    text = " ".join(str(value).split())
    return text.replace("<=", "≤").replace(">=", "≥").replace("|", "\\|").replace("<", "&lt;")


def read(path: Path) -> dict[str, Any]:
    """A result file.

    Raises:
        ValueError: it is not JSON, or lacks a key.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    missing = [key for key in KEYS if key not in result]
    if missing:
        raise ValueError(f"{path} lacks {', '.join(missing)}; expected {', '.join(KEYS)}")
    return result


def section(result: dict[str, Any]) -> str:
    """Heading, circumstances and table of one result."""
    seeds = ", ".join(map(str, result["seeds"])) or "none"
    lines = [
        f"## {result['name']}",
        "",
        f"`{result['command']}` at commit {result['commit']} on {result['machine']}; "
        f"threads: {result['threads']}; seeds: {seeds}; {number(result['seconds'])} s.",
        *([result["note"]] if result.get("note") else []),
        "",
        "| claim | unit | published | measured | bar | result |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for row in result["rows"]:
        values = (
            cell(row["claim"]),
            cell(row["unit"]),
            cell(number(row["published"])),
            cell(number(row["measured"])),
            cell(number(row["bar"])),
            VERDICT[row["passed"]],
        )
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def render(results_folder: Path) -> dict[str, str]:
    """File names of the pages and their texts, from all results of a folder in the order of their names."""
    sections: dict[str, list[str]] = {page: [] for page in INTRODUCTION}
    for path in sorted(results_folder.glob("*.json")):
        result = read(path)
        sections[page_of(result["name"])].append(section(result))
    return {
        page: "\n".join([NOTE, "", introduction, *(sections[page] or ["No results yet.\n"])])
        for page, introduction in INTRODUCTION.items()
    }


def stale(pages: dict[str, str], folder: Path) -> list[str]:
    """Names of the pages that are missing or differ from their results."""
    return [
        name
        for name, text in pages.items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` return 1 if one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is stale")
    check = parser.parse_args(arguments).check
    pages = render(HERE / "results")
    names = stale(pages, HERE)
    if check:
        for name in names:
            print(f"docs/{name} is stale: run `python docs/tables.py`", file=sys.stderr)
        return int(bool(names))
    for name in names:
        (HERE / name).write_text(pages[name], encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
