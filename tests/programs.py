"""Programs of the machine that some tests need, found once."""

from __future__ import annotations

import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NODE = shutil.which("node")

# mark → the program, and what to say when it is missing
NEEDED = {
    "browser": (CHROMIUM, "Chromium is missing: install the package chromium"),
    "node": (NODE, "Node.js is missing: install the package nodejs"),
}
