"""Settings of the documentation; the page of a family is its own README.md."""

from pathlib import Path

import geodl
from geodl.core.contract import families

HERE = Path(__file__).parent

project = "geodl"
author = "the geodl developers"
project_copyright = "2026, the geodl developers"
version = release = geodl.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "results"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"plot_",
    "ignore_pattern": r"__init__\.py|/solver/",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "geodl"
html_show_sourcelink = False
# Pages without pages below them need no navigation at their left.
html_sidebars = {
    page: [] for page in ("index", "start", "concepts", "add_a_family", "reproductions", "benchmarks", "api")
}
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 5,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}


def write_family_pages(app: object) -> None:
    """One page per family, which includes the README.md of its folder; pages without a family are removed."""
    del app
    pages = {HERE / "families" / f"{name}.md": name for name in families()}
    for path in set((HERE / "families").glob("*.md")) - {*pages, HERE / "families" / "index.md"}:
        path.unlink()
    for path, name in pages.items():
        text = f"```{{include}} ../../geodl/{name}/README.md\n:relative-docs: .\n:relative-images:\n```\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def escape_bars(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """|b| in a docstring is a length, not the name of a substitution."""
    del app, what, name, obj, options
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escape_bars, priority=400)  # type: ignore[attr-defined]
    app.connect("builder-inited", write_family_pages)  # type: ignore[attr-defined]
