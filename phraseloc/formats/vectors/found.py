"""What a reader found of the words that were wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Found(NamedTuple):
    """Words and their vectors, (W, d) float32."""

    words: Sequence[str]
    matrix: npt.NDArray[np.float32]
