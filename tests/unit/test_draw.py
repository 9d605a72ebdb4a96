"""Pictures of phrases: what is drawn where, in which colours, with which words, in what bytes."""

import warnings
from itertools import pairwise
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from phraseloc.report import draw
from phraseloc.report.lettering import MARKED
from phraseloc.report.pictures import Answer, Picture

RED, BLUE, YELLOW = draw.TRUTH, *draw.COLOURS[:2]
BLANK = "#f1f1f1"
SCALE = 4
"""Pixels of a picture for a pixel of an image that is 200 wide: 4 inches of 200 dots are 800."""


def picture(boxes=((20, 20, 80, 60),), answers=(), **more):
    """A phrase of an image of 200 x 100."""
    facts = {
        "stem": "10-0-0-1",
        "image": "10",
        "size": (200, 100),
        "caption": ("Here", "a man", "walks ."),
        "union": True,
        "boxes": np.array(boxes, float),
        "answers": tuple(answers),
    }
    return Picture(**(facts | more))


def answer(box, name="mine.json", verdict="IoU 0.30 ✗", points=False, centre=False):
    box = None if box is None else np.array(box, float)
    return Answer(name, box, points, centre, verdict)


def rgb(colour):
    return tuple(round(255 * part) for part in to_rgb(colour))


def pixels(data_or_path, mode="RGB"):
    with Image.open(data_or_path) as file:
        return np.asarray(file.convert(mode)).astype(int)


def is_colour(image, colour, slack=2):
    return (abs(image - np.array(rgb(colour))) <= slack).all(axis=-1)


