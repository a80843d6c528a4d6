"""Every exception that geodl raises on purpose: what came, what was expected, what to do next."""

import difflib
from collections.abc import Iterable


class GeodlError(Exception):
    """Base of all errors below: ``except GeodlError`` catches what the library refused."""


class UnknownNameError(GeodlError, KeyError):
    """A family, sample, bundle, option or reproduction that does not exist."""

    def __str__(self) -> str:  # KeyError would show the message in quotes
        return str(self.args[0])


class OptionError(GeodlError, ValueError):
    """An option or a setting has the wrong type or a value that is not allowed."""


class SchemaError(GeodlError, ValueError):
    """A Dataset lacks a variable or a dimension, or holds something that is not a number."""


class TimeAxisError(SchemaError):
    """Time is missing, not increasing, duplicated, or uneven where an even step is needed."""


class UnitsError(GeodlError, ValueError):
    """Units are missing, unknown, or cannot be converted to the ones expected."""


class NonFiniteError(GeodlError, ValueError):
    """NaN, infinity or masked values where numbers are needed."""


class DomainError(GeodlError, ValueError):
    """A sample lies outside what the surrogate was trained on, or outside physical bounds."""


class SplitError(GeodlError, ValueError):
    """The groups cannot be divided as asked."""


class DataFileError(GeodlError, OSError):
    """A data file is missing, truncated, corrupted, or not in a format that geodl reads."""


class OutputError(GeodlError, OSError):
    """A result could not be written; what was there before is untouched."""


class BundleError(GeodlError, ValueError):
    """A file is not a geodl bundle, or its content does not fit the family it names."""


class BundleCorruptedError(BundleError):
    """The checksum of a bundle does not match its bytes."""


class BundleVersionError(BundleError):
    """A bundle was written in a format newer than this geodl reads."""


class DeviceError(GeodlError, RuntimeError):
    """The device asked for does not exist on this machine."""


class ShapeError(GeodlError, ValueError):
    """Shapes of tensors do not fit together."""


class DtypeError(GeodlError, TypeError):
    """A tensor has another precision or kind of numbers than the ones that it meets."""


class GeometryError(GeodlError, ValueError):
    """A shape, mask or signed distance that no flow can be computed around."""


class MechanismError(GeodlError, ValueError):
    """A mechanism cannot be read, lacks a species, or is not the one that a surrogate was made for."""


class StabilityError(GeodlError, ValueError):
    """A simulation cannot be run stably or steadily with what was asked for; the message says what can."""


class AdjointError(GeodlError, ValueError):
    """A gradient is asked for in a way that this method, field or engine does not offer."""


class CompilerError(GeodlError, RuntimeError):
    """There is no C compiler, it failed, or its results cannot be kept."""


class ExportError(GeodlError, ValueError):
    """A surrogate cannot be written in the format that was asked for; the message says which can."""


class DivergedError(GeodlError, ArithmeticError):
    """The loss stopped being a number during training; the last good weights are kept."""


class ResumeError(GeodlError, ValueError):
    """A checkpoint belongs to another run than the one that is being resumed."""


class MissingPackageError(GeodlError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """End of a sentence: the nearest known name, whatever its case, or all of them."""
    known = sorted(map(str, known))
    folded = {text.casefold(): text for text in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f"Did you mean {folded[near[0]]!r}?" if near else f"Known: {', '.join(known) or 'none'}."
