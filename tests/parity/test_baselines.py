"""Every baseline chooses what its plain twin chooses, for every phrase of the real detections."""

import numpy as np
import pytest

from phraseloc.baselines import baselines, find_baseline, run_baseline
from tests.grounding import real_task
from tests.parity import slow_baselines as slow

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def task(data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHRASELOC_CACHE", str(tmp_path_factory.mktemp("cache")))
        return real_task(data)


@pytest.fixture(scope="module")
def vectors(task):
    return dict(zip(task.vectors.words, task.vectors.matrix.astype(float).tolist(), strict=True))


@pytest.fixture(scope="module")
def objects(task):
    """The objects of each image, as the twin has them."""
    found = task.proposals
    labels = found.labels.to_list()
    return {
        image: slow.objects_of(
            found.boxes[low:high].tolist(),
            labels[low:high],
        )
        for image, low, high in zip(
            found.images, found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True
        )
    }


def chosen(task, name):
    """The box of each phrase, None where the baseline has no opinion."""
    choice = find_baseline(name).choose(task)
    return [
        tuple(box) if decided else None
        for box, decided in zip(choice.boxes.tolist(), choice.decided.tolist(), strict=True)
    ]


def rows_of(task):
    sizes = task.sizes.tolist()
    for row, image in enumerate(task.keys.image.to_list()):
        yield row, task.keys.phrase[row], image, tuple(sizes[row])


@pytest.mark.parametrize("name", slow.TWINS)
def test_every_phrase(name, task, vectors, objects):
    known = {}
    expected = []
    for _, phrase, image, size in rows_of(task):
        if (phrase, image) not in known:
            known[phrase, image] = slow.TWINS[name](phrase, objects[image], size, vectors)
        expected.append(known[phrase, image])
    assert chosen(task, name) == expected


def test_the_oracle(task, objects):
    truth = task.truth
    boxes, offsets = truth.boxes.tolist(), truth.offsets.tolist()
    expected = [
        slow.oracle(objects[image], boxes[offsets[row] : offsets[row + 1]])
        for row, _, image, _ in rows_of(task)
    ]
    assert chosen(task, "oracle") == expected


def test_draws_are_objects_of_the_image_and_of_the_best_label(task, objects):
    for row, box in enumerate(chosen(task, "random")):
        assert box in {item[0] for item in objects[task.keys.image[row]]}
    for name in ("w2v-max", "w2v-avg"):
        largest = chosen(task, name)
        for row, box in enumerate(chosen(task, f"{name}:random")):
            if box is None:
                assert largest[row] is None
                continue
            items = objects[task.keys.image[row]]
            labels = {label for at, label in items if at == largest[row]}
            assert {label for at, label in items if at == box} & labels


def test_the_expectation_of_random(task, objects):
    truth = task.truth
    boxes, offsets = truth.boxes.tolist(), truth.offsets.tolist()
    shares = []
    for row, _, image, _ in rows_of(task):
        union = np.array(boxes[offsets[row] : offsets[row + 1]])
        target = (*union[:, :2].min(axis=0), *union[:, 2:].max(axis=0))
        right = [slow.iou(box, target) >= 0.5 for box, _ in objects[image]]
        shares.append(sum(right) / len(right))
    expected = find_baseline("random").chances(task).mean()
    assert expected == pytest.approx(sum(shares) / len(shares), rel=1e-12)


def test_every_baseline_has_a_twin_or_draws():
    names = {name for baseline in baselines().values() for name in baseline.variants}
    assert names == {*slow.TWINS, "oracle", "random", "w2v-max:random", "w2v-avg:random"}


def test_no_opinion_is_the_fallback(task):
    run = run_baseline(find_baseline("direct-match"), task)
    silent = [box is None for box in chosen(task, "direct-match")]
    assert run.undecided == sum(silent) > 0
    boxes = run.alignment.predictions.boxes[silent]
    np.testing.assert_array_equal(boxes[:, 2:], task.sizes[silent])