def canvas(drawn, tmp_path, image=None):
    """The part of a PNG that shows the image, (400, 800, 3), found by its colour where blank."""
    path = tmp_path / "canvas.png"
    path.write_bytes(draw.encoded(drawn, image, "png"))
    whole = pixels(path)
    blank = is_colour(whole, BLANK, 0)
    rows = np.flatnonzero(blank.sum(axis=1) > 100)  # letters have such pixels, too, but few
    columns = np.flatnonzero(blank.sum(axis=0) > 100)
    part = whole[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert abs(part.shape[0] - 400) <= 1
    assert abs(part.shape[1] - 800) <= 1
    return part


def edges(part, box, colour):
    """Of each edge of a box, the share of its pixels that have the colour."""
    left, top, right, bottom = (SCALE * side for side in box)
    found = is_colour(part, colour)

    def share(lines, axis):
        return found[lines].any(axis=axis).mean()

    across, down = slice(left + 8, right - 8), slice(top + 8, bottom - 8)
    return [
        share((slice(max(top - 2, 0), top + 3), across), 0),
        share((slice(bottom - 3, bottom + 2), across), 0),
        share((down, slice(max(left - 2, 0), left + 3)), 1),
        share((down, slice(right - 3, right + 2)), 1),
    ]


def patches(figure, label):
    return [patch for patch in figure.axes[0].patches if patch.get_label() == label]


def corners(patch):
    (left, top), width, height = patch.get_xy(), patch.get_width(), patch.get_height()
    return (left, top, left + width, top + height)


def words(figure):
    """What stands in the picture, from top to bottom."""
    placed = sorted(figure.texts, key=lambda t: (-round(t.get_position()[1], 3), t.get_position()))
    return " ".join(text.get_text() for text in placed).replace("\xa0", " ")


def assert_nothing_is_clipped(figure):
    figure.set_dpi(draw.DPI)
    figure.canvas.draw()
    whole = figure.bbox
    for artist in [*figure.texts, *figure.artists, *figure.axes[0].patches, *figure.axes[0].lines]:
        extent = artist.get_window_extent()
        width = getattr(artist, "get_linewidth", lambda: 0)() * draw.DPI / 72 / 2
        name = artist.get_text() if hasattr(artist, "get_text") else artist.get_label()
        assert extent.x0 - width >= whole.x0, name
        assert extent.x1 + width <= whole.x1, name
        assert extent.y0 - width >= whole.y0, name
        assert extent.y1 + width <= whole.y1, name


def assert_lines_do_not_touch(figure):
    figure.set_dpi(draw.DPI)
    figure.canvas.draw()
    frame = figure.axes[0].get_window_extent()
    boxes = [text.get_window_extent() for text in figure.texts]
    for place, one in enumerate(boxes):
        assert one.y0 > frame.y1 or one.y1 < frame.y0, figure.texts[place].get_text()
        for two in boxes[place + 1 :]:
            apart = one.x1 <= two.x0 + 1 or two.x1 <= one.x0 + 1
            assert apart or one.y1 <= two.y0 + 1 or two.y1 <= one.y0 + 1


def test_boxes_lie_where_they_should_in_their_colours(tmp_path):
    boxes = {RED: (20, 20, 80, 60), BLUE: (60, 40, 140, 90), YELLOW: (100, 10, 190, 70)}
    drawn = picture([boxes[RED]], [answer(boxes[BLUE]), answer(boxes[YELLOW], "theirs.json")])
    part = canvas(drawn, tmp_path)
    for colour, box in boxes.items():
        assert min(edges(part, box, colour)) > 0.9, colour
        left, top, right, bottom = (SCALE * side for side in box)
        near = np.zeros(part.shape[:2], bool)
        near[max(top - 6, 0) : bottom + 6, left - 6 : right + 6] = True
        near[top + 7 : bottom - 7, left + 7 : right - 7] = False
        assert not (is_colour(part, colour) & ~near).any(), colour


def test_a_box_has_white_around_it_on_a_dark_image(tmp_path):
    dark = np.zeros((100, 200, 3), np.uint8)
    path = tmp_path / "dark.png"
    drawn = picture([(20, 20, 180, 80)])
    path.write_bytes(draw.encoded(drawn, dark, "png"))
    column = pixels(path)[:, 12 + 400]  # through the middle, above to below
    kinds = ["red" if r > 200 and b < 60 else "white" if r > 240 else "" for r, _, b in column]
    runs = [kind for kind, after in pairwise(kinds) if kind != after and kind]
    # the caption's paper, then white, red, white at each of both edges, then the paper again
    assert runs[:7] == ["white", "white", "red", "white", "white", "red", "white"]


def test_a_blank_canvas_has_the_size_of_the_image(tmp_path):
    part = canvas(picture(), tmp_path)
    assert is_colour(part[-30:, -30:], BLANK, 0).all()


def test_the_image_is_drawn_under_the_boxes(tmp_path):
    image = np.zeros((100, 200, 3), np.uint8)
    image[:50, :100], image[:50, 100:], image[50:, :100] = (9, 90, 9), (90, 9, 9), (9, 9, 90)
    path = tmp_path / "with.png"
    path.write_bytes(draw.encoded(picture([(150, 60, 190, 90)]), image, "png"))
    whole = pixels(path)
    for colour in ("#095a09", "#5a0909", "#09095a"):
        assert abs(is_colour(whole, colour).sum() - 400 * 200) < 4000
    rows, columns = np.nonzero(is_colour(whole, "#095a09"))
    top, left = rows.min(), columns.min()
    part = whole[top : top + 400, left : left + 800]
    assert min(edges(part, (150, 60, 190, 90), RED)) > 0.9


def test_equal_boxes_are_all_seen(tmp_path):
    box = (40, 20, 160, 80)
    drawn = picture([box], [answer(box), answer(box, "theirs.json")])
    part = canvas(drawn, tmp_path)
    for colour in (RED, BLUE, YELLOW):
        assert is_colour(part, colour, 40).sum() > 1000, colour


def test_several_boxes_are_dashed_within_their_union():
    boxes = [(10, 10, 30, 30), (50, 20, 90, 80), (20, 5, 40, 25)]
    figure = draw.figure_of(picture(boxes))
    singles = patches(figure, "_single")
    [union] = patches(figure, "ground truth (union of 3 boxes)")
    assert [corners(patch) for patch in singles] == boxes
    assert corners(union) == (10, 5, 90, 80)
    assert union.get_linewidth() > singles[0].get_linewidth()
    assert {patch.get_linestyle() for patch in singles} != {union.get_linestyle()}
    assert {to_rgb(p.get_edgecolor()) for p in [union, *singles]} == {to_rgb(RED)}
    assert words(figure).endswith("ground truth (union of 3 boxes)")


def test_where_the_union_does_not_count_each_box_is_solid():
    boxes = [(10, 10, 30, 30), (50, 20, 90, 80)]
    figure = draw.figure_of(picture(boxes, union=False))
    found = patches(figure, "ground truth (2 boxes)")
    assert [corners(patch) for patch in found] == boxes
    assert {patch.get_linestyle() for patch in found} == {"-"}
    assert patches(figure, "_single") == []


def test_one_box_is_solid():
    figure = draw.figure_of(picture())
    assert [corners(p) for p in patches(figure, "ground truth")] == [(20, 20, 80, 60)]
    assert patches(figure, "_single") == []


def test_a_point_is_a_cross(tmp_path):
    drawn = picture(answers=[answer((150, 50, 150, 50), verdict="outside ✗", points=True)])
    figure = draw.figure_of(drawn)
    assert patches(figure, "mine.json") == []
    [cross] = [line for line in figure.axes[0].lines if line.get_label() == "mine.json"]
    assert (cross.get_xdata(), cross.get_ydata()) == ([150], [50])
    assert cross.get_marker() == "x"
    [key] = [line for line in figure.artists if line.get_label() == "mine.json"]
    assert key.get_marker() == "x"
    found = is_colour(canvas(drawn, tmp_path), BLUE)
    rows, columns = np.nonzero(found)
    assert abs(rows.mean() - 200) < 2
    assert abs(columns.mean() - 600) < 2
    assert found[200, 600]
    assert not found[200 - 10, 600]  # between its arms


def test_a_box_that_counts_by_its_centre_has_a_cross_there():
    figure = draw.figure_of(picture(answers=[answer((100, 10, 140, 50), centre=True)]))
    assert [corners(p) for p in patches(figure, "mine.json")] == [(100, 10, 140, 50)]
    [cross] = [line for line in figure.axes[0].lines if line.get_label() == "mine.json"]
    assert (cross.get_xdata(), cross.get_ydata()) == ([120], [30])


def test_a_missing_prediction_is_told_and_not_drawn(tmp_path):
    drawn = picture(answers=[answer(None, verdict="no box ✗")])
    figure = draw.figure_of(drawn)
    assert patches(figure, "mine.json") == []
    assert words(figure).endswith("ground truth mine.json  no box ✗")
    assert not is_colour(canvas(drawn, tmp_path), BLUE).any()


def test_what_leaves_the_image_is_drawn_too():
    drawn = picture(answers=[answer((-20, -10, 230, 50))])
    figure = draw.figure_of(drawn)
    assert_nothing_is_clipped(figure)
    assert figure.axes[0].get_xlim() == (-20, 230)
    assert figure.axes[0].get_ylim() == (100, -10)
    assert [corners(p) for p in patches(figure, "_canvas")] == [(0, 0, 200, 100)]
    assert_nothing_is_clipped(draw.figure_of(picture([(0, 0, 200, 100)])))


def test_a_box_at_the_edge_of_the_image_has_its_whole_line(tmp_path):
    path = tmp_path / "edge.png"
    path.write_bytes(draw.encoded(picture([(0, 0, 200, 100)]), None, "png"))
    found = is_colour(pixels(path), RED)
    across = found[found.shape[0] // 2]  # a line through the middle crosses the left edge first
    width = np.flatnonzero(~across[np.argmax(across) :])[0]
    assert 8 <= width <= 10  # 3.5 points of 200 dots an inch


def test_an_image_of_unknown_size_is_as_large_as_the_boxes_and_a_margin():
    drawn = picture([(100, 50, 140, 90)], [answer((120, 60, 200, 80))], size=None)
    figure = draw.figure_of(drawn)
    # boxes span 100 x 40; a tenth of the longer side is added on every side
    assert [corners(p) for p in patches(figure, "_canvas")] == [(90, 40, 210, 100)]
    given = draw.figure_of(drawn, np.zeros((300, 400, 3), np.uint8))
    assert given.axes[0].get_xlim() == (0, 400)
    assert given.axes[0].images[0].get_extent() == [0, 400, 300, 0]


def test_more_methods_than_colours_are_told_apart():
    answers = [answer((10 * n, 10, 10 * n + 50, 60), f"m{n}.json") for n in range(12)]
    figure = draw.figure_of(picture(answers=answers))
    kinds = set()
    for n in range(12):
        [patch] = patches(figure, f"m{n}.json")
        kinds.add((patch.get_edgecolor(), str(patch.get_linestyle())))
    assert len(kinds) == 12
    assert_nothing_is_clipped(figure)
    assert_lines_do_not_touch(figure)


def test_the_phrase_is_bold_and_in_colour_within_the_caption():
    figure = draw.figure_of(picture())
    caption = [t for t in figure.texts if t.get_position()[1] > figure.get_figheight() / 2]
    assert [t.get_text() for t in caption] == ["Here", "a man", "walks ."]
    assert [t.get_color() for t in caption] == ["black", MARKED, "black"]
    assert ["Bold" in t.get_fontproperties().get_file() for t in caption] == [False, True, False]
    figure.set_dpi(draw.DPI)
    figure.canvas.draw()
    extents = [t.get_window_extent() for t in caption]
    gaps = [two.x0 - one.x1 for one, two in pairwise(extents)]
    assert all(0.2 * 36 < gap < 0.6 * 36 for gap in gaps)  # letters of 13 points are 36 pixels


def test_a_long_caption_wraps_and_the_phrase_may_cross_a_line():
    phrase = "a very tall and also somewhat elderly man with a red umbrella"
    caption = ("On the other side of the street", phrase, "waits for the bus " * 8)
    figure = draw.figure_of(picture(caption=caption, answers=[answer((1, 1, 9, 9))]))
    assert words(figure).startswith(" ".join(" ".join(caption).split()))
    marked = [t for t in figure.texts if t.get_color() == MARKED]
    assert len({t.get_position()[1] for t in marked}) > 1
    assert " ".join(t.get_text() for t in marked) == phrase
    assert_nothing_is_clipped(figure)
    assert_lines_do_not_touch(figure)


@pytest.mark.parametrize("size", [(200, 100), (40, 400), (400, 12), (3, 3)])
def test_nothing_is_clipped_in_any_shape_of_image(size):
    width, height = size
    boxes = [(0, 0, width, height), (0, 0, width / 2, height / 2)]
    long = "/some/where/" + "very-long-name" * 12 + ".json"
    caption = ("one", "two", "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerk" * 3)
    answers = [
        answer((0, 0, width, height), long),
        answer((0, 0, 0, 0), "point.jsonl", points=True),
        answer((width - 1, height - 1, width, height), "centre.json", centre=True),
    ]
    figure = draw.figure_of(picture(boxes, answers, size=size, caption=caption))
    assert_nothing_is_clipped(figure)
    assert_lines_do_not_touch(figure)
    joined = words(figure).replace(" ", "")
    assert caption[2] in joined
    assert long in joined
    start, end = figure.axes[0].transData.transform([(0, 0), (width, height)])
    assert (end - start)[0] / width == pytest.approx(-(end - start)[1] / height)


def test_dollars_marks_and_tags_stand_as_they_are(tmp_path):
    caption = ("He owes $5", "the $x_1$ <script>alert(1)</script>", "& \\frac{1}{2} $^$ %s {0} .")
    drawn = picture(caption=caption, answers=[answer((1, 1, 9, 9), "$a_b$.json")])
    assert " ".join(caption) in words(draw.figure_of(drawn))
    assert "$a_b$.json" in words(draw.figure_of(drawn))
    for suffix in draw.SUFFIXES:
        data = draw.encoded(drawn, None, suffix)
        (tmp_path / f"out.{suffix}").write_bytes(data)
    root = ElementTree.parse(tmp_path / "out.svg").getroot()
    assert {node.tag.rpartition("}")[2] for node in root.iter()}.isdisjoint({"script", "text"})
    assert b"<script" not in (tmp_path / "out.svg").read_bytes()


def test_letters_that_the_font_lacks_leave_a_sign():
    caption = ("看 a", "小狗 dog 🐶", "é\x00\tß\u202e ✓ .")
    drawn = picture(caption=caption)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for suffix in draw.SUFFIXES:
            draw.encoded(drawn, None, suffix)
    shown = words(draw.figure_of(drawn))
    assert shown.startswith("\ufffd a \ufffd\ufffd dog \ufffd é\ufffd ß")
    assert " ✓ ." in shown


@pytest.mark.parametrize("suffix", draw.SUFFIXES)
def test_the_same_input_gives_the_same_bytes_under_any_settings(suffix):
    image = np.random.default_rng(0).integers(0, 256, (100, 200, 3)).astype(np.uint8)
    drawn = picture(
        [(10, 10, 50, 60), (90, 9, 99, 50)],
        [answer((20, 20, 80, 80)), answer((50, 50, 50, 50), "p", points=True)],
    )
    first = draw.encoded(drawn, image, suffix)
    mine = {"savefig.dpi": 31, "font.size": 3, "text.usetex": True, "svg.hashsalt": None}
    mine |= {"lines.scale_dashes": False, "image.interpolation": "nearest", "savefig.pad_inches": 2}
    with matplotlib.rc_context(mine):
        assert draw.encoded(drawn, image, suffix) == first
        assert {name: matplotlib.rcParams[name] for name in mine} == mine
    assert draw.encoded(drawn, None, suffix) != first


def test_vector_files_hold_the_image_as_it_is():
    image = np.zeros((100, 200, 3), np.uint8)
    pdf = draw.encoded(picture(), image, "pdf")
    assert b"/Width 200" in pdf
    assert b"/Height 100" in pdf


def test_vector_files_hold_no_date_and_no_type_3_font():
    drawn = picture(answers=[answer((1, 1, 9, 9))])
    pdf = draw.encoded(drawn, None, "pdf")
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf
    assert b"/FontFile2" in pdf
    svg = draw.encoded(drawn, None, "svg").decode()
    assert "<dc:date>" not in svg
