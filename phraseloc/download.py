"""Downloads of the originals, from their authors' repositories, pinned by commit and checksum.

The annotations are not phraseloc's to redistribute; this fetches them where they are published.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from phraseloc.errors import InputError, OptionError

_PLUMMER = "BryanPlummer/flickr30k_entities/68b3d6f12d1d710f96233f6bd2b6de799d6f4e5b/"
_WANG = "josiahwang/phraseloceval/436eccda398c49665be4213c83f5c2367df42c4d/"
HOST = "https://raw.githubusercontent.com/"


@dataclass(frozen=True)
class Original:
    """A file to download.

    Parameters
    ----------
    path : its place on the host
    checksum : ``sha256:`` of its bytes, or ``git:``, the id of the file in its git repository
    name : the file's name here
    """

    path: str
    checksum: str
    name: str


ORIGINALS: Mapping[str, tuple[Original, ...]] = {
    "flickr30k-entities": (
        Original(
            _PLUMMER + "annotations.zip",
            "git:95513f3315f98068d0aeb558649ebe09fbeffe95",
            "annotations.zip",
        ),
        Original(
            _PLUMMER + "train.txt",
            "sha256:7fac836ec29afdbda7396fe5473c4156908d60d248cae75892f5a94f08016516",
            "train.txt",
        ),
        Original(
            _PLUMMER + "val.txt",
            "sha256:764e1d2b2bae38bde75f8edda435a7ad20d404e83b77233934844f6a7dbccd9a",
            "val.txt",
        ),
        Original(
            _PLUMMER + "test.txt",
            "sha256:58c576ebf3af64f346cc3e2ede7eb66523ab172b45c8b42414daa9f2914047e1",
            "test.txt",
        ),
        Original(
            _PLUMMER + "UNRELATED_CAPTIONS",
            "sha256:160c7f08433af2a24f762e936c54b276b082f88a8e8aa3a1621ef30a3758d39d",
            "UNRELATED_CAPTIONS",
        ),
    ),
    "phraseloceval": (
        Original(
            _WANG + "data/flickr30k/annotation_test.json",
            "sha256:8c191abe49c596011ce7a2bb55a52848f44395b87dbc647d2701b39a27a9d94c",
            "flickr30k_annotation_test.json",
        ),
    ),
}


def fetch(name: str, folder: Path, host: str = HOST) -> list[Path]:
    """Download the files of one of `ORIGINALS` into a folder; those that are there are kept.

    Raises
    ------
    OptionError
        if there is no such name
    InputError
        if a file cannot be downloaded, or is not the one that was published
    """
    if name not in ORIGINALS:
        raise OptionError(f"no originals {name!r}; expected one of {', '.join(ORIGINALS)}")
    folder.mkdir(parents=True, exist_ok=True)
    return [_fetch(original, folder, host) for original in ORIGINALS[name]]


def _fetch(original: Original, folder: Path, host: str) -> Path:
    kind, _, digest = original.checksum.partition(":")
    url = host + original.path
    place = folder / original.name
    if place.exists() and _matches(place, kind, digest):
        return place
    import pooch

    pooch.get_logger().setLevel("ERROR")
    known_hash = f"sha256:{digest}" if kind == "sha256" else None
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as fresh:
        try:
            found = Path(pooch.retrieve(url, known_hash, fname=place.name, path=fresh))
        except (OSError, ValueError) as error:
            raise InputError(url, f"cannot be downloaded: {error}") from None
        if not _matches(found, kind, digest):
            raise InputError(url, f"found another file than the published {original.checksum}")
        found.replace(place)
    return place


def _matches(place: Path, kind: str, digest: str) -> bool:
    data = place.read_bytes()
    if kind == "git":
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest() == digest
    return hashlib.sha256(data).hexdigest() == digest
