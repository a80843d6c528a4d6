"""Settings of a training run."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from geodl.core.settings import Settings

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _usual_rate(values: dict[str, Any]) -> float:
    return 1.0 if values["optimizer"] == "lbfgs" else 1e-3


def _usual_schedule(values: dict[str, Any]) -> Literal["constant", "cosine"]:
    return "constant" if values["optimizer"] == "lbfgs" else "cosine"


class FitConfig(Settings):
    """How to train; frozen and checked, unknown keys refused.

    Attributes:
        epochs: passes over the training samples; for L-BFGS, calls of the optimiser on all samples at once.
        learning_rate: its peak; 1e-3 by default, for L-BFGS 1, the full step of its line search.
        schedule: cosine by default, for L-BFGS constant.
        warmup: share of the steps over which the learning rate rises from zero.
        clip: largest gradient norm, or None. With it a gradient that overflows counts as zero, and the history of the
            record counts such steps as ``lost``; without it the training stops there.
        patience: epochs without a better validation loss before training stops, or None.
        validate_every: epochs between validations; the weights with the best validation loss are kept.
        checkpoint_every: steps between checkpoints, when ``fit`` is given a folder.
        amp: bfloat16 autocast on CUDA.
        coverage: nominal coverage of the prediction intervals.
        false_alarms: share of training-like samples that the guard may refuse.
        threads: of torch during training, or None to leave them as they are. Small networks are fastest on one; two
            on a busy machine can be ten times slower, because each waits for the other at every operation.
        line_steps: iterations inside one call of L-BFGS.
    """

    epochs: Positive = 200
    batch_size: Positive = 256
    optimizer: Literal["adam", "adamw", "muon", "lbfgs"] = "adam"
    learning_rate: Annotated[float, Field(gt=0)] = Field(default_factory=_usual_rate)
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["constant", "cosine", "exponential"] = Field(default_factory=_usual_schedule)
    final_rate: Fraction = 0.01
    warmup: Fraction = 0.0
    clip: Annotated[float, Field(gt=0)] | None = None
    patience: Positive | None = None
    validate_every: Positive = 1
    checkpoint_every: Positive = 1000
    dtype: Literal["float32", "float64"] = "float32"
    device: str = "cpu"
    amp: bool = False
    compile: bool = False
    coverage: Annotated[float, Field(gt=0, lt=1)] = 0.9
    false_alarms: Annotated[float, Field(gt=0, lt=1)] = 0.005
    line_steps: Positive = 20
    threads: Positive | None = None

    @model_validator(mode="after")
    def _refuse_what_lbfgs_cannot(self) -> Self:
        if self.optimizer == "lbfgs" and (self.clip is not None or self.weight_decay):
            raise ValueError("clip and weight_decay have no meaning for lbfgs: leave them out, or choose another")
        return self
