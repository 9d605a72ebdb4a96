"""The real files, each read once a session into a cache of the session's own."""

import tarfile

import pytest

from phraseloc import load_ground_truth


@pytest.fixture(scope="session")
def files(data):
    """The folder of the official release's archive and lists."""
    return data / "flickr30k_entities"


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("session-cache")


@pytest.fixture(scope="session")
def load(session_cache):
    """Load ground truth by way of the session's cache."""

    def load_by_cache(path, **options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PHRASELOC_CACHE", str(session_cache))
            return load_ground_truth(path, **options)

    return load_by_cache


@pytest.fixture(scope="session")
def official(load, files):
    """The test split of the official release."""
    return load(files / "annotations.tar.xz", split=files / "test.txt")


@pytest.fixture(scope="session")
def reference(load, data):
    """The ground truth that the reference scorer ships."""
    return load(data / "phraseloceval/flickr30k_annotation_test.json")


@pytest.fixture(scope="session")
def everything(files):
    """All 31,783 images of the release; a quarter of a minute, so never read twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHRASELOC_CACHE", "off")
        return load_ground_truth(files / "annotations.tar.xz")


@pytest.fixture(scope="session")
def sources(official, reference):
    """The two sources of the test split, by name."""
    return {"official release": official, "reference JSON": reference}


HANDFUL = ("1016887272", "7162685234", "4797050581", "3000017878", "4971484184", "92679312")
"""Images of the test split, in its order but for one without any box."""


@pytest.fixture(scope="session")
def handful(files):
    """Name and content of the files of a few images, as they stand in the archive."""
    wanted = {f"Annotations/{image}.xml" for image in HANDFUL}
    wanted |= {f"Sentences/{image}.txt" for image in HANDFUL}
    with tarfile.open(files / "annotations.tar.xz") as archive:
        return {
            member.name: archive.extractfile(member).read()
            for member in archive
            if member.name.partition("/")[2] in wanted
        }
