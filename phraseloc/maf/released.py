"""Checkpoints of the released MAF code: a ``state_dict``, saved by torch.

``wv.weight`` has two rows, PAD and UNK, and then the words of a vector file in its order, which the
checkpoint does not tell: the file must be at hand. No code of the file is run.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import torch

from phraseloc.errors import InputError, Problems
from phraseloc.maf.checkpoint import Checkpoint, Facts, Matrix, Padding, check_file

SPECIAL = ("PAD", "UNK")
"""The first rows of the embeddings."""

_LAYERS = ("linear_p", "linear_f", "linear_a", "linear_mini")


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
    _check(state, path.name)
    embeddings = state["wv.weight"]
    if len(embeddings) != len(words) + len(SPECIAL):
        raise InputError(
            path.name,
            f"found {len(embeddings):,} embeddings, expected {len(words) + len(SPECIAL):,}: PAD, "
            f"UNK and the {len(words):,} words of {vectors or 'the vectors'}; --vectors must be "
            "the file that it was trained with",
        )
    # The released code numbers distinct words, so that one that stands twice moves all after it.
    places = {word: row for row, word in enumerate(dict.fromkeys([*SPECIAL, *words]))}
    kept = [w for w in places if w not in SPECIAL and (wanted is None or w in wanted)]
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
    """Tell whether a file is torch's: a zip archive or a pickle.

    Raises
    ------
    InputError
        if there is none, or it is something else than a checkpoint
    """
    return check_file(path).startswith((b"PK", b"\x80"))


def check_released(path: Path) -> None:
    """Refuse a file that is no released checkpoint.

    Raises
    ------
    InputError
        if it is one of this project's, or something else
    """
    if not is_released(path):
        raise InputError(
            path.name,
            "found no file of torch, expected a released checkpoint; one of this project's needs "
            "no converting",
        )


def _state_of(path: Path) -> Mapping[str, torch.Tensor]:
    """Load the tensors of a file without running code of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, of other pickles than its own
            state = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as error:
        refused = re.search(r"GLOBAL ([\w.]+)", str(error))
        found = f"that imports {refused[1]}" if refused else "that is no state_dict, or is cut off"
        raise InputError(
            path.name, f"found a pickle {found}; expected tensors alone; nothing was run"
        ) from None
    except Exception:  # a damaged archive can end in any error
        raise InputError(
            path.name, "not a checkpoint that can be read: it is damaged or cut off"
        ) from None
    if isinstance(state, dict) and isinstance(state.get("model_state"), dict):
        state = state["model_state"]
    if not isinstance(state, dict):
        raise InputError(
            path.name, f"found {type(state).__name__}, expected a state_dict of tensors"
        )
    for name, value in state.items():
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided
        if not (plain and value.is_floating_point()):
            kind = f"a tensor of {value.dtype}" if plain else type(value).__name__
            raise InputError(
                path.name, f"found {kind} under {name!r}, expected dense tensors of floats alone"
            )
    return state


def _check(state: Mapping[str, torch.Tensor], source: str) -> None:
    """Check that all weights are there, of shapes that fit each other, and finite."""
    problems = Problems(source)
    wanted = ["wv.weight", *(f"{name}.{part}" for name in _LAYERS for part in ("weight", "bias"))]
    problems.add_rows("a weight that is not there", [w for w in wanted if w not in state], str)
    problems.raise_if_any()
    for name in ("wv.weight", "linear_f.weight"):
        if state[name].ndim != 2:
            problems.add(
                "a weight of another shape",
                f"{name}: found {tuple(state[name].shape)}, expected rows and columns",
            )
    problems.raise_if_any()
    size, width = state["wv.weight"].shape[1], state["linear_f.weight"].shape[1]
    for name in wanted[1:]:
        expected: tuple[int, ...] = (size, width if name == "linear_f.weight" else size)
        expected = expected[:1] if name.endswith("bias") else expected
        found = tuple(state[name].shape)
        if found != expected:
            problems.add("a weight of another shape", f"{name}: found {found}, expected {expected}")
        elif not torch.isfinite(state[name]).all():
            problems.add("a weight with a number that is not finite", name)
    problems.raise_if_any()


def _array(tensor: torch.Tensor) -> Matrix:
    found: Matrix = tensor.detach().to(torch.float32).numpy()
    return found
