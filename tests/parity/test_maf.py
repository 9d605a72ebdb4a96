"""MAF against its plain twins: the released code's arithmetic, the equations, and the baselines."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from phraseloc import BoxSpace, GroundTruth, PhraseKeys, Proposals, Strings
from phraseloc.baselines import Task, find_baseline
from phraseloc.columns import offsets_of
from phraseloc.maf.as_released import choose_as_released, retrieval_as_released
from phraseloc.maf.batches import Texts, make_batch
from phraseloc.maf.checkpoint import Checkpoint, Facts
from phraseloc.maf.inputs import inputs_of
from phraseloc.maf.model import similarity
from phraseloc.maf.predict import choose, model_of
from phraseloc.maf.regions import Regions, load_regions
from phraseloc.maf.released import load_released
from phraseloc.maf.settings import PARTS, Settings
from phraseloc.maf.training import Run
from tests.grounding import real_task
from tests.parity import slow_baselines, slow_maf


@pytest.fixture(scope="module")
def task(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHRASELOC_CACHE", str(tmp_path_factory.mktemp("cache")))
        return real_task(data)


@pytest.fixture(scope="module")
def regions(data, task):
    return load_regions([data / "proposals/flickr1k/test_features_compress.hdf5"], task.proposals)


@pytest.fixture(scope="module")
def files(data):
    return slow_maf.read_files(data / "proposals" / "flickr1k" / "test_")


@pytest.fixture(scope="module", params=[False, True], ids=["features", "equal"])
def released(request, task, files):
    """A released state, its plain twin, and the images as that has them."""
    state = slow_maf.random_state(task.vectors.matrix, 256, request.param, seed=1)
    plain = slow_maf.Released(state, task.vectors.words)
    assert not {"traffic light", "wine glass"} & set(plain.rows)
    return state, plain, {name: plain.image(*files[name]) for name in task.proposals.images}


def saved(state, path, words, zipped=True):
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    assert path.read_bytes().startswith(b"PK") == zipped
    return load_released(path, words)


def check_boxes(choice, expected):
    """Compare with numbers of files, whose right and bottom pixels belong to the box."""
    assert np.flatnonzero(choice.decided).tolist() == sorted(expected)
    for row, (x1, y1, x2, y2) in expected.items():
        assert choice.boxes[row].tolist() == [x1, y1, x2 + 1, y2 + 1], row


@pytest.mark.real
def test_every_phrase_as_released(released, task, regions, tmp_path):
    state, plain, images = released
    expected = plain.boxes(slow_maf.captions_of(task.keys), task.phrases.to_list(), images)
    assert len(expected) == len(task) == 2779
    for zipped in (True, False):
        checkpoint = saved(state, tmp_path / f"{zipped}.pth", task.vectors.words, zipped)
        check_boxes(choose_as_released(checkpoint, task, regions), expected)


@pytest.mark.real
def test_retrieval_as_released(released, task, regions, tmp_path):
    state, _, images = released
    state = {**state, "linear_p.weight": torch.eye(50)}  # else all is chance
    plain = slow_maf.Released(state, task.vectors.words)
    names = task.proposals.images[:14]
    kept = np.isin(task.keys.image.to_list(), names).nonzero()[0]
    subset = replace(task, truth=task.truth.take(kept))
    captions = slow_maf.captions_of(subset.keys)
    checkpoint = saved(state, tmp_path / "maf.pth", task.vectors.words)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(captions)).tolist()
        right = plain.retrieval(captions, subset.phrases.to_list(), images, order)
        assert retrieval_as_released(checkpoint, subset, regions, seed) == (right, len(captions))


def long_task(draw, words):
    """Images of up to 130 objects, captions of up to 40 phrases, phrases of up to 15 words."""
    counts = {"b": 130, "a": 3, "c": 100, "d": 101}
    total = sum(counts.values())
    low = draw.uniform(0, 50, (total, 2))
    boxes = np.hstack([low, low + draw.uniform(0, 9, (total, 2))]).round(2)
    labels = draw.choice([*words[:3], "w4,w5", "w6 ,w7", "w0 w1", "unknown"], total)
    columns = BoxSpace("xyxy", "inclusive", 0).read(boxes), Strings.of(labels.tolist())
    found = Proposals(list(counts), offsets_of([*counts.values()]), *columns)
    rows = [
        (image, sentence, first, " ".join(draw.choice([*words, "Odd", "W1"], draw.integers(1, 16))))
        for image in counts
        for sentence, phrases in ((3, 40), (1, 33), (2, 32), (0, 4))
        for first in range(phrases)
    ]
    draw.shuffle(rows)
    image, sentence, first, texts = zip(*rows, strict=True)
    image, texts = Strings.of(image), Strings.of(texts)
    keys = PhraseKeys(image, np.array(sentence), np.array(first), texts, texts)
    truth = GroundTruth(keys, np.arange(len(rows) + 1), np.tile([0.0, 0, 9, 9], (len(rows), 1)))
    return Task(truth, found), boxes.tolist()


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_long_captions_long_phrases_and_many_objects(equal, seed, tmp_path):
    draw = np.random.default_rng(seed)
    words = [f"w{number}" for number in range(20)]
    task, boxes = long_task(draw, words)
    rows = np.arange(len(boxes))
    features = draw.normal(size=(len(boxes), 5)).astype(np.float16)
    regions = Regions([features], 0 * rows, rows, "features")
    state = slow_maf.random_state(draw.normal(size=(len(words), 6)).astype("f4"), 5, equal, seed)
    for part in ("weight", "bias"):
        state[f"linear_mini.{part}"] *= 1e5  # else it would hardly ever be seen
    plain = slow_maf.Released(state, words)
    columns = boxes, task.proposals.labels.to_list(), features.tolist()
    items = slow_maf.by_image(task.proposals, *columns)
    images = {name: plain.image(*items[name]) for name in items}
    expected = plain.boxes(slow_maf.captions_of(task.keys), task.phrases.to_list(), images)
    assert len(task) - len(expected) == 4 * (40 - 32 + 33 - 32)
    checkpoint = saved(state, tmp_path / "maf.pth", words)
    check_boxes(choose_as_released(checkpoint, task, regions), expected)


@pytest.fixture(scope="module")
def varied(task):
    """The real task with attributes, and some labels of several names or unknown words."""
    draw, found = np.random.default_rng(5), task.proposals
    names = ["", "red", "green shirt", "white,black and blue", "qqqq", "red,qqqq"]
    attributes = draw.choice(names, len(found)).tolist()
    labels = np.array(found.labels.to_list(), object)
    labels[draw.random(len(labels)) < 0.2] = "dog,black cat,qqqq"
    labels[draw.random(len(labels)) < 0.2] = "qqqq"
    nothing = found.offsets[1]  # is seen in the first image, but for its features
    labels[:nothing], attributes[:nothing] = "qqqq", [""] * nothing
    labels, attributes = Strings.of(labels.tolist()), Strings.of(attributes)
    return replace(task, proposals=replace(found, labels=labels, attributes=attributes))


CASES = [
    (PARTS, "attention", False),
    (PARTS, "average", True),
    (("label", "feature"), "attention", True),
    (("label", "attribute"), "attention", False),
    (("feature",), "attention", False),
    (("label",), "attention", True),
    (("label",), "average", False),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join([*case[0], case[1]]))
def twins(request, varied, files):
    """A checkpoint of random weights, its plain twin, and what that sees in each image."""
    vfr, tfr, bias = request.param
    torch.manual_seed(0)
    checkpoint = Checkpoint(
        varied.vectors.words,
        varied.vectors.matrix,
        slow_maf.layer(50, 50),
        Facts(vfr=vfr, tfr=tfr),
        slow_maf.layer(1, 50)[0] if bias else None,
        slow_maf.layer(50, 256) if "feature" in vfr else None,
        slow_maf.layer(50, 50) if "attribute" in vfr else None,
    )
    plain = slow_maf.Paper.of(checkpoint)
    return checkpoint, plain, *plain.images(varied.proposals, files)


def model_and_batch(checkpoint, task, regions, captions):
    inputs = inputs_of(task, checkpoint.words, checkpoint.facts.vfr, regions)
    texts = (Texts.of(b, "cpu") for b in (inputs.label_bags, inputs.attribute_bags))
    return model_of(checkpoint), (make_batch(inputs, captions), *texts)


@pytest.mark.real
def test_scores_and_similarity(twins, varied, regions):
    checkpoint, plain, _, objects = twins
    captions = plain.captions(varied.keys, objects)
    assert len(captions) == len(inputs_of(varied, checkpoint.words, checkpoint.facts.vfr, regions))
    chosen = np.random.default_rng(7).permutation(60)
    model, (batch, *bags) = model_and_batch(checkpoint, varied, regions, chosen)
    with torch.no_grad():
        scores = model.scores(batch, *bags).numpy()
        shown = model.embed_objects(batch, *bags)
        phrases = model.embed_phrases(batch, shown)
        similar = similarity(phrases, shown, batch.mask, batch.phrase_caption).numpy()
    spoken = [captions[place] for place in chosen]
    expected = [plain.scores(text, objects[own]) for own, texts in spoken for text in texts]
    tolerance = 1e-5 * np.abs(np.concatenate(expected)).max()
    for found, wanted in zip(scores, expected, strict=True):
        np.testing.assert_allclose(found[: len(wanted)], wanted, rtol=0, atol=tolerance)
        assert np.isneginf(found[len(wanted) :]).all()
    expected = [
        [plain.similarity(texts, objects[own], objects[other]) for other, _ in spoken]
        for own, texts in spoken
    ]
    np.testing.assert_allclose(similar, expected, rtol=0, atol=tolerance)


@pytest.mark.real
@pytest.mark.parametrize("repeated", ["no image", "one image", "every image"])
def test_loss(repeated, twins, varied, regions):
    checkpoint, plain, _, objects = twins
    captions = plain.captions(varied.keys, objects)
    images = [image for image, _ in captions[:150]]
    first = sorted(map(images.index, set(images)))
    chosen = {"no image": first, "one image": [1, *first], "every image": range(60)}
    chosen = np.array(chosen[repeated])
    model, inputs = model_and_batch(checkpoint, varied, regions, chosen)
    with torch.no_grad():
        step = model(*inputs)
    loss, right = plain.loss([captions[place] for place in chosen], objects)
    assert step.found == right
    assert step.loss.item() == pytest.approx(loss, rel=1e-5)


@pytest.mark.real
def test_every_choice(twins, varied, regions):
    checkpoint, plain, items, objects = twins
    choice = choose(checkpoint, varied, regions)
    close = 0
    for row, text in enumerate(varied.phrases.to_list()):
        image = varied.keys.image[row]
        scores = plain.scores(text, objects[image])
        assert choice.decided[row] == (scores is not None)
        if scores is None:
            continue
        if scores[scores != scores.max()].max(initial=-np.inf) < scores.max() - 1e-4:
            assert choice.boxes[row].tolist() == items[image][scores.argmax()][0], row
        else:
            close += 1
    assert close < 10


@pytest.mark.real
def test_untrained_is_glove_att(task, regions):
    checkpoint = Run(task, task.vectors, Settings(), regions).untrained()
    assert not checkpoint.feature.any()
    np.testing.assert_array_equal(checkpoint.phrase, np.eye(50))
    found, expected = choose(checkpoint, task, regions), find_baseline("glove-att").choose(task)
    np.testing.assert_array_equal(found.decided, expected.decided)
    np.testing.assert_array_equal(found.boxes[found.decided], expected.boxes[found.decided])


@pytest.mark.real
def test_untrained_average_is_the_mean_product(task, regions):
    checkpoint = Run(task, task.vectors, Settings(tfr="average"), regions).untrained()
    choice = choose(checkpoint, task, regions)
    found = task.proposals
    vectors = slow_maf.rows_of(checkpoint.words, checkpoint.vectors)
    columns = slow_maf.by_image(found, found.boxes.tolist(), found.labels.to_list())
    objects = {name: slow_baselines.objects_of(*column) for name, column in columns.items()}
    for row, text in enumerate(task.phrases.to_list()):
        seen = objects[task.keys.image[row]]
        chosen = slow_baselines.by_label(text, seen, vectors, slow_maf.mean_product)
        assert choice.decided[row] == (chosen is not None)
        assert chosen is None or tuple(choice.boxes[row]) == chosen[0], row


@pytest.mark.real
def test_words_that_never_occur_never_move_and_change_nothing(task, regions):
    seen = inputs_of(task, task.vectors.words, ("label",))
    used = np.unique(np.concatenate([seen.words, seen.label_bags.words]))
    own, matrix = [task.vectors.words[row] for row in used], task.vectors.matrix[used]
    both = [word for name in own for word in (f"{name} never", name)]
    more = np.random.default_rng(3).normal(size=matrix.shape).astype("f4")
    mixed = np.stack([more, matrix], axis=1).reshape(-1, 50)
    trained = []
    for words, vectors in ((own, matrix), (both, mixed)):
        torch.manual_seed(0)
        facts = Facts(vfr=("label", "feature"))
        checkpoint = Checkpoint(
            words, vectors, slow_maf.layer(50, 50), facts, feature=slow_maf.layer(50, 256)
        )
        model, inputs = model_and_batch(checkpoint, task, regions, np.arange(128))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for _ in range(2):
            optimizer.zero_grad()
            model(*inputs).loss.backward()
            optimizer.step()
        trained.append({name: value.numpy() for name, value in model.state_dict().items()})
    small, large = trained
    moved = np.abs(small["words.weight"] - matrix).max(axis=1) > 1e-3
    assert 100 < moved.sum() < len(own)
    assert large["words.weight"][::2].tobytes() == more.tobytes()
    large["words.weight"] = large["words.weight"][1::2]
    for name, value in small.items():
        np.testing.assert_array_equal(large[name], value)
