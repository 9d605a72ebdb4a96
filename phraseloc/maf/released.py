"""Checkpoints of the released MAF code: a ``state_dict``, saved by torch.

``wv.weight`` has two rows, PAD and UNK, and then the words of a vector file in its order, which the
checkpoint does not tell: the file must be at hand. No code of the file is run.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from phraseloc.errors import InputError, Problems
from phraseloc.maf.checkpoint import Checkpoint, Facts, Matrix, Padding

SPECIAL = ("PAD", "UNK")
"""The first rows of the embeddings."""


def load_released(
    path: Path, words: Sequence[str], wanted: Collection[str] | None = None, vectors: str = ""
) -> Checkpoint:
    """Read a released checkpoint; its embeddings are mapped into memory.

    Parameters
    ----------
    words : all words of the vector file, in its order
    wanted : the words to keep; by default all
    vectors : what tables call the vector file

    Raises
    ------
    InputError
        if the file would run code, breaks off, lacks a weight, or has another number of words
    """
    state = _state_of(path)
    problems = Problems(path.name)
    size = state["wv.weight"].shape[-1] if "wv.weight" in state else 0
    width = state["linear_f.weight"].shape[-1] if "linear_f.weight" in state else 0
    for name, shape in _shapes(size, width).items():
        if name not in state:
            problems.add("a weight that is not there", name)
        elif tuple(state[name].shape[-len(shape) :]) != shape or state[name].ndim > 2:
            problems.add(
                "a weight of another shape",
                f"{name}: found {tuple(state[name].shape)}, expected {shape} at its end",
            )
    problems.raise_if_any()
    rows = len(state["wv.weight"])
    if rows != len(words) + len(SPECIAL):
        raise InputError(
            path.name,
            f"found {rows:,} embeddings, expected {len(words) + len(SPECIAL):,}: PAD, UNK and the "
            f"{len(words):,} words of {vectors or 'the vectors'}; --vectors must be the file that "
            "it was trained with",
        )
    places = {word: row for row, word in enumerate(dict.fromkeys([*SPECIAL, *words]))}
    kept = [w for w in places if w not in SPECIAL and (wanted is None or w in wanted)]
    embeddings = state["wv.weight"]
    attribute = _array(state["linear_a.weight"])
    attributed = bool(attribute.any())  # the released code never trains it, and leaves it zero
    return Checkpoint(
        kept,
        _array(embeddings[torch.tensor([places[word] for word in kept], dtype=torch.long)]),
        _array(state["linear_p.weight"]),
        Facts(vfr=("label", "feature", "attribute")[: 2 + attributed], vectors=vectors),
        phrase_bias=_array(state["linear_p.bias"]),
        feature=_array(state["linear_f.weight"]),
        attribute=attribute if attributed else None,
        padding=Padding(
            _array(embeddings[: len(SPECIAL)]),
            _array(state["linear_f.bias"]),
            _array(state["linear_mini.weight"]),
            _array(state["linear_mini.bias"]),
        ),
        source=path.name,
    )


def is_released(path: Path) -> bool:
    """Tell whether a file is torch's: a zip archive or a pickle."""
    try:
        with path.open("rb") as file:
            return file.read(2) in (b"PK", b"\x80\x02")
    except OSError:
        return False


def _state_of(path: Path) -> Mapping[str, Any]:
    """Load the tensors of a file without running code of it."""
    import pickle

    try:
        state = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except FileNotFoundError:
        raise InputError(str(path), "no such file") from None
    except pickle.UnpicklingError as error:
        refused = re.search(
            r"[Uu]nsupported (?:global|class)[^A-Za-z_]*(?:GLOBAL )?([\w.]+)", str(error)
        )
        found = (
            f"a pickle that imports {refused[1]}" if refused else "a pickle that is no state_dict"
        )
        raise InputError(
            path.name, f"found {found}; expected tensors alone; nothing was run"
        ) from None
    except Exception as error:  # a damaged archive can end in any error
        reason = str(error).partition("\n")[0]
        raise InputError(
            path.name, f"not a checkpoint that can be read, or it is cut off: {reason}"
        ) from None
    if isinstance(state, dict) and isinstance(state.get("model_state"), dict):
        state = state["model_state"]
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise InputError(
            path.name, f"found {type(state).__name__}, expected a state_dict of tensors"
        )
    return state


def _shapes(size: int, width: int) -> dict[str, tuple[int, ...]]:
    """Give the shape that each weight ends in."""
    square = {"p": (size, size), "f": (size, width), "a": (size, size), "mini": (size, size)}
    shapes: dict[str, tuple[int, ...]] = {"wv.weight": (size,)}
    for name, shape in square.items():
        shapes |= {f"linear_{name}.weight": shape, f"linear_{name}.bias": (size,)}
    return shapes


def _array(tensor: torch.Tensor) -> Matrix:
    found: Matrix = tensor.to(torch.float32).numpy()
    return found
