"""The pages in a real browser: light, dark, phone, paper, no script, hostile input."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gostitch.pages import Failure, demo_page

pytestmark = pytest.mark.timeout(120)

CHROMIUM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
LONG = "x" * 3000

# Every text on the page with too little contrast against what is behind it (WCAG 2.2 AA).
CONTRAST = """() => {
  const parse = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => {
    const part = parse(color).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
  };
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!color.startsWith("rgba") || parse(color)[3] === 1) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const ratio = (a, b) => {
    const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const poor = [];
  let seen = 0;
  const check = (what, a, b, least) => {
    seen += 1;
    const found = ratio(a, b);
    if (found < least) poor.push(`${what}: ${a} on ${b} is ${found.toFixed(2)}`);
  };
  for (const node of document.querySelectorAll("body *")) {
    const style = getComputedStyle(node);
    const own = [...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (own && !["STYLE", "SCRIPT"].includes(node.tagName)) {
      const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
      const large = size >= 24 || (bold && size >= 18.66);
      const what = `${node.tagName}.${node.className} "${node.textContent.trim().slice(0, 20)}"`;
      check(what, style.color, ground(node), large ? 3 : 4.5);
    }
    if (node.classList.contains("fill"))
      check("bar " + node.className, style.backgroundColor, ground(node.parentElement), 3);
  }
  return [seen, [...new Set(poor)]];
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """One browser for this module; without one the tests are skipped, but never in CI."""
    where = CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")
    if where is None:
        message = "no chromium: get it by 'apt-get install chromium' (or your system's package)"
        if os.environ.get("GOSTITCH_CI") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=SWITCHES, timeout=60_000)
        yield browser
        browser.close()


@pytest.fixture
def source(summary: dict[str, Any], stitched: dict[str, Any]) -> str:
    failure = Failure(
        story="It failed on purpose.",
        type="gostitch.GoUnsafeError",
        code="unsafe",
        message="an entry climbs out",
        python_stack='Traceback\n  File "after.py", line 3, in refuse\n    unpack()\n',
        go_stack="archive.Unpack\n\tarchive/unpack.go:79",
        details={"entry": "../x"},
    )
    digest = "af13" * 16
    return demo_page(
        summary,
        stitched,
        failure=failure,
        results=[
            ("Workspace (tree)", digest, digest),
            ("Release (tar stream)", digest, digest[::-1]),
        ],
        environment=[("Python", "3.11.7"), ("Machine", "2 cores")],
        input_facts="Input: two files.",
    )


class Visit:
    """A page on a screen, and everything that went wrong on it."""

    def __init__(self, browser: Any, file: Path, source: str, **screen: Any) -> None:
        file.write_text(source, encoding="utf-8")
        self.url = file.as_uri()
        self.context = browser.new_context(**screen)
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.page.goto(self.url)

    def open_all(self) -> None:
        self.page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")

    def overflow(self) -> int:
        """How many pixels the page is wider than the screen."""
        return int(self.page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))

    def done(self) -> None:
        """Nothing was requested but the page itself, and nothing complained."""
        self.page.wait_for_timeout(100)
        assert self.requests == [self.url]
        assert self.complaints == []
        self.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_screen_is_sound(
    chromium: Any, source: str, tmp_path: Path, scheme: str, size: dict[str, int]
) -> None:
    """No sideways scrolling, contrast to WCAG AA, both sides shown, no request, no complaint."""
    visit = Visit(chromium, tmp_path / "page.html", source, viewport=size, color_scheme=scheme)
    shot = visit.page.screenshot(full_page=True)
    width, height = struct.unpack(">II", shot[16:24])
    assert width == size["width"]
    assert height > 1500
    assert len(shot) > 30_000
    assert visit.overflow() <= 0
    visit.open_all()
    assert visit.overflow() <= 0
    seen, poor = visit.page.evaluate(CONTRAST)
    assert seen > 150
    assert poor == []
    assert visit.page.locator(".sp.go").count() == 2
    assert visit.page.locator(".sp.python").count() == 6
    visit.done()


def test_dark_is_dark(chromium: Any, source: str, tmp_path: Path) -> None:
    """The page follows the system's choice."""
    grounds = {}
    for scheme in ("light", "dark"):
        visit = Visit(chromium, tmp_path / "page.html", source, color_scheme=scheme)
        grounds[scheme] = visit.page.evaluate(
            "() => getComputedStyle(document.body).backgroundColor"
        )
        visit.done()
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 20, 23)"}


def test_sides_differ_by_more_than_colour(chromium: Any, source: str, tmp_path: Path) -> None:
    """Go bars are striped and Python bars are not; each row says its side in letters."""
    visit = Visit(chromium, tmp_path / "page.html", source, viewport=DESKTOP)
    look = """side => {
      const row = document.querySelector(`.sp.${side} > summary`);
      const bar = getComputedStyle(row.querySelector('.tk i'));
      const striped = bar.backgroundImage !== 'none';
      return [row.querySelector('.side').textContent, striped, bar.backgroundColor];
    }"""
    python, go = (visit.page.evaluate(look, side) for side in ("python", "go"))
    assert python[:2] == ["Py", False]
    assert go[:2] == ["Go", True]
    assert python[2] != go[2]
    visit.done()


