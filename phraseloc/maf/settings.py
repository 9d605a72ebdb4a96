"""What a training run is told: the choices of the paper's Tables 3 and 4, and the rest of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phraseloc.errors import OptionError

PARTS = ("label", "feature", "attribute")
"""What an object's vector may be made of (Eq. 1): l_m, W_f f_m and W_t t_m."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "tfr": ("attention", "average"),
    "init_f": ("zero", "random"),
    "init_p": ("identity", "random"),
    "precision": ("float32", "bfloat16"),
}
"""The choices that have names; the first is the default."""

LARGEST_RATE = 100.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How MAF is made and trained; the defaults are the paper's.

    Parameters
    ----------
    vfr : the parts of an object's vector (visual feature representation, Table 3)
    tfr : words weighed by attention, or all alike (textual feature representation, Table 3)
    init_f : W_f and W_t before training (Table 4)
    init_p : W_p before training (Table 4)
    epochs, batch, learning_rate, seed : of Adam; a batch is so many captions
    accumulate : how many batches make a step; negatives are those of one batch
    precision : of the products; parameters and sums stay float32

    Raises
    ------
    OptionError
        if a choice is none, or a number is too small

    Examples
    --------
    >>> Settings(vfr=("label", "feature")).batch
    64
    >>> Settings(tfr="mean")
    Traceback (most recent call last):
    phraseloc.errors.OptionError: tfr is 'mean'; expected attention or average
    """

    vfr: tuple[str, ...] = ("label", "feature")
    tfr: str = "attention"
    init_f: str = "zero"
    init_p: str = "identity"
    epochs: int = 25
    batch: int = 64
    learning_rate: float = 1e-5
    seed: int = 0
    accumulate: int = 1
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise OptionError(
                    f"{name} is {getattr(self, name)!r}; expected {' or '.join(choices)}"
                )
        parts = set(self.vfr)
        if not parts <= set(PARTS) or len(parts) < len(self.vfr) or parts <= {"attribute"}:
            raise OptionError(
                f"vfr is {','.join(self.vfr)!r}; expected some of {', '.join(PARTS)}, each once, "
                "and not attribute alone"
            )
        least = {"epochs": 0, "batch": 2, "accumulate": 1, "seed": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise OptionError(f"{name} is {getattr(self, name)}; expected {low} or more")
        if not 0 < self.learning_rate <= LARGEST_RATE:
            raise OptionError(
                f"learning_rate is {self.learning_rate:g}; expected more than 0, and at most "
                f"{LARGEST_RATE:g}"
            )
