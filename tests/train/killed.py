"""Trains the toy again and again in children that are killed at random moments: ``python -m tests.train.killed``.

Run by ``test_kill.py`` in a Python of its own, because a process that forks must not have started threads; the imports
are paid once and every child costs a fork.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from geodl.core.files import write_bytes
from geodl.core.surrogate import Surrogate
from geodl.train.config import FitConfig
from geodl.train.fit import fit
from geodl.train.loop import CHECKPOINT
from geodl.train.split import split
from geodl.train.state import load_state
from tests import toy

SETTINGS = {
    "adam": {"epochs": 12, "batch_size": 4, "checkpoint_every": 7},
    "lbfgs": {"epochs": 60, "optimizer": "lbfgs", "checkpoint_every": 7, "learning_rate": 0.5, "schedule": "constant"},
}

DIFFERENT = 4  # steps at which a run must have been killed
RUNS = 30  # before that is given up


def trained(settings: dict[str, object], folder: Path) -> Surrogate:
    parts = split(toy.dataset(cases=12, times=12), "case")
    return fit(
        toy.family(), parts.train, parts.valid, config=FitConfig.parse(settings), seed=3, folder=folder, show=False
    )


def child(work: Callable[[], None]) -> int:
    """The id of a forked process that does the work and ends without cleaning up after its parent."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            sys.stderr.flush()
            os._exit(1)
    return pid


def killed_after(delay: float, work: Callable[[], None]) -> bool:
    """Kill a child after a delay; False where it ended before."""
    pid = child(work)
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    return not ended_by_itself(pid)


def ended_by_itself(pid: int) -> bool:
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return False
    assert os.WEXITSTATUS(status) == 0, "training failed"
    return True


def steps_done(folder: Path) -> int:
    return load_state(folder / CHECKPOINT)["step"] if (folder / CHECKPOINT).exists() else 0


def kill_until_finished(work: Callable[[], None], folder: Path, longest: float, dice: random.Random) -> list[int]:
    """The step of the checkpoint that each kill left behind; who makes no progress is given more time."""
    left = [0]
    while killed_after(dice.uniform(0, longest), work):
        left.append(steps_done(folder))
        longest *= 1.2 if left[-1] == left[-2] else 1.0
    return left[1:]


def enough(steps: list[int], kills: int) -> bool:
    """Kills enough, and at different steps; on a busy machine many of them come before the first one."""
    return len(steps) >= kills and len(set(steps) - {0}) >= DIFFERENT


def main() -> None:
    """Writes the steps at which each run was killed, and whether its bundle is the one of an undisturbed run."""
    folder, kind, kills = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # CUDA starts threads
    torch.set_num_threads(1)
    trained({**SETTINGS[kind], "epochs": 1}, folder / "warm")  # what is imported on first use

    def work(name: str) -> Callable[[], None]:
        return lambda: write_bytes(
            folder / f"{name}.bundle", trained(SETTINGS[kind], folder / name).to_bytes(), overwrite=True
        )

    begin = time.perf_counter()
    assert ended_by_itself(child(work("whole")))
    usual, dice, results = time.perf_counter() - begin, random.Random(kind), []
    while not enough([step for run in results for step in run["killed"]], kills) and len(results) < RUNS:
        name = f"run {len(results)}"
        killed = kill_until_finished(work(name), folder / name, 0.4 * usual, dice)
        same = (folder / f"{name}.bundle").read_bytes() == (folder / "whole.bundle").read_bytes()
        results.append({"killed": killed, "same": same})
    sys.stdout.write(json.dumps(results))


if __name__ == "__main__":
    main()
