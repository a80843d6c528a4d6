"""The same functions in Fortran and in C++: sizes are taken from the arrays, and nothing is copied."""

import textwrap

from geodl.core.code import Argument, Code
from geodl.exports.source import PRECISIONS

_KINDS = {"double": "c_double", "float": "c_float"}
_WIDTH = 110


def fortran(name: str, code: Code, about: str) -> str:
    """Text of ``<name>.f90``: a module of Fortran 2008, for ``<name>.c`` compiled beside it."""
    procedures = [f"{code.call}{suffix or '_double'}" for suffix in PRECISIONS.values()]
    interfaces = "\n\n".join(_interface(name, code, kind) for kind in PRECISIONS)
    bodies = "\n\n".join(_procedure(code, kind) for kind in PRECISIONS)
    sizes = "".join(f"  integer, parameter, public :: {axis} = {len(labels)}\n" for axis, labels in code.axes.items())
    return f"""\
! {about}
!
! Arrays have the cells last, as Fortran lays them out. {code.call} returns 0, or an error that message explains.
module {name}_module
  use, intrinsic :: iso_c_binding
  implicit none
  private
  public :: {code.call}, check, message, status_message
  integer(c_int), parameter, public :: version = 1
{sizes}
  interface {code.call}
    module procedure {", ".join(procedures)}
  end interface

  interface
{textwrap.indent(interfaces, "    ")}

    integer(c_int) function c_check(version, fingerprint, count, labels) bind(c, name="{name}_check")
      import
      integer(c_int), value :: version, count
      type(c_ptr), value :: fingerprint, labels
    end function

    type(c_ptr) function c_message(error) bind(c, name="{name}_message")
      import
      integer(c_int), value :: error
    end function

    type(c_ptr) function c_status(status) bind(c, name="{name}_status")
      import
      integer(c_int), value :: status
    end function

    integer(c_size_t) function c_length(text) bind(c, name="strlen")
      import
      type(c_ptr), value :: text
    end function
  end interface

contains

{textwrap.indent(bodies, "  ")}

{textwrap.indent(_COMMON, "  ")}
end module
"""


_COMMON = """\
! To be called once, with the fingerprint and the labels that the solver uses: 0, or an error.
integer function check(fingerprint, labels) result(error)
  character(*), intent(in) :: fingerprint
  character(*), intent(in) :: labels(:)
  character(kind=c_char), target :: words(len(labels) + 1, size(labels)), print(len(fingerprint) + 1)
  type(c_ptr), target :: starts(size(labels))
  integer :: i
  do i = 1, size(labels)
    words(:, i) = transfer(trim(labels(i)) // repeat(c_null_char, len(labels) + 1), words, size(words, 1))
    starts(i) = c_loc(words(1, i))
  end do
  print = transfer(trim(fingerprint) // repeat(c_null_char, len(fingerprint) + 1), print, size(print))
  error = int(c_check(version, c_loc(print), int(size(labels), c_int), c_loc(starts)))
end function

function message(error) result(text)
  integer, intent(in) :: error
  character(:), allocatable :: text
  text = words_at(c_message(int(error, c_int)))
end function

function status_message(status) result(text)
  integer, intent(in) :: status
  character(:), allocatable :: text
  text = words_at(c_status(int(status, c_int)))
end function

function words_at(address) result(text)
  type(c_ptr), intent(in) :: address
  character(:), allocatable :: text
  character(kind=c_char), pointer :: letters(:)
  integer :: i
  call c_f_pointer(address, letters, [c_length(address)])
  allocate (character(size(letters)) :: text)
  do i = 1, size(letters)
    text(i:i) = letters(i)
  end do
end function"""


def _interface(name: str, code: Code, kind: str) -> str:
    names = ", ".join(["cells", *code.axes, *(a.name for a in code.arguments), "status"])
    options = [a.name for a in code.arguments if a.kind == "option"]
    lines = [
        f'integer(c_int) function c_{code.call}_{kind}({names}) bind(c, name="{name}_{code.call}{PRECISIONS[kind]}")',
        "  import",
        "  integer(c_long), value :: cells",
        *(f"  integer(c_int), value :: {axis}" for axis in code.axes),
        *(f"  real(c_double), value :: {option}" for option in options),
        *(f"  real({_KINDS[kind]}), intent({a.kind}) :: {a.name}(*)" for a in _arrays(code)),
        "  integer(c_signed_char), intent(out) :: status(*)",
        "end function",
    ]
    return "\n".join(map(_folded, lines))


