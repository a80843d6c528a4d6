"""Claims about learned Lorenz-63 dynamics, measured on trajectories that no model has seen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from geodl.core.contract import Claim, Reproduction, family
from geodl.core.files import open_sample
from geodl.core.surrogate import Surrogate
from geodl.dynamics.climate_case import climate_case
from geodl.dynamics.closure.closure_papers import lorenz96_closure
from geodl.dynamics.dataset import lorenz63_dataset
from geodl.dynamics.identification.cases import noisy_case, partial_case
from geodl.dynamics.identification.integrator_training import coarse_case, integrator_case
from geodl.dynamics.lorenz63 import LYAPUNOV_EXPONENT, SUM_OF_EXPONENTS
from geodl.train.config import FitConfig
from geodl.train.evaluate import SURROGATE, evaluate
from geodl.train.fit import fit

SEEDS = (0, 1, 2)
PARTIAL_SEEDS = (0, 1, 2, 3, 4)
TRAJECTORIES, POINTS = 20, 200  # 4000 points, as in the publications on this case
LEADS = (1, 4, 8)  # data intervals at which errors are published
NOTE = (
    "Worst of the seeds, unless a median is named. RMSE in the units of the state, h = 0.01, 1000 test windows. "
    "VPT: valid prediction time in Lyapunov times (LT, 1 / 0.9056), 48 starts of their own against a Taylor series in "
    "extended precision. Coverage: of the 90 % intervals. The polynomial map has degree 6, with noise the best of 2 to "
    "6. Coarse: MSE over one interval of 0.2 on 48 trajectories of 200 intervals; published for it are training "
    "errors of the notebook Dynamical_Systems_Identification of CIA-Oceanix. A field learned together with a scheme at "
    "one interval is not identifiable, and at half the interval it is worse than classic steps. Only x: published are "
    "medians over 5 seeds and one start of the notebook NbedDyn of CIA-Oceanix; here every seed has 64 unseen starts, "
    "whose root mean square is taken. Exponents per unit of time, of the learned step itself."
)
_QUICK = {"epochs": 2, "line_steps": 20}


def training_data(seed: int) -> xr.Dataset:
    """4000 points: the shipped ones for seed 0, others of the same kind for other seeds."""
    if seed == 0:
        return open_sample("lorenz63/dt001")
    return lorenz63_dataset(trajectories=TRAJECTORIES, points=POINTS, dt=0.01, seed=1000 + seed)


def train_and_measure(
    field: str, seeds: Sequence[int], quick: bool, device: str
) -> tuple[list[Surrogate], list[xr.Dataset]]:
    """One surrogate per seed, and its scores."""
    made = family("dynamics", field=field, **({"substeps": 1} if quick else {}))
    surrogates, scores = list[Surrogate](), list[xr.Dataset]()
    settings: dict[str, Any] = {**made.settings, "device": device, **(_QUICK if quick else {})}
    valid, test = open_sample("lorenz63/valid"), open_sample("lorenz63/test")
    for seed in seeds:
        surrogates.append(fit(made, training_data(seed), valid, config=FitConfig.parse(settings), seed=seed))
        scores.append(evaluate(surrogates[-1], test))
    return surrogates, scores


def lorenz63(*, quick: bool = False, device: str = "cpu") -> Reproduction:
    """Lorenz-63 seen in full, coarsely, in part and through noise, with the polynomial flow map printed first.

    Where everything is seen without noise the polynomial map is excellent, and no network is needed.
    """
    seeds = SEEDS[:1] if quick else SEEDS
    bilinear, bilinear_scores = train_and_measure("bilinear", seeds, quick, device)
    _, mlp_scores = train_and_measure("mlp", seeds, quick, device)
    claims = [
        *_skill("polynomial map", [s.sel(model="polynomial") for s in bilinear_scores]),
        *_skill("bilinear field", [s.sel(model=SURROGATE) for s in bilinear_scores], rmse=3e-6, vpt=16.0),
        *_skill("MLP field", [s.sel(model=SURROGATE) for s in mlp_scores]),
        *_skill("linear map", [s.sel(model="linear") for s in bilinear_scores]),
        *_skill("persistence", [s.sel(model="persistence") for s in bilinear_scores]),
        *_trust("bilinear field", bilinear_scores),
        *_trust("MLP field", mlp_scores),
        *_climate([climate_case(surrogate, quick) for surrogate in bilinear]),
        *_coarse([coarse_case(seed, quick) for seed in seeds], [integrator_case(seed, quick) for seed in seeds]),
        *_partial([partial_case(seed, quick)[0] for seed in (seeds if quick else PARTIAL_SEEDS)]),
        *_noisy([noisy_case(seed, quick)[0] for seed in seeds]),
    ]
    data = xr.concat(bilinear_scores, "seed").merge(
        xr.concat(mlp_scores, "seed").rename({name: f"{name}_mlp" for name in mlp_scores[0].data_vars}),
        compat="override",
    )
    data = data.assign_coords(seed=list(seeds)).drop_vars("claim", errors="ignore")
    return Reproduction(tuple(claims), data, bilinear[0], open_sample("lorenz63/test"), tuple(seeds), NOTE)


def rmse(scores: xr.Dataset, lead: int) -> float:
    """Root mean square error over starts and components after ``lead`` data intervals."""
    squares = [float(scores[f"rmse_{name}"].isel(lead=lead - 1)) ** 2 for name in "xyz"]
    return float(np.sqrt(np.mean(squares)))


def _skill(model: str, scores: list[xr.Dataset], **bars: float) -> list[Claim]:
    """Errors after h, 4h and 8h, and the prediction time; of several seeds the worst, which the bars hold for."""
    errors = [max(rmse(s, lead) for s in scores) for lead in LEADS]
    times = [s["valid_prediction_time"] for s in scores]
    return [
        Claim(f"{model}: RMSE(h)", errors[0], "1", bar=("<=", bars["rmse"]) if "rmse" in bars else None),
        Claim(f"{model}: RMSE(4h)", errors[1], "1"),
        Claim(f"{model}: RMSE(8h)", errors[2], "1"),
        Claim(
            f"{model}: VPT, median", min(float(t.median()) for t in times), "LT",
            bar=(">=", bars["vpt"]) if "vpt" in bars else None,
        ),
        Claim(f"{model}: VPT, 10th percentile", min(float(t.quantile(0.1)) for t in times), "LT"),
    ]  # fmt: skip


def _trust(model: str, scores: list[xr.Dataset]) -> list[Claim]:
    """Coverage of the 90 % intervals and false alarms of the guard on test data like the training data, worst seed."""
    covered = [float(np.mean([s[f"coverage_{name}"].mean() for name in "xyz"])) for s in scores]
    alarms = max(1 - float(s["in_domain"]) for s in scores)
    return [
        Claim(f"{model}: lowest coverage", min(covered), "1", bar=(">=", 0.88)),
        Claim(f"{model}: highest coverage", max(covered), "1", bar=("<=", 0.92)),
        Claim(f"{model}: false alarms of the guard", alarms, "1", bar=("<=", 0.01)),
    ]


def _climate(cases: Sequence[Mapping[str, float]]) -> list[Claim]:
    """Long runs of the bilinear field: the seed that is farthest from the truth."""
    truth = {"exponent 1": LYAPUNOV_EXPONENT, "exponent 2": 0.0, "exponent 3": SUM_OF_EXPONENTS - LYAPUNOV_EXPONENT}
    off = {"exponent 1": 0.01 * LYAPUNOV_EXPONENT, "exponent 2": 0.01, "exponent 3": 0.1457}
    claims = list[Claim]()
    for name, value in truth.items():
        farthest = max((case[name] for case in cases), key=lambda found: abs(found - value))
        about = f"bilinear field, long run: {name}"
        claims.append(Claim(about, farthest, "1", published=value))
        claims.append(Claim(f"{about}, off by", abs(farthest - value), "1", bar=("<=", off[name])))
    return [
        *claims,
        Claim("bilinear field, long run: standard error of exponent 1", max(c["standard error"] for c in cases), "1"),
        Claim(
            "bilinear field, long run: Kaplan-Yorke dimension off 2.062 by",
            max(abs(c["dimension"] - 2.062) for c in cases), "1", bar=("<=", 0.01),
        ),
        Claim("bilinear field, long run: W1 of the marginals", max(c["w1"] for c in cases), "1"),
        Claim(
            "bilinear field, 1000 members, 10⁵ intervals: share that stays", min(c["stays"] for c in cases), "1",
            bar=(">=", 1.0),
        ),
    ]  # fmt: skip


def _coarse(fields: Sequence[Mapping[str, float]], schemes: Sequence[Mapping[str, float]]) -> list[Claim]:
    """Data every 0.2: fields through four and eight classic steps, and schemes of eight evaluations."""

    def worst(cases: Sequence[Mapping[str, float]], key: str) -> float:
        return max(case[key] for case in cases)

    return [
        Claim("dt = 0.2, bilinear field, 16 evaluations: MSE", worst(fields, "rk4_16"), "1", ("<=", 1e-3), 16.47),
        Claim("dt = 0.2, bilinear field, 32 evaluations: MSE", worst(fields, "rk4_32"), "1", ("<=", 1e-5), 0.698),
        Claim("dt = 0.2, true equations, 16 evaluations: MSE", worst(fields, "exact_16"), "1"),
        Claim("dt = 0.2, true equations, 32 evaluations: MSE", worst(fields, "exact_32"), "1"),
        Claim("dt = 0.2, true equations, learned 8-stage scheme: MSE", worst(schemes, "learned"), "1", ("<=", 0.01)),
        Claim("dt = 0.2, true equations, two classic steps: MSE", worst(schemes, "classic"), "1"),
        Claim("the same learned scheme at dt = 0.1: MSE", worst(schemes, "learned_half"), "1"),
        Claim("two classic steps at dt = 0.1: MSE", worst(schemes, "classic_half"), "1"),
        Claim("dt = 0.2, scheme and bilinear field learned together: MSE", worst(schemes, "joint"), "1", None, 0.468),
        Claim("the same at dt = 0.1: MSE", worst(schemes, "joint_half"), "1"),
    ]


def _partial(cases: Sequence[Mapping[str, float]]) -> list[Claim]:
    """Only x is seen: medians over the seeds, as published, and the worst seed."""
    one, four = ([case[key] for case in cases] for key in ("rmse_1", "rmse_4"))
    exponents = [case["lyapunov_exponent"] for case in cases]
    farthest = max(exponents, key=lambda found: abs(found - LYAPUNOV_EXPONENT))
    failed = sum(not (error < 1e-2) for error in four)  # NaN fails
    return [
        Claim("x only: error of x after dt, median", float(np.median(one)), "1", ("<=", 2e-5), 5.6e-5),
        Claim("x only: error of x after 4 dt, median", float(np.median(four)), "1", ("<=", 2e-4), 3.4e-4),
        Claim("x only: error of x after 4 dt, worst seed", max(four), "1"),
        Claim("x only: seeds that failed", failed, "1", ("<=", 0)),
        Claim("x only: leading exponent", farthest, "1", None, 0.861),
        Claim("x only: leading exponent off 0.906 by", abs(farthest - LYAPUNOV_EXPONENT), "1", ("<=", 0.02)),
    ]


def _noisy(cases: Sequence[Mapping[str, float]]) -> list[Claim]:
    """Noise of 1e-3 on every value: the worst seed of median prediction times."""
    bars = {"multiple shooting": (">=", 9.0)}
    names = ("polynomial map", "one-step least squares", "multiple shooting")
    return [
        Claim(f"noise 1e-3, {name}: VPT, median", min(case[name] for case in cases), "LT", bars.get(name))
        for name in names
    ]


REPRODUCTIONS = {"lorenz63": lorenz63, "lorenz96-closure": lorenz96_closure}
