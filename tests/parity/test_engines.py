"""NumPy and Numba give the same bits, on one thread and on two, whatever the boxes' fractions."""

from random import Random

import numba
import pytest

from phraseloc import PROTOCOLS, kernels, load_predictions, score
from phraseloc import geometry as plain
from tests.parity import drawing, oracle

pytestmark = pytest.mark.real

PROTOCOLS_AND_VARIANTS = [
    *PROTOCOLS.values(),
    PROTOCOLS["flickr30k"].override(target="each", ranks=(1, 2, 3)),
    PROTOCOLS["refcoco-giou"].override(target="each"),
    PROTOCOLS["any-box"].override(unit="entity"),
]


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request):
    if request.param > numba.config.NUMBA_NUM_THREADS:
        pytest.skip(f"this machine runs {numba.config.NUMBA_NUM_THREADS} thread")
    before = numba.get_num_threads()
    numba.set_num_threads(request.param)
    yield request.param
    numba.set_num_threads(before)


@pytest.fixture(scope="module")
def ranked(phrases, tmp_path_factory):
    """Up to seven boxes of hundredths for each phrase of the test split; few have none, few 60."""
    random = Random(17)
    snap = drawing.GRIDS["hundredth"]
    boxes = [
        [
            oracle.corners(drawing.draw_box(random, phrase, snap, 2))
            for _ in range(1 + int(7 * random.random()) if row % 97 else 60)
        ]
        for row, phrase in enumerate(phrases)
    ]
    given = [pair for row, pair in enumerate(zip(phrases, boxes, strict=True)) if row % 31]
    path = tmp_path_factory.mktemp("ranked") / "predictions.json"
    drawing.write_json(path, *zip(*given, strict=True), layout="xyxy")
    return load_predictions(path)


@pytest.mark.parametrize("protocol", PROTOCOLS_AND_VARIANTS, ids=lambda p: p.signature)
@pytest.mark.usefixtures("threads")
def test_scores(protocol, official, ranked):
    by_numpy, by_numba = (
        score(official, ranked, protocol, samples=100, engine=engine)
        for engine in ("numpy", "numba")
    )
    for column in ("phrase", "prediction", "overlap", "correct"):
        ours, theirs = (getattr(s.outcomes, column) for s in (by_numpy, by_numba))
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()
    assert by_numpy.to_dict() == by_numba.to_dict()


@pytest.mark.parametrize("name", ["paired_iou", "paired_giou", "paired_point"])
@pytest.mark.usefixtures("threads")
def test_paired(name, official):
    boxes = official.union_boxes[::-1] + 1 / 3
    results = [getattr(engine, name)(boxes, official.union_boxes) for engine in (plain, kernels)]
    assert len(set(results[0].tolist())) > 1
    assert results[0].tobytes() == results[1].tobytes()


@pytest.mark.usefixtures("threads")
def test_ragged(official, ranked):
    target_offsets = official.offsets[: len(ranked) + 1]
    ragged = (ranked.boxes, ranked.offsets, official.boxes, target_offsets)
    results = [engine.ragged_iou(*ragged) for engine in (plain, kernels)]
    assert results[0].tobytes() == results[1].tobytes()
    unions = [engine.ragged_union(official.boxes, official.offsets) for engine in (plain, kernels)]
    assert unions[0].tobytes() == unions[1].tobytes()
