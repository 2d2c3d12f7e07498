"""Make `.venv` what a lock file says: `python3 config/local/install.py local|test`.

Uses the standard library alone, for nothing else is there yet. The second time it only looks.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_VENV = ROOT / ".venv"
_PYTHON = _VENV / "bin" / "python"
# Inside an activated `.venv` the interpreter must not be the one that is thrown away.
_BASE = getattr(sys, "_base_executable", sys.executable)
# Lies there while an installation is going on: whoever finds it knows that one was broken off.
_UNFINISHED = _VENV / ".unfinished"
_PIP = (
    *("--no-input", "--disable-pip-version-check", "--quiet"),
    *("--require-hashes", "--prefer-binary"),
)


def main(name: str) -> int:
    """Install a lock file, unless that has been done, and give the exit status."""
    lock_file = ROOT / "requirements" / f"{name}.txt"
    wanted = hashlib.sha256(lock_file.read_bytes() + str(_VENV).encode()).hexdigest()
    stamp = _VENV / f".installed-{name}"
    # Two starts at once in a fresh checkout: the second one waits for the first.
    with (ROOT / "requirements" / lock_file.name).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if _works() and _read(stamp) == wanted:
            return 0
        try:
            _make_venv()
            _install(lock_file)
        except subprocess.CalledProcessError:
            _complain("The installation failed; the reason stands above. Run the command again.")
            return 1
        except OSError as error:
            _complain(f"The installation failed: {error}")
            return 1
        stamp.write_text(wanted, encoding="ascii")
        _UNFINISHED.unlink()
    return 0


def _make_venv() -> None:
    if not _works():
        print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
        shutil.rmtree(_VENV, ignore_errors=True)
        _VENV.mkdir()
        _UNFINISHED.touch()
        result = _run(_BASE, "-m", "venv", str(_VENV), quiet=True)
        if result.returncode != 0:
            # Debian keeps the part of Python that brings pip in a package of its own.
            _run(_BASE, "-m", "venv", "--without-pip", "--clear", str(_VENV), check=True)
    _UNFINISHED.touch()


def _install(lock_file: Path) -> None:
    print(f"Installing requirements/{lock_file.name} (a minute or two, once)", flush=True)
    if _run(str(_PYTHON), "-m", "pip", "--version", quiet=True).returncode == 0:
        pip = [str(_PYTHON), "-m", "pip"]
    elif _run(_BASE, "-m", "pip", "--version", quiet=True).returncode == 0:
        pip = [_BASE, "-m", "pip", "--python", str(_PYTHON)]
    else:
        raise OSError("this Python has no pip; on Debian, `apt-get install python3-venv` helps.")
    _run(*pip, "install", *_PIP, "-r", str(lock_file), check=True)


def _works() -> bool:
    if _UNFINISHED.exists() or not _PYTHON.exists():
        return False
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    return _run(str(_PYTHON), "-c", probe, quiet=True).returncode == 0


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="ascii").strip()
    return ""


def _run(
    *command: str, quiet: bool = False, check: bool = False
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    return subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=quiet,
        check=check,
    )


def _complain(line: str) -> None:
    print(f"frontdesk: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
