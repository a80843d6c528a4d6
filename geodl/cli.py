"""The command line: parsing and tables only, every verb is the library's."""

import inspect
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any, Optional

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from geodl.errors import GeodlError, OptionError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Turn reference simulations (NetCDF) into surrogates that a simulation can trust.",
)
console, problems = Console(), Console(stderr=True)

Data = Annotated[Path, typer.Argument(help="NetCDF file or Zarr store.", show_default=False)]
Bundle = Annotated[str, typer.Argument(help="Bundle file, or the name of a pretrained one.", show_default=False)]
FamilyName = Annotated[str, typer.Option("--family", "-f", help="Family, see `geodl families`.")]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", help="Option of the family as key=value; repeat for more.", show_default=False),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="Training setting as key=value, e.g. epochs=500; repeat for more."),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Device = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, cuda:1, …")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing output.")]


def pairs(items: list[str] | None) -> dict[str, Any]:
    """``key=value`` words as a dict; values are read as TOML, and as plain text where they are not TOML."""
    found: dict[str, Any] = {}
    for item in items or []:
        key, equals, value = item.partition("=")
        if not equals:
            raise OptionError(f"{item!r} is not of the form key=value")
        try:
            found[key] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[key] = value
    return found


def free_words(words: list[str] | None) -> dict[str, Any]:
    """Words that are no options of the command: ``--key value`` or ``--key=value``, and one alone, the source."""
    found: dict[str, Any] = {}
    waiting = iter(words or [])
    for word in waiting:
        key, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("-"):
            if "source" in found:
                raise OptionError(f"{word!r} is one word too many after the source {str(found['source'])!r}")
            found["source"] = Path(word)
        elif not word.startswith("--"):
            raise OptionError(f"there is no option {word!r}: arguments of the generator are written --key value")
        elif not equals and (value := next(waiting, "--")).startswith("--"):
            raise OptionError(f"{word!r} has no value: write {word} VALUE")
        else:
            found |= pairs([f"{key.replace('-', '_')}={value}"])
    return found


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table; the first column is left-aligned text."""
    grid = Table(title=title, title_justify="left", header_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        grid.add_column(column, justify="left" if i == 0 else "right", overflow="fold", no_wrap=i > 0)
    for row in rows:
        grid.add_row(*row)
    console.print(grid)


def say(text: str) -> None:
    """Print a line as it is: no markup, no colour, no breaks inside a path."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def number(value: float) -> str:
    return "–" if value != value else f"{value:.3g}"


@app.command()
def families() -> None:
    """List the families, what they do, and their options with defaults."""
    from geodl.core import contract
    from geodl.core.settings import brief

    for name in contract.families():
        recipe = contract.recipe(name)
        rows = [
            [key, str(brief(field.get_default(call_default_factory=True)))]
            for key, field in recipe.options.model_fields.items()
        ]
        table(f"{name}: {recipe.about}", ["option", "default"], rows)


@app.command(context_settings={"ignore_unknown_options": True})
def data(
    family: Annotated[str, typer.Argument(help="Family, see `geodl families`.")],
    out: Annotated[Path, typer.Option(help="NetCDF file to write; a folder where the family makes several.")],
    source: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE | --KEY VALUE",
            help="Folder with data as downloaded, if the family reads one; arguments of the generator.",
            show_default=False,
        ),
    ] = None,
    option: Options = None,
    generate: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="Argument of the generator as key=value, as --key value is."),
    ] = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Generate reference data of a family, or convert what was downloaded to its layout."""
    import xarray as xr

    import geodl
    from geodl.core.files import refuse_existing, write_data, write_folder

    if not out.is_dir():
        refuse_existing(out, overwrite=overwrite)
    chosen = geodl.family(family, **pairs(option))
    if chosen.generate is None:
        raise OptionError(f"family {family!r} has no generator with these options: bring your own data")
    given = pairs(generate) | free_words(source)
    kept = _kept_beside(out) if "folder" in inspect.signature(chosen.generate).parameters else {}
    try:
        made = chosen.generate(seed=seed, **(kept | given))
    except TypeError as error:
        raise OptionError(f"the generator of {family!r} refused its arguments: {error}") from error
    if isinstance(made, xr.Dataset):
        write_data(made, out, overwrite=overwrite)
        say(f"{out}: {dict(made.sizes)}")
    else:
        for path, ds in zip(write_folder(made, out, overwrite=overwrite), made.values(), strict=True):
            say(f"{path}: {dict(ds.sizes)}")
    if kept and "folder" not in given:
        _remove_parts(kept["folder"])


def _kept_beside(out: Path) -> dict[str, Path]:
    """Where a generator keeps what is finished: killed and started again, the command goes on from there."""
    return {"folder": out.with_name(f"{out.name}.parts")}


def _remove_parts(folder: Path) -> None:
    """Finished parts, all named from-<number>.nc; a folder that holds anything else is somebody's, and stays."""
    for part in folder.glob("from-*.nc"):
        part.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


