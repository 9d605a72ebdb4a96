"""Image files: found by the image's id, checked before anything is drawn, read as RGB."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phraseloc.errors import InputError, MissingExtra, Problems, noting

SUFFIXES = (".jpg", ".jpeg", ".png")

Size = tuple[float, float]
Pixels = npt.NDArray[np.uint8]


def find_images(folder: Path, sizes: Mapping[str, Size | None]) -> dict[str, Path]:
    """Find each image's file, and check that it can be read and has the size it should have.

    Parameters
    ----------
    folder : where the files are, ``<image>.jpg``, ``.jpeg`` or ``.png``
    sizes : the images' ids, with width and height in pixels where those are known

    Raises
    ------
    InputError
        with every image that has no file, or one that does not do
    """
    problems = Problems(str(folder))
    found = {}
    for image, size in sizes.items():
        path = _path_of(folder, image)
        if path is None:
            problems.add(f"an image without a file; expected <image>{' or '.join(SUFFIXES)}", image)
            continue
        found[image] = path
        with noting(problems, "an image file that does not do"):
            read_image(path, size)
    problems.raise_if_any()
    return found


def _path_of(folder: Path, image: str) -> Path | None:
    """Give an image's file; an id that leads out of the folder has none."""
    if ".." in Path(image).parts or Path(image).is_absolute():
        return None
    for suffix in SUFFIXES:
        path = folder / f"{image}{suffix}"
        try:
            if path.is_file():
                return path
        except OSError:  # a name that no file can have
            return None
    return None


def read_image(path: Path, size: Size | None = None) -> Pixels:
    """Read an image, (height, width, 3) uint8.

    Parameters
    ----------
    size : the width and height that it must have

    Raises
    ------
    InputError
        if it is no sound JPEG or PNG image, or has another size
    MissingExtra
        if Pillow is not installed
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("Pillow", "report", "reading images") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what can be read nonetheless
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            # other formats run programs of the system
            with Image.open(path, formats=("JPEG", "PNG")) as file:
                if size is None or file.size == size:
                    return np.asarray(file.convert("RGB"))
                found: Any = file.size
        except Exception as error:  # Pillow's errors have no common base
            reason = f"found {error}" if str(error) else f"found {type(error).__name__}"
            raise InputError(path.name, f"{reason}; expected a JPEG or PNG image") from None
    wanted = " x ".join(f"{side:g}" for side in size)
    raise InputError(path.name, f"found {found[0]} x {found[1]} pixels, expected {wanted}")
