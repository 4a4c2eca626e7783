"""A report is one page that holds all it shows, and shows texts as they are."""

import base64
from html.parser import HTMLParser

import pytest

import rheostat as rh
from rheostat.view.report import Section, report_html

HOSTILE = "<script>alert('x')</script> & \"quotes\""


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and the text of each."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self.open = [], {}, []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


@pytest.fixture
def picture(tmp_path):
    return rh.cosine().over(rh.Run(steps=10)).plot().figure, tmp_path / "a.png"


def test_everything_that_is_seen_is_in_the_page(picture):
    figure, file = picture
    figure.savefig(file)
    sections = [
        Section("Pictures", file, "a curve"),
        Section("Numbers", rows=[("", "used"), ("first", "0.1"), ("last", "0.01")]),
        Section("Words", text="two\n  lines"),
    ]
    page = Page(report_html("digits", "345 updates.", sections))
    (image,) = (attributes for tag, attributes in page.elements if tag == "img")
    kind, _, data = image["src"].partition(",")
    assert (kind, base64.b64decode(data)) == ("data:image/png;base64", file.read_bytes())
    assert image["alt"] == "a curve"
    assert page.texts["h1"] == page.texts["title"] == ["digits"]
    assert page.texts["h2"] == ["Pictures", "Numbers", "Words"]
    assert page.texts["th"] == ["used"]
    assert page.texts["td"] == ["first", "0.1", "last", "0.01"]
    assert page.texts["pre"] == ["two\n  lines"]
    assert page.open == []


def test_nothing_is_fetched_or_run_and_texts_stay_texts():
    section = Section(HOSTILE, rows=[(HOSTILE,), (HOSTILE,)], text=HOSTILE)
    page = Page(report_html(HOSTILE, HOSTILE, [section]))
    assert {"script", "link", "iframe"}.isdisjoint(tag for tag, _ in page.elements)
    assert not any({"src", "href"} & attributes.keys() for _, attributes in page.elements)
    for tag in ("title", "h1", "p", "h2", "th", "td", "pre"):
        assert "".join(page.texts[tag]) == HOSTILE
