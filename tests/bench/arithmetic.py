"""What dense networks have to compute, and a product that shows what the processor can do."""

import torch

MATRIX = 512  # rows and columns of the product
PRODUCT = "product of matrices"


def operations(network: torch.nn.Module) -> int:
    """Floating-point operations of the linear layers for one cell."""
    layers = (layer for layer in network.modules() if isinstance(layer, torch.nn.Linear))
    return sum(2 * layer.weight.numel() for layer in layers)
