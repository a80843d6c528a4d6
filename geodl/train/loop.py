"""The one training loop of the library: data on the device, seeded permutations, exact resume.

Every batch follows from (seed, epoch, position), and a checkpoint holds weights, optimiser, random state and position;
so a run that was killed and resumed ends with the same bits as one that never was.
"""

import contextlib
import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from geodl.core.blocks import rows_of_block
from geodl.core.contract import Tensors
from geodl.core.progress import progress
from geodl.errors import DivergedError, OutputError, ResumeError
from geodl.train.config import FitConfig
from geodl.train.optimizers import descent
from geodl.train.state import load_state, save_state

Loss = Callable[[Tensors, Tensors, Tensors], Tensor]
Pairs = tuple[Tensors, Tensors]

CHECKPOINT, LOG = "checkpoint.safetensors", "log.jsonl"
_EPOCH_STRIDE = 1_000_003  # a prime: seeds of neighbouring runs never share the order of an epoch
_VALID_BLOCK = 8192


class Run:
    """A training run between two steps: network, optimiser, position, best weights so far.

    Args:
        network: scaled inputs to scaled outputs; trained in place, on the device of the data.
        train, valid: scaled (inputs, targets), each a tuple of tensors ``[sample, *dims]``.
        identity: what a checkpoint must agree on to belong to this run.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Loss,
        train: Pairs,
        valid: Pairs,
        config: FitConfig,
        *,
        seed: int,
        identity: Mapping[str, Any] | None = None,
    ):
        self.network, self.loss, self.train, self.valid, self.config = network, loss, train, valid, config
        self.seed, self.identity = seed, dict(identity or {})
        self.call: Callable[..., Tensors] = torch.compile(network) if config.compile else network
        self.samples = len(train[0][0])
        self.device = train[0][0].device
        self.batch = self.samples if config.optimizer == "lbfgs" else min(config.batch_size, self.samples)
        self.steps_per_epoch = math.ceil(self.samples / self.batch)
        self.optimizer = descent(network, config)
        self.step, self.history = 0, list[dict[str, float]]()
        self.losses = list[Tensor]()  # of this epoch so far; read only at its end, so that no step waits for a GPU
        self.best_loss: float | None = None
        self.best_epoch = 0
        self.best = _copy(network)

    @property
    def epoch(self) -> int:
        return self.step // self.steps_per_epoch

    @property
    def total(self) -> int:
        return self.config.epochs * self.steps_per_epoch

    def rate(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then the schedule down to ``final_rate`` of its peak."""
        config, done = self.config, step / max(self.total, 1)
        if done < config.warmup:
            return config.learning_rate * (step + 1) / (config.warmup * self.total)
        share = (done - config.warmup) / max(1 - config.warmup, 1e-12)
        if config.schedule == "cosine":
            bell = (1 + math.cos(math.pi * share)) / 2
            return config.learning_rate * (config.final_rate + (1 - config.final_rate) * bell)
        if config.schedule == "exponential":
            return config.learning_rate * float(max(config.final_rate, 1e-12) ** share)
        return config.learning_rate

    def shuffled(self, epoch: int) -> Pairs:
        """All training samples in the order of an epoch, so that a batch is a slice and costs nothing."""
        if self.batch == self.samples:
            return self.train
        generator = torch.Generator().manual_seed(self.seed * _EPOCH_STRIDE + epoch)
        order = torch.randperm(self.samples, generator=generator).to(self.device)
        inputs, targets = (tuple(x.index_select(0, order) for x in side) for side in self.train)
        return inputs, targets

    def advance(self, inputs: Tensors, targets: Tensors) -> None:
        """One step of the optimiser on one batch."""
        loss = self.optimizer.descend(lambda: self.batch_loss(inputs, targets), self.rate(self.step))
        self.losses.append(loss)
        self.step += 1

    def batch_loss(self, inputs: Tensors, targets: Tensors) -> Tensor:
        """Loss of one batch, in the precision asked for."""
        with self.precision():
            return self.loss(self.call(*inputs), targets, inputs)

    def precision(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast("cuda", torch.bfloat16) if self.config.amp and self.device.type == "cuda" else _PLAIN

    @torch.no_grad()
    def valid_loss(self) -> float:
        """Loss on the validation samples, in blocks."""
        self.network.eval()
        total = torch.zeros((), device=self.device, dtype=torch.float64)
        count = len(self.valid[0][0])
        block = rows_of_block(self.valid[0], _VALID_BLOCK)
        for start in range(0, count, block):
            inputs, targets = (tuple(x[start : start + block] for x in side) for side in self.valid)
            predicted = self.network(*inputs)[: len(targets)]  # diagnostics have no targets
            total += self.loss(predicted, targets, inputs).double() * len(inputs[0])
        self.network.train()
        return float(total) / count

    def close_epoch(self, seconds: float) -> None:
        """Look at the losses of the epoch just finished, validate, and keep the weights if they are the best."""
        epoch, train_loss = self.epoch, float(self.finite_losses().mean())
        self.losses = []
        entry = {"epoch": epoch, "train": train_loss, "rate": self.rate(self.step - 1), "seconds": seconds}
        if epoch % self.config.validate_every == 0 or self.step == self.total:
            entry["valid"] = self.valid_loss()
            if not math.isfinite(entry["valid"]):
                raise DivergedError(f"the validation loss is {entry['valid']} after epoch {epoch}; {self._advice}")
            if self.best_loss is None or entry["valid"] < self.best_loss:
                self.best_loss, self.best_epoch, self.best = entry["valid"], epoch, _copy(self.network)
        self.history.append(entry | self._lost())

    def _lost(self) -> dict[str, float]:
        """Steps of the run whose gradient was dropped, if any.

        Raises:
            DivergedError: those of a whole epoch were.
        """
        lost = int(self.optimizer.lost)
        if lost - (self.history[-1].get("lost", 0) if self.history else 0) == self.steps_per_epoch:
            raise DivergedError(f"no gradient is finite in all of epoch {self.epoch}; {self._advice}")
        return {"lost": lost} if lost else {}

    def finite_losses(self) -> Tensor:
        """Losses of this epoch so far ``[step]``; refuses to go on after one that is not a number.

        Raises:
            DivergedError: names the epoch and the step.
        """
        losses = torch.stack(self.losses) if self.losses else torch.zeros(0)
        finite = torch.isfinite(losses)
        if not bool(finite.all()):
            first = int((~finite).nonzero()[0])
            epoch = (self.step - 1) // self.steps_per_epoch
            where = f"epoch {epoch + 1}, step {first + 1} of {self.steps_per_epoch}"
            raise DivergedError(f"the loss is {float(losses[first])} in {where}; {self._advice}")
        return losses

    @property
    def _advice(self) -> str:
        return (
            f"lower learning_rate (now {self.config.learning_rate:g}) or set clip, and start anew; "
            f"in the folder given to fit the last good checkpoint is kept"
        )

    @property
    def finished(self) -> bool:
        if self.step >= self.total:
            return True
        looked = bool(self.history) and "valid" in self.history[-1]
        return looked and self.config.patience is not None and self.epoch - self.best_epoch >= self.config.patience

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on.

        Raises:
            DivergedError: a loss or a weight is not a number.
        """
        losses = self.finite_losses()
        if not all(bool(torch.isfinite(weight).all()) for weight in self.network.parameters()):
            raise DivergedError(f"a weight is not a number after step {self.step}; {self._advice}")
        cuda = {"cuda": torch.cuda.get_rng_state(self.device)} if self.device.type == "cuda" else {}
        return {
            "identity": self.identity,
            "step": self.step,
            "weights": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "lost": self.optimizer.lost,
            "random": {"cpu": torch.get_rng_state()} | cuda,
            "losses": losses,
            "history": self.history,
            "best": {"loss": self.best_loss, "epoch": self.best_epoch, "weights": self.best},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state.

        Raises:
            ResumeError: the state belongs to a run with other data, settings or seed.
        """
        for key, value in self.identity.items():
            if state["identity"].get(key) != value:
                name, before, now = _difference(key, state["identity"].get(key), value)
                raise ResumeError(
                    f"the checkpoint was made with {name} = {before!r}, this run has {now!r}. "
                    f"Use another folder, or the same {name}."
                )
        self.network.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.optimizer.lost = state.get("lost", self.optimizer.lost)
        torch.set_rng_state(state["random"]["cpu"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(state["random"]["cuda"], self.device)
        self.step, self.history = state["step"], state["history"]
        self.losses = list(state["losses"].to(self.device))
        best = state["best"]
        self.best_loss, self.best_epoch = best["loss"], best["epoch"]
        self.best = {name: tensor.to(self.device) for name, tensor in best["weights"].items()}


def _difference(name: str, before: Any, now: Any) -> tuple[str, Any, Any]:
    """The first entry in which two nested mappings differ: its dotted name, and both values."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        key = next(key for key in [*now, *before] if before.get(key) != now.get(key))
        return _difference(f"{name}.{key}", before.get(key), now.get(key))
    return name, before, now


_PLAIN: contextlib.AbstractContextManager[None] = contextlib.nullcontext()


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def train(run: Run, *, folder: Path | None = None, show: bool = True) -> None:
    """Train to the end, or on from the checkpoint in ``folder``; the network then has the best weights.

    Raises:
        OutputError: the folder cannot be made, or written to.
        DivergedError: the loss is not a number; the checkpoint before it stays.
        ResumeError: the checkpoint in the folder belongs to another run.
    """
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder} for checkpoints: {error.strerror}") from error
        if (folder / CHECKPOINT).exists():
            run.restore(load_state(folder / CHECKPOINT))
        _write_log(folder / LOG, run.history, "w")
    run.network.train()
    with progress("training", run.total, show=show) as advance:
        while not run.finished:
            _epoch(run, folder)
            entry = run.history[-1]
            advance(
                run.step,
                f"epoch {entry['epoch']:.0f}  loss {entry['train']:.3g}  valid {entry.get('valid', -1):.3g}",
            )
    run.network.load_state_dict(run.best)
    run.network.eval()


def _epoch(run: Run, folder: Path | None) -> None:
    begin, done = time.perf_counter(), run.step % run.steps_per_epoch
    inputs, targets = run.shuffled(run.epoch)
    for position in range(done, run.steps_per_epoch):
        part = slice(position * run.batch, (position + 1) * run.batch)
        run.advance(tuple(x[part] for x in inputs), tuple(y[part] for y in targets))
        if folder is not None and run.step % run.config.checkpoint_every == 0 and position + 1 < run.steps_per_epoch:
            save_state(folder / CHECKPOINT, run.state())
    run.close_epoch(time.perf_counter() - begin)
    if folder is not None:
        _close_files(run, folder)


def _close_files(run: Run, folder: Path) -> None:
    crossed = run.step // run.config.checkpoint_every > (run.step - run.steps_per_epoch) // run.config.checkpoint_every
    if crossed or run.finished:
        save_state(folder / CHECKPOINT, run.state())
    _write_log(folder / LOG, run.history[-1:], "a")


def _write_log(path: Path, history: list[dict[str, float]], mode: str) -> None:
    try:
        with path.open(mode) as log:
            log.writelines(json.dumps(entry) + "\n" for entry in history)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}. The last checkpoint is untouched.") from error
