"""Several processes, one batch: each has a share of the captions, and all have all images.

``torchrun`` starts the processes. A process's loss is the mean over its own captions, whose own
images stand among those of all; gradients are averaged, so that N processes with batches of B / N
have loss and gradient of one with a batch of B.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import pad

from phraseloc.maf.model import Images


@contextmanager
def processes(device: torch.device) -> Iterator[tuple[int, int]]:
    """Join the processes that torchrun started; give this one's rank and how many there are."""
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield 0, 1
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield dist.get_rank(), dist.get_world_size()
        dist.barrier()  # one that leaves while others still talk to it can abort
    finally:
        gc.collect()  # a model that outlives the group can abort the process when that ends
        dist.destroy_process_group()


def gather_images(own: Images) -> Images:
    """Join the images of all processes."""
    most = torch.tensor(own.mask.shape[1], device=own.mask.device)
    dist.all_reduce(most, dist.ReduceOp.MAX)
    missing = int(most) - own.mask.shape[1]
    objects: Tensor = _Gather.apply(pad(own.objects, (0, 0, 0, missing)).contiguous())  # type: ignore[no-untyped-call]
    return Images(
        objects,
        _joined(pad(own.mask, (0, missing)).to(torch.uint8)).bool(),
        _joined(own.numbers),
        dist.get_rank() * len(own.mask),
    )


def total(*numbers: float | Tensor) -> list[float]:
    """Sum numbers over all processes."""
    sums = torch.tensor([float(number) for number in numbers], dtype=torch.float64)
    if dist.is_available() and dist.is_initialized():
        sums = sums.cuda() if dist.get_backend() == "nccl" else sums
        dist.all_reduce(sums)
    found: list[float] = sums.tolist()
    return found


class _Gather(torch.autograd.Function):
    """Joins the tensors of all processes along the first axis; gradients of all come back."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        ctx.count = len(own)
        return _joined(own)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        first = dist.get_rank() * ctx.count
        return gradient[first : first + ctx.count]


def _joined(own: Tensor) -> Tensor:
    parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, own)
    return torch.cat(parts)
