"""The command that draws phrases: its options, its files, and images that do not do."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from phraseloc import InputError
from phraseloc.formats.images import find_images, read_image
from phraseloc.report import draw

BLUE = draw.COLOURS[0]


def pixels(path):
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB")).astype(int)


def is_colour(image, colour):
    """Tell which pixels have a colour, but for the rounding of JPEG."""
    return (abs(image - 255 * np.array(to_rgb(colour))) < 3).all(axis=-1)


@pytest.fixture
def sample(write, truth):
    """Ground truth of captions, one method that is wrong but for a phrase, and one all right."""
    captions = {
        "10#0": "a man sees two dogs",
        "10#1": "Here comes the rider .",
        "11#0": "See a red car",
    }
    truth = [{**record, "caption": captions[record["image"]]} for record in truth]
    kept = ("image", "phrase", "start", "entity")
    unions = [[1, 1, 40, 40], [1, 1, 20, 20], [1, 1, 40, 40], [101, 51, 100, 100]]
    keys = [{k: record[k] for k in kept} for record in truth]
    right = [{**key, "box": box} for key, box in zip(keys, unions, strict=True)]
    wrong = [{**r, "box": [60, 60, 9, 9]} if n else r for n, r in enumerate(right)]
    files = {"truth.json": truth, "right.json": right, "wrong.json": wrong}
    return {name: write(name, content) for name, content in files.items()}


@pytest.fixture
def photos(tmp_path):
    """The images of `sample`, one flat colour each."""
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (200, 100), (40, 80, 120)).save(folder / "10.png")
    Image.new("L", (300, 300), 50).save(folder / "11.jpg")
    return folder


def test_the_command_draws_what_is_wrong_and_tells_the_paths(run, sample, tmp_path):
    out = tmp_path / "deep" / "pictures"
    done = run("draw", sample["truth.json"], sample["wrong.json"], "-o", out)
    names = ["10-0-3-2.png", "10-1-2-1.png", "11-0-1-7.png"]
    assert done.stdout.splitlines() == [str(out / name) for name in names]
    assert done.stderr == ""
    assert sorted(path.name for path in out.iterdir()) == names
    for name in names:
        assert pixels(out / name).shape[1] in (824, 825)  # 4 inches and two margins


def test_the_command_draws_over_images(run, sample, photos, tmp_path):
    arguments = ["draw", sample["truth.json"], sample["wrong.json"], sample["right.json"]]
    run(*arguments, "--images", photos, "--select", "flipped", "-o", tmp_path / "out")
    rider, car = pixels(tmp_path / "out/10-1-2-1.png"), pixels(tmp_path / "out/11-0-1-7.png")
    assert is_colour(rider, "#285078").sum() > 200_000
    assert is_colour(car, "#323232").sum() > 400_000
    rows, columns = np.nonzero(is_colour(rider, BLUE) & (np.arange(rider.shape[0]) < 450)[:, None])
    # the blue box is 9 x 9 pixels at 60, 60, inclusive, of origin 1: 59 to 68, and each is 4 wide
    assert abs(columns.min() - (12 + 59 * 4)) < 6
    assert abs(columns.max() - (12 + 68 * 4)) < 6
    assert abs(rows.max() - rows.min() - 36) < 10


def test_suffixes_and_the_limit(run, sample, tmp_path):
    arguments = ["draw", sample["truth.json"], sample["wrong.json"], "--limit", 2]
    done = run(*arguments, "--suffix", "svg", "-o", tmp_path / "out")
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == "2 of 3 phrases; --limit for more\n"
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".svg"}
    run(*arguments, "--suffix", "svg", "-o", tmp_path / "again")
    for path in (tmp_path / "out").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    other = run(*arguments[:-1], 1, "--seed", 5, "--select", "random", "-o", tmp_path / "other")
    assert other.stderr == "1 of 4 phrases; --limit for more\n"


def test_ids_seeds_and_nothing_to_draw(run, sample, tmp_path):
    out = tmp_path / "out"
    arguments = ["draw", sample["truth.json"], sample["right.json"]]
    done = run(*arguments, "--select", "10#0:2", "--select", "11", "-o", out)
    assert [Path(line).name for line in done.stdout.splitlines()] == [
        "10-0-3-2.png",
        "11-0-1-7.png",
    ]
    done = run(*arguments, "-o", out)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "no phrase of wrong\n")


def test_files_of_one_name_are_told_apart_by_their_paths(run, sample, tmp_path, write, monkeypatch):
    other = write("other/wrong.json", sample["right.json"].read_bytes())
    seen = []
    real = draw.encoded
    monkeypatch.setattr(draw, "encoded", lambda p, *more: seen.append(p) or real(p, *more))
    run("draw", sample["truth.json"], sample["wrong.json"], other, "-o", tmp_path / "out")
    assert [a.name for a in seen[0].answers] == [str(sample["wrong.json"]), str(other)]


def test_protocols_and_points(run, sample, write, tmp_path):
    truth = json.loads(sample["truth.json"].read_text())
    keys = [{k: r[k] for k in ("image", "phrase", "start", "entity")} for r in truth]
    points = write("points.jsonl", [{**key, "point": [150, 90]} for key in keys])
    arguments = ["draw", sample["truth.json"], points, "--protocol", "pointing"]
    done = run(*arguments, "--suffix", "svg", "-o", tmp_path / "out")
    assert [Path(line).stem for line in done.stdout.splitlines()] == [
        "10-0-0-1",
        "10-0-3-2",
        "10-1-2-1",
    ]
    strict = run(
        *("draw", sample["truth.json"], sample["right.json"], "-o", tmp_path / "strict"),
        *("--set", "threshold=1", "--set", "operator=>"),
    )
    assert len(strict.stdout.splitlines()) == 4


def test_missing_images_are_named_all_at_once(refused, write, tmp_path):
    records = [
        {"image": f"im{n:02}#0", "phrase": "it", "start": 0, "entity": "1", "boxes": [[1, 1, 9, 9]]}
        for n in range(14)
    ]
    guesses = [
        {**{k: v for k, v in r.items() if k != "boxes"}, "box": [50, 50, 9, 9]} for r in records
    ]
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (90, 90)).save(folder / "im00.jpeg")
    Image.new("RGB", (90, 90)).save(folder / "im01.gif")
    arguments = ("draw", write("t.json", records), write("g.json", guesses), "--images", folder)
    message = refused(*arguments, "-o", tmp_path / "out")
    head, *lines = message.splitlines()
    assert str(folder) in head
    assert "an image without a file; expected <image>.jpg or .jpeg or .png (13)" in head
    assert [line.strip() for line in lines] == [f"im{n:02}" for n in range(1, 11)] + ["and 3 more"]


def saved(image, kind="PNG"):
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "cannot identify image file"),
        (b"not an image", "cannot identify image file"),
        (saved(Image.effect_noise((200, 100), 90))[:9000], "truncated"),
        (saved(Image.new("RGB", (200, 100)), "GIF"), "cannot identify image file"),
        (saved(Image.new("RGB", (100, 200))), "found 100 x 200 pixels, expected 200 x 100"),
    ],
)
def test_an_image_that_does_not_do_is_refused(data, found, refused, sample, photos, tmp_path):
    (photos / "10.png").write_bytes(data)
    arguments = ("draw", sample["truth.json"], sample["wrong.json"], "--images", photos)
    message = refused(*arguments, "-o", tmp_path / "out")
    assert "an image file that does not do (1)\n  10.png: found " in message
    assert found in message
    assert "expected" in message


def test_an_image_of_any_mode_is_read(photos):

    for mode, suffix in (
        ("L", "png"),
        ("P", "png"),
        ("RGBA", "png"),
        ("1", "png"),
        ("CMYK", "jpg"),
    ):
        path = photos / f"{mode}.{suffix}"
        Image.new(mode, (7, 5)).save(path)
        assert read_image(path).shape == (5, 7, 3)


def test_an_image_too_large_to_be_one_is_refused(photos, monkeypatch):

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15_000)  # 10.png has 20,000
    with pytest.raises(InputError, match=r"10\.png: found Image size \(20000 pixels\) exceeds"):
        read_image(photos / "10.png")


@pytest.mark.parametrize("image", ["../secret", "{}/secret", "a/../../secret", "x" * 5000])
def test_an_id_that_leads_elsewhere_has_no_image(image, tmp_path):

    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(tmp_path / "secret.png")
    Image.new("RGB", (9, 9)).save(folder / "a" / "fine.png")
    assert find_images(folder, {"a/fine": (9.0, 9.0)}) == {"a/fine": folder / "a/fine.png"}
    with pytest.raises(InputError, match="an image without a file"):
        find_images(folder, {image.format(tmp_path): None})


def test_a_size_that_only_the_image_knows(run, write, truth, guesses, photos, tmp_path):
    for record in truth:
        del record["width"], record["height"]
    guesses[0]["box"] = [90, 90, 9, 9]
    arguments = ("draw", write("t.json", truth), write("g.json", guesses), "--select", "10#0:1")
    done = run(*arguments, "--images", photos, "-o", tmp_path / "out")
    assert is_colour(pixels(done.stdout.strip()), "#285078").sum() > 250_000


def test_bad_options_are_refused(refused, sample, tmp_path):
    arguments = ("draw", sample["truth.json"], sample["wrong.json"], "-o", tmp_path / "out")
    assert "flipped needs two or more" in refused(*arguments, "--select", "flipped")
    assert "'10#0:3', nearest '10#0:2'" in refused(*arguments, "--select", "10#0:3")
    assert "no protocol 'flikr30k'" in refused(*arguments, "--protocol", "flikr30k")
    assert "expected 0 to 2**63 - 1" in refused(*arguments, "--seed", 2**63)
    assert "'gif' is not one of" in refused(*arguments, "--suffix", "gif")
    assert "does not exist" in refused(*arguments, "--images", tmp_path / "nowhere")
    assert "Missing option '--output'" in refused(*arguments[:3])
    assert "is a file" in refused(*arguments[:3], "-o", sample["truth.json"])
    assert "cannot be made" in refused(*arguments[:3], "-o", sample["truth.json"] / "out")


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(run, sample, tmp_path):
    out = tmp_path / "out"
    (out / "10-0-3-2.png" / "in the way").mkdir(parents=True)
    done = run("draw", sample["truth.json"], sample["wrong.json"], "-o", out)
    assert done.exit_code == 2
    assert "10-0-3-2.png: cannot be written" in done.stderr
    assert [path.name for path in out.iterdir()] == ["10-0-3-2.png"]


def test_without_matplotlib_it_says_what_to_install(refused, sample, tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.partition(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("draw", "lettering"):
        monkeypatch.delitem(sys.modules, f"phraseloc.report.{name}")
    arguments = ("draw", sample["truth.json"], sample["wrong.json"], "-o", tmp_path / "out")
    message = refused(*arguments)
    assert "drawing needs matplotlib: pip install 'phraseloc[report]'" in message


def loaded(*arguments):
    """Run the command line in a fresh interpreter; give all that it loads."""
    code = (
        "import sys; from phraseloc.commands import main\n"
        f"main({[str(a) for a in arguments]!r}, standalone_mode=False)\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_what_is_loaded(sample, tmp_path):
    assert not loaded("draw", "--help") & {"numpy", "msgspec", "matplotlib", "PIL"}
    arguments = ("draw", sample["truth.json"], sample["wrong.json"], "--suffix", "svg")
    found = loaded(*arguments, "-o", tmp_path / "one")
    assert "matplotlib.figure" in found
    assert "matplotlib.pyplot" not in found
    loaded(*arguments, "-o", tmp_path / "two")
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert len(one) == 3
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