def _procedure(code: Code, kind: str) -> str:
    names = [*(a.name for a in code.arguments), "status"]
    given = ["cells", *(f"int({_size(axis, _owner(axis, code))}, c_int)" for axis in code.axes), *names]
    lines = [
        f"integer function {code.call}{PRECISIONS[kind] or '_double'}({', '.join(names)}) result(error)",
        *(f"  real({_KINDS[kind]}), intent({a.kind}), contiguous :: {a.name}({_colons(a)})" for a in _arrays(code)),
        *(f"  real(c_double), intent(in) :: {a.name}" for a in code.arguments if a.kind == "option"),
        "  integer(c_signed_char), intent(out), contiguous :: status(:)",
        "  integer(c_long) :: cells",
        f"  cells = size({_arrays(code)[0].name}, kind=c_long)",
        "  error = 2",
        *(f"  if ({condition}) return" for condition in _mismatches(code)),
        f"  error = int(c_{code.call}_{kind}({', '.join(given)}))",
        "end function",
    ]
    return "\n".join(map(_folded, lines))


def _folded(line: str) -> str:
    """One statement on as many lines as it needs."""
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return " &\n".join(textwrap.wrap(line, _WIDTH, subsequent_indent=indent, drop_whitespace=True)) if line else line


def _arrays(code: Code) -> list[Argument]:
    return [argument for argument in code.arguments if argument.kind != "option"]


def _colons(argument: Argument) -> str:
    return ", ".join([":"] * (1 + len(argument.sizes)))


def _owner(axis: str, code: Code) -> Argument:
    return next(argument for argument in _arrays(code) if axis in argument.sizes)


def _size(axis: str, argument: Argument) -> str:
    """Fortran has the axis first that runs fastest, and the cells last."""
    return f"size({argument.name}, {len(argument.sizes) - argument.sizes.index(axis)})"


def _mismatches(code: Code) -> list[str]:
    cells = [f"size({a.name}, {1 + len(a.sizes)}) /= cells" for a in _arrays(code)]
    axes = [f"{_size(axis, a)} /= {axis}" for a in _arrays(code) for axis in a.sizes]
    return [*cells, "size(status) /= cells", *axes]


# ---- C++ ----


def cpp(name: str, code: Code, about: str) -> str:
    """Text of ``<name>.hpp``: one name for both precisions, errors as exceptions."""
    parameters = [f"{_cpp_parameter(a)} {a.name}" for a in code.arguments]
    sizes = (f"{name.upper()}_{axis.upper()}" for axis in code.axes)
    names = ", ".join(["cells", *sizes, *(a.name for a in code.arguments), "status"])
    overloads = "\n".join(
        _overload(name, code, kind, [p.replace("Real", kind) for p in parameters], names) for kind in PRECISIONS
    )
    return f"""\
// {about}
//
// What {name}.h has, with exceptions in the place of errors: std::invalid_argument says what is wrong.
#ifndef {name.upper()}_HPP
#define {name.upper()}_HPP

#include <stdexcept>
#include <string>
#include <vector>

#include "{name}.h"

namespace {name} {{

inline void require(int error)
{{
    if (error) throw std::invalid_argument(std::string("{name}: ") + {name}_message(error));
}}

/// To be called once, with what the solver uses.
inline void check(const std::string &fingerprint, const std::vector<std::string> &labels)
{{
    std::vector<const char *> words;
    for (const std::string &label : labels) words.push_back(label.c_str());
    require({name}_check({name.upper()}_VERSION, fingerprint.c_str(), static_cast<int>(words.size()), words.data()));
}}

{overloads}
}} // namespace {name}
#endif
"""


def _cpp_parameter(argument: Argument) -> str:
    return {"in": "const Real *", "out": "Real *", "option": "double"}[argument.kind]


def _overload(name: str, code: Code, kind: str, parameters: list[str], names: str) -> str:
    return f"""\
inline void {code.call}({", ".join(["long cells", *parameters, "signed char *status"])})
{{
    require({name}_{code.call}{PRECISIONS[kind]}({names}));
}}
"""
