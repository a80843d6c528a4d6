"""The drawing page in a real browser: what is drawn is seen, predicted, refused and compared."""

import html
import json
import re
import shutil
import subprocess
import threading

import matplotlib.image
import pytest

from geodl.flow.draw import server as module
from geodl.flow.draw.endpoints import Endpoints
from geodl.flow.draw.server import Server
from geodl.flow.geometry.grid import Grid
from tests.flow.draw_stubs import predictor, solver

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
    "--virtual-time-budget=8000",
]  # fmt: skip
SIZE = (1200, 1000)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium found")


class Page:
    """What a browser made of an address: the text of elements, attributes of the body, and the console."""

    def __init__(self, done: subprocess.CompletedProcess):
        self.source = done.stdout
        self.console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        self.body = re.search(r"<body[^>]*>", self.source)[0]

    def state(self, name: str) -> str | None:
        found = re.search(rf'data-{name}="([^"]*)"', self.body)
        return html.unescape(found[1]) if found else None

    def tag(self, element: str) -> str:
        return re.search(rf'<[^>]* id="{element}"[^>]*>', self.source)[0]

    def text(self, element: str) -> str:
        found = re.search(rf'<(\w+)[^>]* id="{element}"[^>]*>(.*?)</\1>', self.source, re.DOTALL)
        return html.unescape(re.sub(r"<[^>]*>", " ", found[2])).strip()

    def number(self, element: str) -> float:
        return float(self.text(element).replace("−", "-").split()[0])


@pytest.fixture(scope="module")
def server():
    with Server(Endpoints(predictor(Grid.parse("128x64")), solver()), 0) as made:
        made.endpoints.warm_up()
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def browse(server, folder, fragment="", *more) -> Page:
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={SIZE[0]},{SIZE[1]}"]
    command += ["--dump-dom", *more, f"{server.url}#{fragment}"]

    return Page(subprocess.run(command, capture_output=True, text=True, timeout=120))


def test_a_drawn_circle_gives_a_wake_behind_it(server, tmp_path):
    picture = tmp_path / "page.png"
    page = browse(server, tmp_path, "demo=circle&compare", f"--screenshot={picture}")
    assert page.console == []  # no error, and nothing that the policy of the page had to stop
    assert page.state("state") == "predicted"
    assert page.number("height") == pytest.approx(0.8, abs=0.03)
    assert page.number("behind") < 0.5 < 0.9 < page.number("ahead")
    low, high = map(float, page.text("drag-interval").split(" to "))
    assert low < page.number("drag") < high
    assert 'data-in-domain="true"' in page.tag("light")
    assert page.text("light-word") == "Inside the domain"
    assert page.state("run") == "done"
    assert page.number("compare-drag-solver") == 2.0
    assert 0 < page.number("compare-l2") < 20
    check_colours(matplotlib.image.imread(picture))


def check_colours(picture):
    """The body is dark, and the wake is not of the colour of the stream before it."""
    assert picture.shape[:2] == SIZE[::-1]
    left, right, top, bottom = 81, 783, 178, 528  # of the domain on a page of this size

    def colour(x, y):
        return picture[int(bottom - y / 4 * (bottom - top)), int(left + x / 8 * (right - left)), :3]

    assert colour(2.5, 2.0).max() < 0.3
    assert abs(colour(4.0, 2.03) - colour(1.0, 2.03)).max() > 0.2


def test_what_cannot_be_computed_is_told_at_the_canvas(server, tmp_path):
    page = browse(server, tmp_path, "demo=circle&at=0.3,2")
    assert page.state("state") == "refused"
    assert "border" in page.text("message")
    assert "hidden" not in page.tag("message")
    assert page.text("drag") == "–"
    assert "disabled" in page.tag("solve")
    assert page.text("light-word") == "No prediction"


BY_HAND = """
<script nonce="__NONCE__">
(async () => {
  const results = {}, field = document.getElementById("field"), pause = () => new Promise(done => setTimeout(done, 30));
  const until = async wanted => { while (document.body.dataset.state !== wanted) await pause(); };
  HTMLElement.prototype.setPointerCapture = () => {};
  const point = (kind, x, y) => {
    const at = field.getBoundingClientRect(), [px, py] = main.point([x, y]);
    const place = { clientX: at.left + px, clientY: at.top + py, pointerId: 1 };
    field.dispatchEvent(new PointerEvent(kind, { bubbles: true, ...place }));
  };
  const press = (target, key, more) =>
    target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
  const height = () => parseFloat(document.getElementById("height").textContent);
  await until("empty");
  point("pointerdown", 2.5, 1.8); point("pointermove", 2.5, 2.2); point("pointerup", 2.5, 2.2);
  await until("predicted"); results.brush = height();
  press(document, "z", { ctrlKey: true }); await until("empty"); results.undone = true;
  press(field, "ArrowRight"); press(field, " "); await until("predicted"); results.key = height();
  document.getElementById("clear").click(); await until("empty");
  press(field, "p");
  for (const [x, y] of [[2.2, 1.7], [2.8, 1.7], [2.5, 2.3]]) { point("pointerdown", x, y); point("pointerup", x, y); }
  press(field, "Enter"); await until("predicted"); results.polygon = height();
  press(field, "m"); const before = bodyBox().left; press(field, "ArrowRight"); results.moved = bodyBox().left - before;
  document.getElementById("view-pressure").click();
  results.title = document.getElementById("view-title").textContent;
  point("pointermove", 1.0, 2.0); results.probe = document.getElementById("probe").textContent;
  document.body.dataset.results = JSON.stringify(results);
})();
</script>
"""


def test_pen_keys_polygon_and_views_work(server, tmp_path, monkeypatch):
    changed = tmp_path / "page.html"
    changed.write_text(
        module._PAGE.read_text(encoding="utf-8").replace("</body>", f"{BY_HAND}</body>"), encoding="utf-8"
    )
    monkeypatch.setattr(module, "_PAGE", changed)
    page = browse(server, tmp_path)
    assert page.console == []
    results = json.loads(page.state("results"))
    assert results["brush"] == pytest.approx(0.4 + 0.35, abs=0.04)
    assert results["undone"]
    assert results["key"] == pytest.approx(0.35, abs=0.04)
    assert results["polygon"] == pytest.approx(0.6, abs=0.04)
    assert results["moved"] == pytest.approx(2 * 8 / 512)
    assert "ρU²" in results["title"]
    assert results["probe"].startswith("x 1.00 m, y 2.00 m: pressure")
