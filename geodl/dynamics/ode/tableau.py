"""Coefficients of Runge-Kutta schemes."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction as F
from typing import Protocol

from geodl.errors import OptionError


@dataclasses.dataclass(frozen=True)
class Tableau:
    """An explicit Runge-Kutta scheme: Y_i = y + h Σ_{j<i} a_ij k_j, k_i = f(t + c_i h, Y_i), y⁺ = y + h Σ_i b_i k_i.

    Attributes:
        a: rows of the strictly lower triangle; row i holds the i numbers a_i0, …, a_i,i-1.
        b: weights of the stages.
        c: nodes of the stages, c_i = Σ_j a_ij.
        order: order of accuracy.
        error: weights of h k_i in the estimate of the local error; one more than there are stages where f at the new
            state takes part, which then is the first stage of the next step. Empty without an embedded scheme.
        error_order: order of the embedded scheme.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    order: int
    error: tuple[float, ...] = ()
    error_order: int = 0

    def __post_init__(self) -> None:
        sizes = [len(row) for row in self.a]
        if sizes != list(range(len(self.b))) or len(self.c) != len(self.b):
            raise OptionError(
                f"a tableau of {len(self.b)} stages needs rows of 0, 1, …, {len(self.b) - 1} numbers and as many "
                f"nodes, got rows of {sizes} numbers and {len(self.c)} nodes"
            )

    @property
    def stages(self) -> int:
        """Evaluations of the field in one step."""
        return len(self.b)

    @property
    def adaptive(self) -> bool:
        """Whether the local error can be estimated."""
        return bool(self.error)


class HasTableau(Protocol):
    """A scheme that is explicit Runge-Kutta with coefficients of its own, such as a learned one."""

    def tableau(self) -> Tableau: ...


def _tableau(a: Sequence[Sequence[F | float]], b: Sequence[F | float], order: int) -> Tableau:
    """A tableau from the rows after the empty first one."""
    rows: list[Sequence[F | float]] = [(), *a]
    return Tableau(tuple(_floats(row) for row in rows), _floats(b), _floats([sum(row) for row in rows]), order)


def _floats(numbers: Sequence[F | float]) -> tuple[float, ...]:
    return tuple(float(number) for number in numbers)


def _pair(tableau: Tableau, error: Sequence[F | float], error_order: int) -> Tableau:
    return dataclasses.replace(tableau, error=_floats(error), error_order=error_order)


def compose(tableau: Tableau, steps: int) -> Tableau:
    """The one tableau whose step of h does what ``steps`` steps of h / steps do.

    Raises:
        OptionError: steps below 1.
    """
    if steps < 1:
        raise OptionError(f"steps is {steps}, expected at least 1")
    done, rows = tuple(b / steps for b in tableau.b), list[tuple[float, ...]]()
    for step in range(steps):
        rows += [done * step + tuple(a / steps for a in row) for row in tableau.a]
    nodes = tuple((step + c) / steps for step in range(steps) for c in tableau.c)
    return Tableau(tuple(rows), done * steps, nodes, tableau.order)


# Dormand & Prince 1980, J. Comput. Appl. Math. 6, 19, RK5(4)7M.
_DOPRI5 = _tableau(
    [
        [F(1, 5)],
        [F(3, 40), F(9, 40)],
        [F(44, 45), F(-56, 15), F(32, 9)],
        [F(19372, 6561), F(-25360, 2187), F(64448, 6561), F(-212, 729)],
        [F(9017, 3168), F(-355, 33), F(46732, 5247), F(49, 176), F(-5103, 18656)],
    ],
    [F(35, 384), 0, F(500, 1113), F(125, 192), F(-2187, 6784), F(11, 84)],
    order=5,
)
_DOPRI5_ERROR: list[F | float] = [F(71, 57600), 0, F(-71, 16695), F(71, 1920), F(-17253, 339200), F(22, 525), F(-1, 40)]

# Tsitouras 2011, Comput. Math. Appl. 62, 770.
_TSIT5 = _tableau(
    [
        [0.161],
        [-0.008480655492356989, 0.335480655492357],
        [2.8971530571054935, -6.359448489975075, 4.3622954328695815],
        [5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525],
        [5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383],
    ],
    [0.09646076681806523, 0.01, 0.4798896504144996, 1.379008574103742, -3.290069515436081, 2.324710524099774],
    order=5,
)
_TSIT5_ERROR: list[F | float] = [
    -0.00178001105222577714, -0.0008164344596567469, 0.007880878010261995, -0.1447110071732629, 0.5823571654525552,
    -0.45808210592918697, F(1, 66),
]  # fmt: skip

