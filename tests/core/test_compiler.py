"""C compiled once, kept for one user alone, and errors that say what the compiler said."""

import concurrent.futures
import ctypes
import multiprocessing
import os
from pathlib import Path

import pytest

from geodl.core import compiler
from geodl.core.compiler import build, cache_folder, find_compiler
from geodl.errors import CompilerError
from geodl.testing import assert_refused

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="there is no C compiler")
SQUARE = "long square(long x) { return x * x; }\n"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "geodl"


def square(library: Path, x: int) -> int:
    return ctypes.CDLL(str(library)).square(x)


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


@needs_compiler
def test_a_library_computes():
    assert square(build(SQUARE), 7) == 49


@needs_compiler
def test_a_file_and_its_text_are_one_library(tmp_path):
    (tmp_path / "square.c").write_text(SQUARE)
    assert build(tmp_path / "square.c") == build(SQUARE)


@needs_compiler
def test_the_second_time_nothing_is_compiled(monkeypatch):
    first = build(SQUARE)
    monkeypatch.setattr(compiler, "_compile", lambda *arguments: pytest.fail("compiled twice"))
    assert build(SQUARE) == first


@needs_compiler
def test_flags_and_source_make_another_library(monkeypatch):
    libraries = {build(SQUARE), build(SQUARE, ["-DX=1"]), build(SQUARE + "\n")}
    monkeypatch.setattr(compiler, "_cpu", lambda: "another processor")
    assert len(libraries | {build(SQUARE)}) == 4


@needs_compiler
def test_the_cache_holds_libraries_alone_and_is_the_users_alone(cache):
    library = build(SQUARE)
    assert list(cache.iterdir()) == [library]
    assert cache.stat().st_mode & 0o777 == 0o700


@needs_compiler
def test_two_processes_may_build_the_same_at_once():
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as pool:
        libraries = list(pool.map(build, [SQUARE] * 4))
    assert len({*libraries}) == 1
    assert square(libraries[0], 9) == 81


@needs_compiler
def test_what_does_not_compile_says_why(cache):
    assert_refused(CompilerError, lambda: build("int f( {"), "could not compile", "error")
    assert list(cache.iterdir()) == []


def test_a_compiler_that_fails_is_named_with_its_last_lines(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", program(tmp_path / "broken-cc", "echo no licence today >&2; exit 3"))
    assert_refused(CompilerError, lambda: build(SQUARE), "broken-cc", "no licence today")


def test_a_compiler_that_cannot_run_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "text"
    path.write_text("not a program")
    path.chmod(0o700)
    monkeypatch.setenv("CC", str(path))
    assert_refused(CompilerError, lambda: build(SQUARE), "cannot run", str(path))


def test_the_words_of_cc_are_a_command(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", program(tmp_path / "cc", 'echo "$1" >&2; exit 1') + " --option")
    assert_refused(CompilerError, lambda: build(SQUARE), "--option")


def test_a_missing_compiler_is_refused(monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert find_compiler() is None
    assert_refused(CompilerError, lambda: build(SQUARE), "no-such-compiler", "install gcc")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    assert_refused(CompilerError, lambda: build(SQUARE), "gcc", "set CC")


def test_a_cache_that_others_can_write_is_refused(cache):
    cache.mkdir(mode=0o700)
    cache.chmod(0o770)
    assert_refused(CompilerError, cache_folder, str(cache), "chmod 700")


def test_a_cache_that_is_a_link_is_refused(cache, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "elsewhere")
    assert_refused(CompilerError, cache_folder, str(cache), "expected a folder")


def test_a_cache_that_cannot_be_made_is_refused(cache):
    cache.write_text("a file in its place")
    assert_refused(CompilerError, cache_folder, str(cache), "XDG_CACHE_HOME")


@needs_compiler
@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere")
def test_a_cache_that_cannot_be_written_is_refused(cache):
    cache.mkdir(mode=0o500)
    assert_refused(CompilerError, lambda: build(SQUARE), "cannot write", str(cache))


def test_a_relative_cache_is_not_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "geodl"
