#!/usr/bin/env python3
"""Looks at the pages of `yado compare` with Chromium: dark and at the width of a telephone, too.

    bench/look_at_page.py FOLDER

reads FOLDER/page.html and FOLDER/page.ja.html, writes the beginning of the first as page.dark.png, page.phone.png and
page.phone.dark.png, and fails when something hangs over the edge of a page or out of a chart.
"""

import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
WIDE, PHONE = 960, 390
# Of a page that is longer only the beginning is drawn: pictures go into the repository.
LONGEST = 6000

# Written into an element that the outer page can read: what hangs over, and how high the page is.
PROBE = """<script>
const root = document.documentElement;
const wide = [...document.querySelectorAll('body *')]
    .filter((e) => !e.closest('svg') && !e.closest('.scroll') && e.getBoundingClientRect().right > root.clientWidth + 1)
    .map((e) => e.tagName + ' ' + e.textContent.slice(0, 40));
const cut = [...document.querySelectorAll('svg text')].filter((text) => {
    const box = text.getBBox(), all = text.ownerSVGElement.viewBox.baseVal;
    return box.x < -3 || box.x + box.width > all.width + 3 || box.y + box.height > all.height + 4;
}).map((text) => text.textContent);
const found = document.createElement('output');
found.hidden = true;
found.textContent = JSON.stringify({wide, cut, height: root.scrollHeight, over: root.scrollWidth - root.clientWidth,
    figures: document.querySelectorAll('tr[data-measure]').length});
document.body.append(found);
</script>"""


def browser():
    for name in BROWSERS:
        if shutil.which(name):
            return name
    sys.exit(f"There is no browser ({', '.join(BROWSERS)}); on Debian: apt-get install chromium")


def run(room, dark, *words):
    command = ["timeout", "-k", "5", "120", browser(), "--headless", "--disable-gpu", "--no-sandbox", "--no-first-run",
               "--hide-scrollbars", "--allow-file-access-from-files", "--virtual-time-budget=20000",
               f"--user-data-dir={room}/profile"]
    if dark:
        command.append("--blink-settings=preferredColorScheme=0")
    return subprocess.run(command + list(words), stdin=subprocess.DEVNULL, capture_output=True, text=True)


def look(room, page, width, dark, picture):
    """Opens a page in a frame of this width (a window is never as narrow as a telephone)."""
    (room / "page.html").write_text(page.read_text().replace("</html>", PROBE + "</html>"))
    frame = room / "frame.html"

    def framed(height):
        frame.write_text(
            f'<!doctype html><body style="margin:0"><iframe id=f style="width:{width}px;height:{height}px;border:0;'
            'display:block" src="page.html"></iframe><script>f.onload=()=>'
            "document.body.append(f.contentDocument.querySelector('output').cloneNode(true))</script>"
        )

    framed(900)
    said = run(room, dark, "--window-size=1300,1000", "--dump-dom", frame.as_uri())
    found = re.search(r"<output[^>]*>(.*?)</output>", said.stdout, re.DOTALL)
    if not found:
        sys.exit(f"{page}: the browser found nothing. {said.stderr[-500:]}")
    seen = json.loads(html.unescape(found.group(1)))
    what = f"{page.name} at {width} pixels{', dark' if dark else ''}"
    if picture:
        height = min(seen["height"], LONGEST)
        framed(height)
        run(room, dark, f"--window-size={max(width, 500)},{height}", f"--screenshot={picture}", frame.as_uri())
        if not picture.is_file():
            sys.exit(f"{what}: no picture was drawn")
    if seen["wide"] or seen["cut"] or seen["over"] > 0 or seen["figures"] == 0:
        print(f"{what}: {seen}")
        return False
    print(f"{what}: {seen['figures']} figures, {seen['height']} pixels high, nothing hangs over")
    return True


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    fine = True
    with tempfile.TemporaryDirectory(prefix="yado-look-") as room:
        room = pathlib.Path(room)
        for name in ["page.html", "page.ja.html"]:
            english = name == "page.html"
            for width, dark in [(WIDE, False), (WIDE, True), (PHONE, False), (PHONE, True)]:
                parts = ["page"] + ["phone"] * (width == PHONE) + ["dark"] * dark
                picture = folder / (".".join(parts) + ".png") if english and len(parts) > 1 else None
                fine &= look(room, folder / name, width, dark, picture)
    sys.exit(0 if fine else 1)


main()
