"""Finds the program ``atlas-toolkit`` and checks that it is the right one."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from pathlib import Path

from .errors import SandboxError

#: What MongoDB's own command does not have in its version.
_OURS = "atlas-rs "
#: How long ``--version`` may take, in seconds.
_TIMEOUT = 30


def find_program(chosen: str | None = None) -> Path:
    """Return the absolute path of the program.

    That is ``chosen``, a path or a name on the ``PATH``, or that of the installed wheel ``atlas-toolkit``, or
    ``atlas-toolkit`` on the ``PATH``. ``atlas`` is never searched for: MongoDB's own command has this name.

    Raises :class:`SandboxError` if it is missing or another program.
    """
    if chosen is not None:
        found = shutil.which(chosen)
        if found is None:
            raise SandboxError(f"{chosen} is missing or not executable; it was set as the atlas-toolkit program")
    else:
        found = _of_wheel() or shutil.which("atlas-toolkit")
        if found is None:
            raise SandboxError(
                "atlas-toolkit was not found: see Install in the README of pytest-atlas-sandbox, "
                "or set its path as ATLAS_TOOLKIT"
            )
    # `Path` drops a leading `./`, after which a start would search the PATH.
    program = Path(os.path.abspath(found))
    _check(program)
    return program


def _of_wheel() -> str | None:
    """Return the path of the program that the wheel installed, whatever the scheme of the installation."""
    try:
        files = importlib.metadata.files("atlas-toolkit") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        path = str(file.locate())
        if file.stem == "atlas-toolkit" and os.access(path, os.X_OK) and os.path.isfile(path):
            return os.path.realpath(path)
    return None


def _check(program: Path) -> None:
    try:
        version = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"cannot run {program} --version: {error}") from error
    printed = version.stdout.decode("utf-8", "backslashreplace").strip()
    if version.returncode != 0:
        raise SandboxError(f"{program} --version ended with exit code {version.returncode}: {printed[:1000]}")
    if not printed.startswith(_OURS):
        theirs = "MongoDB's Atlas CLI" if printed.startswith("atlascli") else "another program"
        raise SandboxError(
            f"{program} is {theirs}, not atlas-toolkit (--version: {printed[:80]!r}); "
            "set the program of the package atlas-toolkit, or none to use the installed one"
        )
