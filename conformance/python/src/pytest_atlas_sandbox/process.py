"""Runs ``atlas-toolkit sandbox`` as a process that ends with this one."""

from __future__ import annotations

import os
import queue
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Sequence

from .errors import SandboxError

#: The last line that the sandbox prints once it answers.
_READY = "# ready"
_ADDRESS = re.compile(r"https?://[^\s,;]*[^\s,;:.]")
_VARIABLE = re.compile(r"(MONGODB_ATLAS_[A-Z_]+)=([^\s,]+)")
#: How long the process may take to end after SIGTERM, in seconds.
_GRACE = 5
#: How much of stderr an error shows, in bytes.
_SHOWN = 4000


class SandboxProcess:
    """A running sandbox: a context manager that ends it.

    The process is in a session of its own, so that Ctrl-C does not end it before the tests. Its stdin is a pipe
    from this process and it ends when the pipe is closed, so it also ends if this process is killed.
    """

    def __init__(self, program: Path, arguments: Sequence[str] = (), timeout: float = 30) -> None:
        """Start it and wait until it answers, for at most ``timeout`` seconds.

        Raises :class:`SandboxError`, with its stderr, if it ends before or takes longer.
        """
        #: The variables that it printed: its address, ids of its world, logins, certificates.
        self.env: dict[str, str] = {}
        #: The variables of the login that may only read.
        self.reader_env: dict[str, str] = {}
        #: Where it answers itself, if it printed a public URL.
        self._address: str | None = None
        self._command = [str(program), "sandbox", "--quiet", "--until-stdin-ends", *arguments]
        self._stderr: IO[bytes] = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise SandboxError(f"cannot start {program}: {error}") from error
        try:
            self._wait_until_ready(timeout)
        except BaseException:  # KeyboardInterrupt, too
            self.stop()
            raise

    @property
    def address(self) -> str:
        """Where it answers."""
        return self._address or self.env["MONGODB_ATLAS_OPS_MANAGER_URL"]

    def failure(self) -> str | None:
        """Return why it ended, or None if it runs."""
        code = self._process.poll()
        if code is None:
            return None
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"the sandbox {ended}{self._details()}"

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        process = self._process
        self._end(force=False)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._end(force=True)
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self._stderr.close()

    def __enter__(self) -> SandboxProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _end(self, force: bool) -> None:
        """Send a signal to it and to what it started, for the case that the program is a script."""
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.kill()
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL if force else signal.SIGTERM)
        except ProcessLookupError:
            pass  # it ended meanwhile

    def _wait_until_ready(self, timeout: float) -> None:
        lines: queue.Queue[str | None] = queue.Queue()
        stdout = self._process.stdout
        assert stdout is not None

        def read() -> None:
            with stdout:
                for line in stdout:
                    text = line.decode("utf-8", "replace").rstrip("\n")
                    lines.put(text)
                    if text == _READY:
                        return  # nothing follows
            lines.put(None)

        threading.Thread(target=read, name="atlas-sandbox stdout", daemon=True).start()
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                raise SandboxError(f"timed out after {timeout:g} s waiting for the sandbox{self._details()}") from None
            if line is None:
                self._wait_briefly()
                raise SandboxError(self.failure() or f"the sandbox closed its stdout{self._details()}")
            if line == _READY:
                break
            self._take(line)
        if "MONGODB_ATLAS_OPS_MANAGER_URL" not in self.env:
            raise SandboxError(f"the sandbox printed no address{self._details()}")

    def _take(self, line: str) -> None:
        """Read a line of stdout: exports, or a comment with the login that may only read or with the address."""
        if line.startswith("export "):
            words = (word.partition("=") for word in shlex.split(line)[1:])
            self.env.update({name: value for name, _, value in words})
            return
        variables = _VARIABLE.findall(line)
        address = _ADDRESS.search(line)
        if variables:
            self.reader_env.update(variables)
        elif address:
            self._address = address[0]

    def _wait_briefly(self) -> None:
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            pass

    def _details(self) -> str:
        """The command and the end of stderr."""
        size = self._stderr.seek(0, 2)
        self._stderr.seek(max(0, size - _SHOWN))
        stderr = self._stderr.read().decode("utf-8", "backslashreplace").strip()
        return f"\ncommand: {shlex.join(self._command)}\nstderr: {stderr or '(empty)'}"