def test_bars_lie_where_the_times_are(chromium: Any, source: str, tmp_path: Path) -> None:
    """A child's bar lies within its parent's, and one clock for all moves the lanes apart."""
    visit = Visit(chromium, tmp_path / "page.html", source, viewport=DESKTOP)

    def box(name: str) -> tuple[float, float]:
        row = visit.page.locator(".sp", has=visit.page.locator(f"b:text-is('{name}')")).last
        found = row.locator(".tk i").first.bounding_box()
        return found["x"], found["x"] + found["width"]

    step, call = box("pack"), box("tasks.pack")
    assert step[0] <= call[0] < call[1] <= step[1]
    own_clock = box("build")
    visit.page.check(".one-clock")
    assert box("build")[0] > own_clock[0] + 100
    visit.done()


def test_keys_reach_and_open_every_row(chromium: Any, source: str, tmp_path: Path) -> None:
    """Rows take the focus, open by Enter, and arrows go from row to row."""
    visit = Visit(chromium, tmp_path / "page.html", source, viewport=DESKTOP)
    visit.page.locator(".sp > summary").first.focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.locator(".sp[open]").count() == 1
    visit.page.keyboard.press("ArrowDown")
    focused = "() => document.activeElement.querySelector('b').textContent"
    assert visit.page.evaluate(focused) == "before.py"
    visit.page.keyboard.press("ArrowUp")
    assert visit.page.evaluate(focused) == "demo"
    visit.done()


def test_the_filter_finds_attributes_too(chromium: Any, source: str, tmp_path: Path) -> None:
    """Only rows that hold the words stay, and the number of them is told."""
    visit = Visit(chromium, tmp_path / "page.html", source, viewport=DESKTOP)
    visit.page.fill(".filter", "gostitch.x")
    visit.page.locator(".found:text-is('1 of 8')").wait_for()
    assert visit.page.locator(".sp:visible").count() == 1
    visit.page.fill(".filter", "")
    visit.page.locator(".found:text-is('')").wait_for(state="attached")
    assert visit.page.locator(".sp:visible").count() == 8
    visit.done()


def test_without_a_script_all_is_there(chromium: Any, source: str, tmp_path: Path) -> None:
    """Rows open and the clock can be chosen; only the filter, which needs a script, is hidden."""
    visit = Visit(chromium, tmp_path / "page.html", source, java_script_enabled=False)
    row = visit.page.locator(".sp").first
    row.locator("summary").click()
    assert row.locator(".more").is_visible()
    visit.page.check(".one-clock")
    assert visit.page.locator(".axis.one").first.is_visible()
    assert not visit.page.locator(".filter").is_visible()
    visit.done()


def test_hostile_and_endless_text_harms_nothing(
    chromium: Any, summary: dict[str, Any], maker: Any, tmp_path: Path
) -> None:
    """Scripts in names do not run, and words without a break do not widen a phone's page."""
    attack = "</script><script>alert(1)</script><img src='http://127.0.0.1:9/x' onerror=alert(2)>"
    root = maker.span(attack, process=LONG, a=LONG, error=attack)
    maker.span(LONG, root, side="go", b=attack)
    failure = Failure(attack, LONG, attack, LONG, attack, LONG, {LONG: LONG})
    steps = {LONG: summary["steps"]["fetch"], attack: summary["steps"]["hash"]}
    page = demo_page(
        summary | {"steps": steps, "trace_id": LONG},
        maker.document(),
        failure=failure,
        results=[(LONG, LONG, attack)],
        environment=[(LONG, attack)],
        input_facts=attack,
    )
    visit = Visit(chromium, tmp_path / "page.html", page, viewport=PHONE)
    visit.open_all()
    assert visit.overflow() <= 0
    assert visit.page.locator("img").count() == 0
    visit.done()


def test_five_thousand_spans_stay_usable(
    chromium: Any, summary: dict[str, Any], maker: Any, tmp_path: Path
) -> None:
    """A large trace opens, scrolls and filters within seconds."""
    root = maker.span("root", end=100)
    for step in range(20):
        parent = maker.span(f"step {step}", root, step, step + 1)
        for n in range(250):
            maker.span(f"node {n}", parent, step, step + 0.9, side="go")
    visit = Visit(
        chromium, tmp_path / "page.html", demo_page(summary, maker.document()), viewport=DESKTOP
    )
    assert visit.page.locator(".sp").count() == 5021
    visit.page.fill(".filter", "node 249")
    visit.page.locator(".found:text-is('20 of 5021')").wait_for()
    visit.page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    visit.done()


def test_paper_shows_the_page(chromium: Any, source: str, tmp_path: Path) -> None:
    """Printing is dark on white also for those who read in the dark, and without the controls."""
    visit = Visit(chromium, tmp_path / "page.html", source, color_scheme="dark")
    visit.page.emulate_media(media="print")
    assert visit.page.evaluate("() => getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert not visit.page.locator(".controls").is_visible()
    paper = visit.page.pdf(format="A4")
    assert paper.startswith(b"%PDF")
    visit.done()