@app.command()
def check(path: Data, family: FamilyName, option: Options = None) -> None:
    """Check a data file against a family: names, units, dimensions, finite values, time."""
    import torch

    import geodl
    from geodl.train.fit import prepare

    inputs, outputs = prepare(geodl.family(family, **pairs(option)), geodl.open_data(path), torch.float64)
    say(f"{path} fits family {family}: {len(inputs[0])} samples, {len(inputs)} inputs, {len(outputs)} outputs")


@app.command()
def fit(
    path: Data,
    out: Annotated[Path, typer.Argument(help="Bundle to write (.safetensors).")],
    family: FamilyName,
    option: Options = None,
    valid: Annotated[Path | None, typer.Option(help="Validation data; otherwise groups of PATH are set aside.")] = None,
    by: Annotated[str | None, typer.Option(help="What to split by; the family's group by default.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of training settings.")] = None,
    settings: Settings = None,
    folder: Annotated[Path | None, typer.Option(help="Keep checkpoints and log here, and resume from here.")] = None,
    seed: Seed = 0,
    device: Annotated[Optional[str], typer.Option(help="As the setting device: cpu, cuda, cuda:1, …")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a surrogate on a data file and save it as a bundle.

    Settings of the family give way to those of --config, and these to --device and --set.
    """
    import geodl
    from geodl.core.files import refuse_existing
    from geodl.core.settings import read_toml

    refuse_existing(out, overwrite=overwrite)
    chosen, ds = geodl.family(family, **pairs(option)), geodl.open_data(path)
    train_data, valid_data, test = (ds, geodl.open_data(valid), None) if valid else _split(ds, by or chosen.group, seed)
    given = {**(read_toml(config) if config else {}), **({"device": device} if device else {}), **pairs(settings)}
    made = geodl.FitConfig.parse({**chosen.settings, **given})
    surrogate = geodl.fit(chosen, train_data, valid_data, config=made, seed=seed, folder=folder)
    surrogate.save(out, overwrite=overwrite)
    if test is not None:
        _print_scores(geodl.evaluate(surrogate, test))
    say(f"{out}: SHA-256 {surrogate.sha256}")


def _split(ds: Any, by: str, seed: int) -> tuple[Any, Any, Any]:
    import geodl

    parts = geodl.split(ds, by, seed=seed)
    return parts.train, parts.valid, parts.test


@app.command()
def predict(
    bundle: Bundle,
    path: Data,
    out: Annotated[Path, typer.Argument(help="NetCDF file to write.")],
    outside: Annotated[str, typer.Option(help="Samples outside the domain: flag or raise.")] = "flag",
    device: Device = "cpu",
    overwrite: Overwrite = False,
) -> None:
    """Predict with a bundle: values, intervals and a flag for every sample."""
    import geodl
    from geodl.core.files import refuse_existing, write_data

    refuse_existing(out, overwrite=overwrite)
    made = geodl.load(bundle, device=device)(geodl.open_data(path), outside=outside)  # type: ignore[arg-type]
    write_data(made, out, overwrite=overwrite)
    say(f"{out}: {dict(made.sizes)}, {float(made['in_domain'].mean()):.1%} of the samples inside the domain")


@app.command()
def evaluate(bundle: Bundle, path: Data, device: Device = "cpu") -> None:
    """Measure a bundle on test data, with its baselines beside it."""
    import geodl

    _print_scores(geodl.evaluate(geodl.load(bundle, device=device), geodl.open_data(path)))


def _print_scores(scores: Any) -> None:
    models = scores["model"].values
    rows = []
    for name, array in scores.data_vars.items():
        for words, entry in _entries(str(name), array):
            reduce = entry.median if "start" in entry.dims else entry.mean
            values = reduce([dim for dim in entry.dims if dim != "model"]).values.reshape(-1)
            rows.append([words, array.attrs["units"], *map(number, values), *[""] * (len(models) - len(values))])
    columns = [str(model).replace(" ", "\n") for model in models]  # long names on several lines
    table("scores on test data", ["score", "units", *columns], rows)


def _entries(name: str, array: Any) -> list[tuple[str, Any]]:
    """A score for each flow or statistic where these have names and are few: their mean would be no score."""
    from geodl.train.report import NAMED

    for dim in array.dims:
        if dim != "model" and array[dim].dtype.kind in "UO" and array.sizes[dim] <= NAMED:
            return [(f"{name}, {label}", array.sel({dim: label})) for label in array[dim].values]
    return [(name, array)]


@app.command()
def report(
    bundle: Bundle,
    path: Data,
    out: Annotated[Path, typer.Argument(help="HTML file to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Write the report of a bundle on test data: one HTML page with figures."""
    import geodl
    from geodl.core.files import refuse_existing

    refuse_existing(out, overwrite=overwrite)
    geodl.report(geodl.load(bundle), geodl.open_data(path), out, overwrite=overwrite)
    say(str(out))


@app.command()
def export(
    bundle: Bundle,
    out: Annotated[Path, typer.Argument(help="Folder to write; new or empty.")],
    format: Annotated[
        Optional[list[str]], typer.Option(help="c (by default): C99, Fortran and C++; onnx; pt2. May be given again.")
    ] = None,
    name: Annotated[Optional[str], typer.Option(help="Of files and functions; that of the folder by default.")] = None,
    device: Device = "cpu",
) -> None:
    """Write a bundle as code that a solver can call."""
    import geodl

    formats = format or ["c"]
    folder = geodl.export(geodl.load(bundle, device=device), out, format=formats, name=name)  # type: ignore[arg-type]
    files = [path for path in folder.rglob("*") if path.is_file()]
    hint = f". Next: make -C {folder} check" if formats[0] == "c" else ""
    say(f"{folder}: {len(files)} files, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB{hint}")


@app.command()
def draw(
    bundle: Annotated[str, typer.Argument(help="Bundle file, or the name of a pretrained one.")] = "flow-obstacles",
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes any that is free.")] = 8265,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    device: Device = "cpu",
) -> None:
    """Draw an obstacle in the browser and watch the flow that a surrogate predicts."""
    import geodl
    from geodl.flow.draw.server import serve

    serve(
        geodl.load(bundle, device=device),
        port=port,
        open_browser=not no_browser,
        ready=lambda url: say(f"{url}  (Ctrl+C ends it)"),
    )


@app.command()
def reproduce(
    name: Annotated[str, typer.Argument(help="What to reproduce, e.g. lorenz63.")],
    quick: Annotated[bool, typer.Option("--quick", help="Small variant that only shows that it works.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Also what belongs to it and takes longer.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Where to write; results/NAME by default.")] = None,
    results: Annotated[Path | None, typer.Option(help="Second folder for the JSON file, e.g. docs/results.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of torch; small networks are fastest on one.", min=1)] = 1,
    device: Device = "cpu",
    overwrite: Overwrite = False,
) -> None:
    """Train and measure from nothing what a paper claims; write table, report and bundle."""
    from geodl.reproduction import further

    target = folder or Path("results") / name
    _reproduce(name, target, quick=quick, results=results, threads=threads, device=device, overwrite=overwrite)
    for other in further(name) if full else ():
        beside = target.parent / other
        _reproduce(other, beside, quick=quick, results=results, threads=threads, device=device, overwrite=overwrite)


def _reproduce(name: str, folder: Path, **settings: Any) -> None:
    import geodl

    ds = geodl.reproduce(name, folder=folder, **settings)
    columns = ["claim", "published", "measured", "unit", "bar", "result"]
    if bool(ds["published"].isnull().all()):
        columns.remove("published")
    fields = [ds[key].values.tolist() for key in columns]
    rows = [[v if isinstance(v, str) else number(v) for v in row] for row in zip(*fields, strict=True)]
    table(f"reproduction of {name}", columns, rows)
    say(ds.attrs["note"])
    say(f"report: {folder / 'report.html'}")


def main() -> None:
    """Entry point: what the library refuses ends with its message and exit status 2, without a traceback."""
    try:
        app()
    except GeodlError as error:
        problems.print(f"[bold red]{type(error).__name__}[/]: ", end="")
        problems.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
