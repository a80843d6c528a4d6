"""Cost of the training loop beside a bare torch loop and Lightning, on an MLP 10-64-64-5 at batch 256."""

import logging
import statistics
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from geodl.core.contract import Claim, mean_squared_error
from geodl.core.mlp import mlp
from geodl.train.config import FitConfig
from geodl.train.loop import Run, train
from tests.bench.timing import interleaved, median_difference, median_ratio

SIZES, BATCH, SAMPLES, EPOCHS = [10, 64, 64, 5], 256, 25_600, 4
STEPS = EPOCHS * SAMPLES // BATCH


class OneTensor(nn.Module):
    """The benchmark network behind the library's call signature."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = mlp(SIZES)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        return (self.dense(x),)


def problem() -> tuple[Tensor, Tensor]:
    """A smooth map from 10 to 5 numbers."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(SAMPLES, SIZES[0], generator=generator)
    return x, torch.sin(x @ torch.randn(SIZES[0], SIZES[-1], generator=generator))


def bare(x: Tensor, y: Tensor) -> Callable[[], None]:
    """The shortest loop that shuffles, slices and steps a fused Adam."""

    def run() -> None:
        network = mlp(SIZES)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
        for _ in range(EPOCHS):
            order = torch.randperm(SAMPLES)
            inputs, targets = x[order], y[order]
            for i in range(0, SAMPLES, BATCH):
                optimizer.zero_grad(set_to_none=True)
                loss = nn.functional.mse_loss(network(inputs[i : i + BATCH]), targets[i : i + BATCH])
                loss.backward()
                optimizer.step()

    return run


def ours(x: Tensor, y: Tensor) -> Callable[[], None]:
    """geodl's loop with its seeded order, losses, schedule and validation."""
    config = FitConfig(epochs=EPOCHS, batch_size=BATCH)
    valid = ((x[:BATCH],), (y[:BATCH],))

    def run() -> None:
        train(Run(OneTensor(), mean_squared_error, ((x,), (y,)), valid, config, seed=0), show=False)

    return run


def lightning(batches: Callable[[], object]) -> Callable[[], None]:
    """A Lightning Trainer with everything optional switched off."""
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.dense = mlp(SIZES)

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            return nn.functional.mse_loss(self.dense(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=1e-3, fused=True)

    def run() -> None:
        trainer = lightning.Trainer(
            max_epochs=EPOCHS, accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(Module(), train_dataloaders=batches())

    return run


class Slices:
    """Shuffled slices of tensors: the cheapest loader that Lightning can be given."""

    def __init__(self, x: Tensor, y: Tensor):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return SAMPLES // BATCH

    def __iter__(self):  # type: ignore[no-untyped-def]
        order = torch.randperm(SAMPLES)
        return zip(self.x[order].split(BATCH), self.y[order].split(BATCH), strict=True)


def claims(rounds: int = 9) -> list[Claim]:
    """Overhead a step over the bare loop, and the ratio to Lightning with either loader."""
    for name in ("lightning.pytorch", "lightning.pytorch.utilities.rank_zero", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    x, y = problem()
    dataset = torch.utils.data.TensorDataset(x, y)
    seconds = interleaved(
        {
            "bare": bare(x, y),
            "geodl": ours(x, y),
            "slices": lightning(lambda: Slices(x, y)),
            "loader": lightning(lambda: torch.utils.data.DataLoader(dataset, batch_size=BATCH, shuffle=True)),
        },
        rounds,
    )
    step = {name: statistics.median(times) / STEPS * 1e6 for name, times in seconds.items()}
    overhead = median_difference(seconds, "geodl", "bare") / STEPS * 1e6
    return [
        Claim("bare torch loop, a step", step["bare"], "µs"),
        Claim("training loop, a step", step["geodl"], "µs"),
        Claim("training loop, overhead a step over the bare loop", overhead, "µs", bar=("<=", 25.0)),
        Claim("Lightning with sliced batches, time over ours", median_ratio(seconds, "slices", "geodl"), "1"),
        Claim(
            "Lightning with DataLoader, time over ours", median_ratio(seconds, "loader", "geodl"), "1", bar=(">=", 2.5)
        ),
    ]
