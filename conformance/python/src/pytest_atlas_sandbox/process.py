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
#: How long what it started may go on after it, in seconds.
_GRACE_OF_CHILDREN = 1
#: How often a start looks whether the process has ended, in seconds.
_INTERVAL = 0.1
#: How many lines of its stdout wait to be read.
_LINES = 1000
#: How much of stderr an error shows, in bytes.
_SHOWN = 4000


class SandboxProcess:
    """A running sandbox: a context manager that ends it.

    The process is in a session of its own, so that Ctrl-C does not end it before the tests. Its stdin is a pipe
    from this process and it ends when the pipe is closed, so it also ends if this process is killed.
    """

    def __init__(
        self, program: Path, arguments: Sequence[str] = (), timeout: float = 30, folder: Path | None = None
    ) -> None:
        """Start it in a folder and wait until it answers, for at most ``timeout`` seconds.

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
        self._group_ended = False
        try:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                start_new_session=True,
                cwd=folder,
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
        if self._stderr.closed:
            return "the sandbox was stopped"
        code = self._process.poll()
        if code is None:
            return None
        # At once, while the system cannot have given the number of the group to another one.
        self._kill_group()
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        return f"the sandbox {ended}{self._details()}"

    def stop(self) -> None:
        """End it and what it started, and wait until it has ended."""
        process = self._process
        if process.poll() is None:
            self._terminate()
            try:
                process.wait(_GRACE)
                self._wait_for_group()
            except subprocess.TimeoutExpired:
                pass
        self._kill_group()
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

    def _terminate(self) -> None:
        """Ask it, and what it started if it is a script, to end."""
        if sys.platform == "win32":
            self._process.terminate()
        else:
            self._signal_group(signal.SIGTERM)

    def _kill_group(self) -> None:
        """Kill it and what it started, once: also if it has ended itself, since what it started may go on."""
        if self._group_ended:
            return
        self._group_ended = True
        if sys.platform == "win32":
            self._process.kill()
        else:
            self._signal_group(signal.SIGKILL)

    def _wait_for_group(self) -> None:
        """Let what a script started end by itself, for a short time."""
        deadline = time.monotonic() + _GRACE_OF_CHILDREN
        while sys.platform != "win32" and self._signal_group(0) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _signal_group(self, number: int) -> bool:
        """Return whether the group of the process, which is the first in it, still exists."""
        if sys.platform == "win32":
            return False
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS refuses a signal to a zombie
            return False
        return True

    def _wait_until_ready(self, timeout: float) -> None:
        lines: queue.Queue[str | None] = queue.Queue(_LINES)
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
            # What it started may hold the pipe open, so the end of stdout is not awaited.
            ended = self._process.poll() is not None
            left = deadline - time.monotonic()
            slow = f"timed out after {timeout:g} s waiting for the sandbox"
            if left <= 0:
                raise SandboxError(self.failure() or slow + self._details())
            try:
                line = lines.get(timeout=min(_INTERVAL, left))
            except queue.Empty:
                if not ended:
                    continue
                raise SandboxError(self.failure() or slow + self._details()) from None
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