# Prince & Dormand 1981, J. Comput. Appl. Math. 7, 67, RK8(7)13M.
_DOPRI8_A: list[list[F | float]] = [
    [F(1, 18)],
    [F(1, 48), F(1, 16)],
    [F(1, 32), 0, F(3, 32)],
    [F(5, 16), 0, F(-75, 64), F(75, 64)],
    [F(3, 80), 0, 0, F(3, 16), F(3, 20)],
    [F(29443841, 614563906), 0, 0, F(77736538, 692538347), F(-28693883, 1125000000), F(23124283, 1800000000)],
    [F(16016141, 946692911), 0, 0, F(61564180, 158732637), F(22789713, 633445777), F(545815736, 2771057229),
     F(-180193667, 1043307555)],
    [F(39632708, 573591083), 0, 0, F(-433636366, 683701615), F(-421739975, 2616292301), F(100302831, 723423059),
     F(790204164, 839813087), F(800635310, 3783071287)],
    [F(246121993, 1340847787), 0, 0, F(-37695042795, 15268766246), F(-309121744, 1061227803),
     F(-12992083, 490766935), F(6005943493, 2108947869), F(393006217, 1396673457), F(123872331, 1001029789)],
    [F(-1028468189, 846180014), 0, 0, F(8478235783, 508512852), F(1311729495, 1432422823),
     F(-10304129995, 1701304382), F(-48777925059, 3047939560), F(15336726248, 1032824649),
     F(-45442868181, 3398467696), F(3065993473, 597172653)],
    [F(185892177, 718116043), 0, 0, F(-3185094517, 667107341), F(-477755414, 1098053517), F(-703635378, 230739211),
     F(5731566787, 1027545527), F(5232866602, 850066563), F(-4093664535, 808688257), F(3962137247, 1805957418),
     F(65686358, 487910083)],
    [F(403863854, 491063109), 0, 0, F(-5068492393, 434740067), F(-411421997, 543043805), F(652783627, 914296604),
     F(11173962825, 925320556), F(-13158990841, 6184727034), F(3936647629, 1978049680), F(-160528059, 685178525),
     F(248638103, 1413531060), 0],
]  # fmt: skip
_DOPRI8_B: list[F | float] = [
    F(14005451, 335480064), 0, 0, 0, 0, F(-59238493, 1068277825), F(181606767, 758867731), F(561292985, 797845732),
    F(-1041891430, 1371343529), F(760417239, 1151165299), F(118820643, 751138087), F(-528747749, 2220607170), F(1, 4),
]  # fmt: skip
_DOPRI8_LOWER: list[F | float] = [
    F(13451932, 455176623), 0, 0, 0, 0, F(-808719846, 976000145), F(1757004468, 5645159321), F(656045339, 265891186),
    F(-3867574721, 1518517206), F(465885868, 322736535), F(53011238, 667516719), F(2, 45), 0,
]  # fmt: skip
_DOPRI8 = _tableau(_DOPRI8_A, _DOPRI8_B, order=8)

TABLEAUS: dict[str, Tableau] = {
    "euler": _tableau([], [1], 1),
    "midpoint": _tableau([[F(1, 2)]], [0, 1], 2),
    "heun": _tableau([[1]], [F(1, 2), F(1, 2)], 2),
    "rk4": _tableau([[F(1, 2)], [0, F(1, 2)], [0, 0, 1]], [F(1, 6), F(1, 3), F(1, 3), F(1, 6)], 4),
    "rk4_38": _tableau([[F(1, 3)], [F(-1, 3), 1], [1, -1, 1]], [F(1, 8), F(3, 8), F(3, 8), F(1, 8)], 4),
    "dopri5": _pair(_DOPRI5, _DOPRI5_ERROR, 4),
    "tsit5": _pair(_TSIT5, _TSIT5_ERROR, 4),
    "dopri8": _pair(_DOPRI8, [b - low for b, low in zip(_DOPRI8_B, _DOPRI8_LOWER, strict=True)], 7),
}
