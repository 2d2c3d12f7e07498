"""Write the lock files anew from pyproject.toml: exact versions, hashes, no addresses.

`python3 config/local/lock.py [OPTIONS OF uv…]`; without `--upgrade`, what is locked stays.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# lock file → its extras, and the lock file that it must agree with
_FILES = {
    "production": ((), None),
    "local": (("local",), "production"),
    "test": (("local", "test"), "local"),
}
_OPTIONS = (
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", "--quiet"),
)


def main(*options: str) -> int:
    """Compile the three files and give the exit status."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(ROOT / ".venv" / "bin"))
    if uv is None:
        print("frontdesk: `make lock` needs `uv` on the PATH.", file=sys.stderr)
        return 1
    for name, (extras, constraint) in _FILES.items():
        command = [uv, "pip", "compile", "pyproject.toml", *_OPTIONS, *options]
        command += [word for extra in extras for word in ("--extra", extra)]
        if constraint is not None:
            command += ["--constraint", f"requirements/{constraint}.txt"]
        command += ["--output-file", f"requirements/{name}.txt"]
        result = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        if result.returncode != 0:
            return result.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(*shlex.split(os.environ.get("ARGS", ""))))
