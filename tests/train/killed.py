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


def trained(settings: dict[str, object], folder: Path) -> Surrogate:
    parts = split(toy.dataset(cases=12, times=12), "case")
    return fit(toy.family(), parts.train, parts.valid, config=FitConfig.parse(settings), seed=3, folder=folder, show=False)


def child(work: Callable[[], None]) -> int:
    """The id of a forked process that does the work and ends without cleaning up after its parent."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return pid


def killed_after(delay: float, work: Callable[[], None]) -> bool:
    """Kill a child after a delay; False where it ended before."""
    pid = child(work)
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0, "training failed"
    return False


def finish(work: Callable[[], None]) -> float:
    """Seconds that an undisturbed child takes."""
    begin = time.perf_counter()
    assert os.waitpid(child(work), 0)[1] == 0, "training failed"
    return time.perf_counter() - begin


def killing_run(settings: dict[str, object], folder: Path, kills: int, dice: random.Random) -> dict[str, object]:
    """Train undisturbed, then in a folder where the training is killed so many times before it may finish."""

    def work(name: str) -> Callable[[], None]:
        return lambda: (folder / f"{name}.bundle").write_bytes(trained(settings, folder / name).to_bytes())

    usual, done, resumed = finish(work("whole")), 0, []
    while done < kills:
        if killed_after(dice.uniform(0.1, 0.6) * usual, work("killed")):
            done += 1
            checkpoint = folder / "killed" / CHECKPOINT
            resumed.append(load_state(checkpoint)["step"] if checkpoint.exists() else 0)
    finish(work("killed"))
    same = (folder / "killed.bundle").read_bytes() == (folder / "whole.bundle").read_bytes()
    return {"same": same, "kills": done, "resumed": resumed, "usual": usual}


def main() -> None:
    folder, kind, kills, runs, seed = Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:])
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # CUDA starts threads
    torch.set_num_threads(1)
    trained({**SETTINGS[kind], "epochs": 1}, folder / "warm")  # what is imported on first use
    dice, results = random.Random(seed), []
    for i in range(runs):
        (folder / str(i)).mkdir()
        results.append(killing_run(SETTINGS[kind], folder / str(i), kills, dice))
    print(json.dumps(results))


if __name__ == "__main__":
    main()
