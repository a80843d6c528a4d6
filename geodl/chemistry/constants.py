"""Numbers of physics inside of networks."""

from collections.abc import Callable

from torch import Tensor, nn


class Constants(nn.Module):
    """Keeps the precision of its buffers: ``.float()`` and ``.half()`` pass them by, ``.to(device)`` moves them.

    A molecular weight that was rounded with the weights of a network would no longer be the one of its mechanism.
    """

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Constants":
        return super()._apply(lambda kept: kept.to(fn(kept.new_empty(0)).device), recurse)
