"""Ground truth as plain lists, to be compared whole: keys, boxes, categories, what was left out."""

from itertools import pairwise

import numpy as np

from phraseloc import GroundTruth, PhraseKeys


def keys_of(keys: PhraseKeys) -> list[tuple[str, int, int, str]]:
    """Give each phrase's key."""
    image, sentence, first_word, entity = keys.parts
    columns = (image.to_list(), sentence.tolist(), first_word.tolist(), entity.to_list())
    return list(zip(*columns, strict=True))


def categories_of(truth: GroundTruth) -> list[list[str]]:
    """Give each phrase's categories."""
    names = [truth.categories[code] for code in truth.category_codes.tolist()]
    ends = truth.category_offsets.tolist()
    return [names[low:high] for low, high in pairwise(ends)]


def contents_of(truth: GroundTruth) -> dict[str, object]:
    """Give all that ground truth holds, but for where it came from."""
    left_out = truth.left_out
    return {
        "keys": keys_of(truth.keys),
        "phrases": truth.keys.phrase.to_list(),
        "boxes": truth.boxes.tolist(),
        "offsets": truth.offsets.tolist(),
        "categories": categories_of(truth),
        "sizes": truth.image_sizes[truth.keys.image.codes].tolist(),
        "space": truth.space,
        "left out": None if left_out is None else keys_of(left_out),
        "reasons": dict(truth.left_out_reasons),
        "digests": (truth.digest, truth.union_digest),
    }


def of_images(truth: GroundTruth, images: set[str]) -> GroundTruth:
    """Take the phrases of some images."""
    codes = [code for code, image in enumerate(truth.keys.image.values) if image in images]
    return truth.take(np.flatnonzero(np.isin(truth.keys.image.codes, codes)))


def multi_box(truth: GroundTruth) -> int:
    """Count the phrases whose entity has several boxes."""
    return int((np.diff(truth.offsets) > 1).sum())
