"""The real task of the tests: phrases, detections and GloVe vectors of 203 Flickr30k images."""

from phraseloc import load_ground_truth
from phraseloc.baselines import Task, of_images, wanted_words
from phraseloc.formats.proposals import load_proposals
from phraseloc.formats.vectors import load_vectors
from phraseloc.words import WordPolicy


def real_task(data):
    """Make the task of the test split of ``proposals/flickr1k``, 2,779 phrases."""
    folder = data / "proposals" / "flickr1k"
    truth = load_ground_truth(
        data / "flickr30k_entities" / "annotations.tar.xz", split=folder / "test.txt"
    )
    return task_of(truth, folder / "test_detection_dict.json")


def task_of(truth, detections):
    """Make a task of ground truth and a file of detections, with the default vectors."""
    proposals = of_images(load_proposals(detections), truth)
    vectors = load_vectors(None, wanted_words(truth, proposals, WordPolicy()))
    return Task(truth, proposals, vectors)
