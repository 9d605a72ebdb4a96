"""The report in a browser, as a reader meets it."""

import re

import pytest

SCRIPT = "<script>document.title = 'taken'</script>"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page_file(write, truth, guesses, run, tmp_path):
    """A report of three methods on the four phrases of `truth`, one of whose texts is a script."""
    truth[3] |= {"phrase": SCRIPT, "caption": f"Behold {SCRIPT} now ."}
    for record in truth[:3]:
        record["caption"] = f"{record['phrase']} stands here ."
    guesses[3]["phrase"] = SCRIPT
    moved = [{**guess, "box": [1, 1, 90, 90]} for guess in guesses]
    truth_file = write("truth.json", truth)
    exact, wide = write("exact.json", guesses), write("wide.json", moved)
    some = write("<b>some.json", guesses[:2])
    output = tmp_path / "report.html"
    done = run("report", truth_file, exact, wide, f"<b>some={some}", "-o", output)
    assert done.exit_code == 0, done.output
    return output


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


def phrases(page):
    return texts(page, "#list tbody tr td:first-child")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["desk", "phone"])
def test_the_page_opens_in_every_theme_and_width(page_file, open_page, size, scheme):
    page = open_page(page_file, **size, scheme=scheme)
    assert page.title() == "Phrase localization"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert len(phrases(page)) == 4
    light = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")


def test_a_script_in_a_phrase_or_a_name_stays_text(page_file, open_page):
    page = open_page(page_file)
    page.get_by_role("button", name=SCRIPT).click()
    assert SCRIPT in page.locator("#detail mark").inner_text()
    assert f"Behold {SCRIPT} now ." in page.locator("#detail p").inner_text()
    assert page.title() == "Phrase localization"
    assert page.locator("#leaderboard b").count() == 3  # the accuracies: no name became an element
    assert "<b>some" in "".join(texts(page, "#leaderboard tbody th"))


def test_the_leaderboard_sorts_by_any_column(page_file, open_page):
    page = open_page(page_file)

    def names():
        return [text.split("\n")[0] for text in texts(page, "#leaderboard tbody th")]

    assert names() == ["exact", "<b>some", "wide"]
    page.get_by_role("button", name="accuracy").click()
    assert names() == ["wide", "<b>some", "exact"]
    head = page.locator("#leaderboard th", has_text="accuracy")
    assert head.get_attribute("aria-sort") == "ascending"
    page.get_by_role("button", name="method").click()
    assert sorted(names(), reverse=True) == names()


def test_phrases_sort_by_overlap_both_ways(page_file, open_page):
    page = open_page(page_file)
    head = page.locator("#list thead").get_by_role("button", name="exact")
    head.click()
    down = texts(page, "#list tbody td.n:nth-child(4)")
    head.click()
    up = texts(page, "#list tbody td.n:nth-child(4)")
    assert down == sorted(down, reverse=True)
    assert up == sorted(up)
    assert len(set(up)) > 1


def test_search_narrows_and_counts(page_file, open_page):
    page = open_page(page_file)
    page.get_by_label("Search").fill("DOG")
    assert phrases(page) == ["two dogs"]
    assert page.locator("#count").inner_text() == "1 of 4 phrases"
    page.get_by_label("Search").fill("people")
    assert phrases(page) == ["a man", "the rider"]
    page.get_by_label("Search").fill("10#1")
    assert phrases(page) == ["the rider"]
    page.get_by_label("Search").fill("nothing of the kind")
    assert phrases(page) == []
    page.get_by_label("Search").fill("")
    assert len(phrases(page)) == 4


def test_phrases_that_flip_between_two_methods_can_be_shown(page_file, open_page):
    page = open_page(page_file)
    page.get_by_label("Second").select_option("wide")
    page.get_by_label("Show").select_option("exact right, wide wrong")
    found = phrases(page)
    assert found == ["a man", "the rider", SCRIPT]
    assert all("✓" in text for text in texts(page, "#list tbody td:nth-child(4)"))
    assert all("✗" in text for text in texts(page, "#list tbody td:nth-child(5)"))


def test_a_class_of_errors_can_be_shown(page_file, open_page):
    page = open_page(page_file)
    page.get_by_label("Show").select_option("wrong: one of a group")
    assert phrases(page) == ["two dogs"]
    assert texts(page, "#list tbody td.error") == ["one of a group"]


def test_a_chosen_phrase_shows_its_boxes_where_they_are(page_file, open_page):
    page = open_page(page_file)
    page.get_by_role("button", name="two dogs").click()
    rectangles = page.locator("#detail svg rect")
    found = {
        item.get_attribute("class"): [float(item.get_attribute(side)) for side in SIDES]
        for item in rectangles.all()
    }
    assert found["canvas"] == [0, 0, 200, 100]
    assert found["truth"] == [0, 0, 20, 20]
    assert found["truth single"] == [10, 10, 10, 10]
    assert found["one"] == [0, 0, 10, 10]
    legend = page.locator("#detail .legend").inner_text()
    assert re.search(r"exact\s+0\.250 ✗", legend)
    assert page.locator("#detail mark").inner_text() == "two dogs"


SIDES = ("x", "y", "width", "height")


def test_a_phrase_without_prediction_says_so(page_file, open_page):
    page = open_page(page_file)
    page.get_by_label("First").select_option("<b>some")
    page.get_by_role("button", name="the rider").click()
    assert "no box ✗" in page.locator("#detail .legend").inner_text()
    assert page.locator("#detail rect.one").count() == 0


def test_the_theme_is_turned_by_hand_and_kept(page_file, open_page):
    page = open_page(page_file)
    color = "getComputedStyle(document.body).backgroundColor"
    button = page.locator("#theme")
    seen = []
    for _ in range(3):
        button.click()
        seen.append((button.inner_text(), page.evaluate(color)))
    assert [name for name, _ in seen] == ["Theme: light", "Theme: dark", "Theme: as the system"]
    assert seen[0][1] != seen[1][1]


def test_the_keyboard_reaches_all_of_it(page_file, open_page):
    page = open_page(page_file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("man")
    assert phrases(page) == ["a man"]
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "a man":
            break
    page.keyboard.press("Enter")
    assert page.locator("#detail mark").inner_text() == "a man"


def test_long_lists_have_pages(write, truth, run, tmp_path, open_page):
    more = [{**truth[0], "entity": str(100 + n), "start": n} for n in range(120)]
    kept = ("image", "phrase", "start", "entity")
    found = [{**{k: r[k] for k in kept}, "box": r["boxes"][0]} for r in more]
    output = tmp_path / "long.html"
    run("report", write("t.json", more), write("p.json", found), "-o", output)
    page = open_page(output)
    assert len(phrases(page)) == 50
    assert page.locator("#before").is_disabled()
    page.get_by_role("button", name="After").click()
    page.get_by_role("button", name="After").click()
    assert len(phrases(page)) == 20
    assert page.locator("#page").inner_text() == "page 3 of 3"
    assert page.locator("#after").is_disabled()


def test_what_is_drawn_is_named_for_those_who_do_not_see_it(page_file, open_page):
    page = open_page(page_file)
    pictures = page.locator("svg")
    assert pictures.count() > 8
    assert all(picture.get_attribute("aria-label") for picture in pictures.all())
    assert all(label.strip() for label in texts(page, "button"))
