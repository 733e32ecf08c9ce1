"""The page: complete in itself, readable by everyone, and never written by the program that it is about."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runner.diagnosis import html
from runner.diagnosis.overview import worst_first
from runner.diagnosis.printable import lines_of, printable
from runner.diagnosis.report import Report, diagnose
from tests.diagnosis import journals, reports
from tests.diagnosis.pages import Page

ROOT = Path(__file__).parent.parent.parent

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "figure", "figcaption"),
    *("h1", "h2", "h3", "h4", "p", "div", "span", "bdi", "code", "pre", "dl", "dt", "dd", "ul", "ol", "li", "a"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("svg", "desc", "g", "text", "path", "rect", "circle"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "id", "style", "scope", "open", "href", "role"),
    *("aria-labelledby", "aria-hidden", "aria-level", "data-label", "viewbox", "d", "x", "y", "width", "height", "rx"),
    *("cx", "cy", "r", "font-size", "text-anchor", "transform", "fill", "stroke", "stroke-width", "stroke-linecap"),
    *("stroke-linejoin", "stroke-dasharray"),
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-->]]></title></style></svg></pre><b>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;&amp;&#60;",
    "\x1b[31mred\x1b]0;title\x07\r\n\t\0",
    "javascript:alert(1) http://evil.example/x.js",
    "\u202egnp.exe\u2066 \ud800\udcff \ufffe",
)
everything = pytest.mark.parametrize("make", reports.ALL.values(), ids=reports.ALL)


def several() -> list[Report]:
    return [make() for make in reports.ALL.values()]


@cache
def outline() -> list[str]:
    """Of the page of a program that says nothing special."""
    return Page(html.render(reports.hostile("x"), "x")).outline


def assert_only_ours(page: Page) -> None:
    assert page.tags <= TAGS
    assert page.attributes <= ATTRIBUTES
    for name in page.attributes - {"content"}:
        for value in page.values(name):
            assert "http" not in value
            assert "script" not in value
            assert "url(" not in value
    assert all(value.startswith("#") for value in page.values("href"))
    assert not re.search(r"@import|url\(|http|expression|<", page.style)


@everything
def test_a_page_is_complete_in_itself(make: Callable[[], Report]) -> None:
    source = html.render(make(), "a job")
    page = Page(source)
    assert page.declarations == ["doctype html"]
    assert_only_ours(page)
    assert "<script" not in source
    policies = [attributes for _, attributes in page.elements if "http-equiv" in attributes]
    assert policies == [{"http-equiv": "Content-Security-Policy", "content": POLICY}]
    assert "width=device-width, initial-scale=1" in page.values("content")
    assert "prefers-color-scheme: dark" in page.style
    assert "\x1b" not in source


@pytest.mark.parametrize("text", EVIL)
def test_what_a_program_says_is_text(text: str) -> None:
    page = Page(html.render(reports.hostile(text), text))
    assert_only_ours(page)
    assert page.outline == outline()
    assert page.text.count(printable(text)) >= 20
    for line in lines_of(text):
        assert line in page.text


@settings(deadline=None)
@given(text=st.text(st.characters(exclude_categories=()), min_size=1, max_size=40))
@example("/")
@example(" ")
@example("\n")
def test_whatever_a_program_says_is_text(text: str) -> None:
    page = Page(html.render(reports.hostile(text), text))
    assert page.outline == outline()
    assert printable(text) in page.text
    assert page.attributes <= ATTRIBUTES
    assert page.tags <= TAGS
    assert all(character.isprintable() or character == "\n" for character in page.text)


@everything
def test_what_the_page_says(make: Callable[[], Report]) -> None:
    report = make()
    page = Page(html.render(report))
    for finding in report.findings:
        assert finding.explanation in page.text
        assert finding.cure in page.text
    for words in [save["path"] for save in report.saves] + [line["text"] for line in report.lines]:
        assert words in page.text
    for process in report.processes:
        assert f"PID {process['inner']}" in page.text
    for thread in report.stack:
        assert all(frame["function"] in page.text for frame in thread["frames"])
    assert report.main_process in page.text


def test_headings_follow_each_other() -> None:
    for source in (html.render(reports.five()), html.render(several())):
        levels = [int(tag[1]) for tag, _ in Page(source).elements if re.fullmatch("h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(now - before <= 1 for before, now in pairwise(levels))


def test_names_of_parts_are_there_once() -> None:
    page = Page(html.render(several()))
    named = page.values("id")
    assert len(named) == len(set(named))
    told = [name for value in page.values("aria-labelledby") for name in value.split()]
    assert {*told, *(value[1:] for value in page.values("href"))} <= set(named)


def test_every_picture_has_a_name_and_words() -> None:
    page = Page(html.render(reports.five()))
    pictures = [attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("role") == "img"]
    assert [one["class"] for one in pictures] == ["picture wide", "picture narrow"]
    assert "+0.000 s: SIGTERM to bash (PID 1): it has a handler; " in page.text
    rest = [attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("role") != "img"]
    assert all(one.get("aria-hidden") == "true" for one in rest)


def test_a_job_that_was_never_stopped_says_so() -> None:
    page = Page(html.render(reports.never_stopped(), "digits"))
    assert "Not stopped: digits" in page.text
    assert "no stop has come yet" in page.text
    assert "SIGTERM" not in page.text.partition("What to do")[0]


def test_a_member_that_a_page_does_not_know_is_no_matter() -> None:
    more = {"t": 0.5, "event": "of-another-version", "x": 1}
    report = diagnose(journals.graceful())
    later = Report(**{**vars(report), "timeline": (*report.timeline, more)})
    assert "of-another-version" in Page(html.render(later)).text


# --- several runs


def test_the_worst_run_comes_first() -> None:
    runs = [reports.graceful(), reports.five(), reports.never_stopped(), reports.forty(), reports.killed_late()]
    assert worst_first(runs) == [1, 4, 2, 0, 3]
    page = Page(html.render(runs, "train.py", names=["a", "b", "c", "d", "e"]))
    assert page.values("href") == ["#run-2", "#run-5", "#run-3", "#run-1", "#run-4"]
    assert "Not graceful: save-too-slow in the worst of 5 runs" in page.text
    assert "2 not graceful" in page.text
    assert "1 undecided" in page.text


def test_one_run_needs_no_overview_and_none_is_said() -> None:
    assert "When the stops came" not in html.render([reports.one()])
    assert "No runs" in Page(html.render_runs([])).text


def test_each_run_is_a_mark_where_its_stop_came() -> None:
    page = Page(html.render([reports.five()] * 7 + [reports.graceful()] * 3))
    marks = [attributes["class"] for _, attributes in page.elements if attributes.get("class", "").startswith("cell-")]
    assert marks.count("cell-not-graceful") == 7 + 1  # and one in the legend
    assert marks.count("cell-graceful") == 3 + 1


# --- readable for everyone


def colours(style: str) -> list[dict[str, str]]:
    """The variables of the light and of the dark scheme."""
    found = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    ]
    light, dark = found[0], found[1]
    return [light, light | dark]


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


TEXTS = [
    *(("ink", on) for on in ("page", "card", "faint", "graceful-tint", "not-graceful-tint", "undecided-tint")),
    *(("dim", on) for on in ("page", "card", "faint", "graceful-tint", "not-graceful-tint", "undecided-tint")),
    *((verdict, f"{verdict}-tint") for verdict in ("graceful", "not-graceful", "undecided")),
    *((verdict, "card") for verdict in ("graceful", "not-graceful", "undecided", "saved", "cut-off", "temporary")),
    *(("inside", bar) for bar in ("caught", "default", "ignored", "blocked", "unknown")),
]
SHAPES = [(shape, "card") for shape in ("caught", "default", "ignored", "blocked", "unknown", "saved", "ink")]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(scheme: int) -> None:
    found = colours(Page(html.render(reports.one())).style)[scheme]
    assert [(a, b) for a, b in TEXTS if contrast(found[a], found[b]) < 4.5] == []
    assert [(a, b) for a, b in SHAPES if contrast(found[a], found[b]) < 3] == []


def test_the_library_is_loaded_when_a_page_is_made() -> None:
    program = (
        "import sys, runner.cli.main, runner.cli.report\n"
        "from runner.diagnosis.report import diagnose\n"
        "assert 'jinja2' not in sys.modules\n"
        "assert 'doctype' in diagnose([]).to_html()\n"
        "assert 'jinja2' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, timeout=30)


def test_methods_of_a_report() -> None:
    report = reports.five()
    assert report.to_html("title") == html.render(report, "title")
    assert report.to_text(width=40).startswith("NOT GRACEFUL: save-too-slow\n")
    assert max(map(len, report.to_text(width=40).partition("What to do")[0].splitlines())) <= 40
