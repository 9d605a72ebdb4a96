"""Keys of phrases: hashes as plain Python has them, groups of images, and a digest of rows."""

from zlib import crc32

import numpy as np
import pytest

from phraseloc.kernels.keys import (
    NO_SENTENCE,
    digest_rows,
    hash_captions,
    hash_texts,
    join_keys,
    units_of_captions,
)
from phraseloc.statistics import UNITS, unit_of

TEXTS = ["", "a", "548", "a#", "#0", "x#1", "1016887272", "éclair", "雪", "a" * 300, "\0", "a\0"]
CAPTIONS = {
    "1016887272#0": ("1016887272", 0),
    "a#b#12": ("a#b", 12),
    "雪#3": ("雪", 3),
    "a#007": ("a", 7),
    "a##1": ("a#", 1),
    "a#" + 18 * "9": ("a", 10**18 - 1),
    "plain": ("plain", NO_SENTENCE),
    "": ("", NO_SENTENCE),
    "12": ("12", NO_SENTENCE),
    "#5": ("#5", NO_SENTENCE),
    "a#": ("a#", NO_SENTENCE),
    "a#-1": ("a#-1", NO_SENTENCE),
    "a#1b": ("a#1b", NO_SENTENCE),
    "a#" + 19 * "9": ("a#" + 19 * "9", NO_SENTENCE),
    "a#٣": ("a#٣", NO_SENTENCE),
}
MASK = 2**64 - 1


def mixed(state):
    """The finalizer of splitmix64."""
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
    return state ^ state >> 31


def hashed(text):
    """FNV-1a of the bytes, mixed."""
    state = 0xCBF29CE484222325
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    return mixed(state)


def packed(texts):
    data = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, data)]).astype(np.int64)
    return np.frombuffer(b"".join(data) + b"rest", np.uint8), offsets


def test_texts_are_hashed_as_plain_python_hashes_them():
    assert hash_texts(*packed(TEXTS)).tolist() == [hashed(text) for text in TEXTS]


def test_a_text_has_the_published_hash_before_it_is_mixed():
    """FNV-1a of "foobar" as its authors list it, taken back through the mixer."""
    assert hashed("foobar") == mixed(0x85944171F73967E8)


def test_captions_are_split_where_a_number_follows_the_last_mark():
    images, sentences = hash_captions(*packed(CAPTIONS))
    assert sentences.tolist() == [sentence for _, sentence in CAPTIONS.values()]
    assert images.tolist() == [hashed(image) for image, _ in CAPTIONS.values()]


def test_an_offset_within_the_data_is_where_a_text_begins():
    data, offsets = packed(["skipped", "a#1", "b"])
    images, sentences = hash_captions(data, offsets[1:])
    assert images.tolist() == [hashed("a"), hashed("b")]
    assert sentences.tolist() == [1, NO_SENTENCE]


def joined(sentence, first_word, entity):
    step = 0x9E3779B97F4A7C15
    state = mixed((sentence + step) & MASK)
    return mixed(mixed(state ^ (first_word + step) & MASK) ^ entity)


def test_the_parts_of_a_key_are_joined_as_plain_python_joins_them():
    parts = [(0, 0, hashed("1")), (0, 1, hashed("1")), (1, 0, hashed("1")), (4, 31, hashed(""))]
    sentences, words, entities = zip(*parts, strict=True)
    found = join_keys(np.array(sentences), np.array(words), np.array(entities, np.uint64))
    assert found.tolist() == [joined(*part) for part in parts]
    assert len(set(found.tolist())) == len(parts)


def test_sentence_and_word_change_places_with_the_key():
    entities = np.array([hashed("1")] * 10_000, np.uint64)
    places = np.arange(10_000)
    found = join_keys(places // 100, places % 100, entities)
    assert len(np.unique(found)) == 10_000


def test_groups_are_those_of_the_statistics():
    data, offsets = packed(CAPTIONS)
    found = units_of_captions(data, offsets[:-1], offsets[1:], UNITS)
    images = [image for image, _ in CAPTIONS.values()]
    assert found.tolist() == [unit_of(image) for image in images]
    assert found.tolist() == [crc32(image.encode()) % UNITS for image in images]
    whole = units_of_captions(data, offsets[:-1], offsets[1:], UNITS, splits=False)
    assert whole.tolist() == [unit_of(caption) for caption in CAPTIONS]
    assert whole.tolist() != found.tolist()


def rows(seed, count=50):
    random = np.random.default_rng(seed)
    keys = random.integers(2**63, size=(2, count)).astype(np.uint64)
    offsets = np.cumsum([0, *random.integers(1, 4, size=count)])
    return *keys, random.random((offsets[-1], 4)) * 100, offsets


def taken(images, phrases, boxes, offsets, order):
    kept = [boxes[offsets[row] : offsets[row + 1]] for row in order]
    ends = np.cumsum([0, *map(len, kept)])
    return images[order], phrases[order], np.concatenate(kept), ends


def test_the_digest_is_that_of_the_rows_in_any_order():
    data = rows(1)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(50)
        assert digest_rows(*taken(*data, order)) == digest_rows(*data)


def test_digests_of_parts_add_up():
    data = rows(2)
    parts = [digest_rows(*taken(*data, part)) for part in np.array_split(np.arange(50), 7)]
    found = tuple(sum(part[place] for part in parts) % 2**64 for place in range(2))
    assert found == digest_rows(*data)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_any_change_of_a_key_or_a_box_changes_both_numbers(column):
    data = rows(3)
    before = digest_rows(*data)
    for place in np.ndindex(data[column].shape):
        changed = [part.copy() for part in data]
        changed[column][place] = np.nextafter(changed[column][place], 1e9) if column == 2 else 7
        after = digest_rows(*changed)
        assert after[0] != before[0]
        assert after[1] != before[1]


def test_a_box_that_moves_to_the_next_row_changes_the_digest():
    images, phrases, boxes, offsets = rows(4)
    place = next(row for row in range(49) if offsets[row + 1] - offsets[row] > 1)
    moved = offsets.copy()
    moved[place + 1] -= 1
    assert digest_rows(images, phrases, boxes, moved) != digest_rows(
        images, phrases, boxes, offsets
    )


def test_boxes_that_are_equal_have_one_digest():
    images, phrases, boxes, offsets = rows(5)
    boxes[3], again = 0.0, boxes.copy()
    again[3] = -0.0
    assert digest_rows(images, phrases, again, offsets) == digest_rows(
        images, phrases, boxes, offsets
    )
