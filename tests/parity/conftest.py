"""The real test split, twice: as phraseloc reads it, and as `tests.parity.release` does."""

import pytest

from phraseloc import load_ground_truth
from tests.parity import release


@pytest.fixture(scope="session")
def phrases(data):
    """The 14,481 phrases of the test split with boxes, read with the standard library."""
    folder = data / "flickr30k_entities"
    return release.read(folder / "annotations.tar.xz", folder / "test.txt")


@pytest.fixture(scope="session")
def official(data, tmp_path_factory):
    """The same as phraseloc's ground truth."""
    folder = data / "flickr30k_entities"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHRASELOC_CACHE", str(tmp_path_factory.mktemp("cache")))
        return load_ground_truth(folder / "annotations.tar.xz", split=folder / "test.txt")


@pytest.fixture(scope="session")
def rows_of_image(official):
    """The rows of each image, in the order of the split."""
    rows: dict[str, list[int]] = {}
    for row, image in enumerate(official.keys.image.to_list()):
        rows.setdefault(image, []).append(row)
    return list(rows.values())
