"""The pytest plugin: options, fixtures, and the requests of a failed test in its report."""

from __future__ import annotations

import math
import os
import shlex
from pathlib import Path
from typing import Any, Callable, Generator, Iterator, Sequence

import pytest

from .errors import SandboxError
from .process import SandboxProcess
from .program import find_program
from .sandbox import AtlasSandbox, SeenRequest

#: How many requests the report of a failed test shows.
_SHOWN = 20
#: How long a report waits for the requests, in seconds.
_TIMEOUT = 2
#: Arguments that the plugin passes itself; the program refuses to take one twice.
_PASSED = {"--quiet", "-q", "--until-stdin-ends"}

_ARGUMENTS = pytest.StashKey[Sequence[str]]()
_START_TIMEOUT = pytest.StashKey[float]()
#: The sandbox of a test, from its reset on.
_SANDBOX = pytest.StashKey[AtlasSandbox]()
#: The last requests before the sandbox was stopped, for the report of the last test.
_LAST_REQUESTS = pytest.StashKey[Sequence[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("atlas-sandbox", "Atlas sandbox")
    group.addoption("--atlas-toolkit", metavar="PATH", help="the program atlas-toolkit; that of the wheel by default")
    group.addoption("--atlas-sandbox-seed", metavar="FILE", help="a JSON file with the world that each test begins in")
    group.addoption(
        "--atlas-sandbox-args",
        metavar="ARGS",
        default="",
        help="more arguments of `atlas-toolkit sandbox`, after those of the ini file",
    )
    group.addoption("--atlas-sandbox-timeout", metavar="SECONDS", help="how long it may take to start")
    parser.addini("atlas_toolkit", "the program atlas-toolkit, relative to the rootdir if it has a slash")
    parser.addini("atlas_sandbox_seed", "a JSON file with the world that each test begins in, relative to the rootdir")
    parser.addini("atlas_sandbox_args", "more arguments of `atlas-toolkit sandbox`", type="args")
    parser.addini("atlas_sandbox_timeout", "how many seconds it may take to start", default="30")


def pytest_configure(config: pytest.Config) -> None:
    """Check the settings, so that a wrong one is a usage error rather than an error of each test."""
    config.stash[_ARGUMENTS] = _arguments(config)
    config.stash[_START_TIMEOUT] = _timeout(config)


@pytest.fixture(scope="session")
def atlas_sandbox_server(pytestconfig: pytest.Config) -> Iterator[AtlasSandbox]:
    """The sandbox of this session, for fixtures of a wider scope than a test.

    With pytest-xdist, each worker has its own. Every test that uses ``atlas_sandbox`` resets it.
    """
    try:
        program = find_program(_program(pytestconfig))
        process = SandboxProcess(
            program,
            pytestconfig.stash[_ARGUMENTS],
            pytestconfig.stash[_START_TIMEOUT],
            pytestconfig.invocation_params.dir,
        )
    except SandboxError as error:
        raise pytest.fail.Exception(f"cannot start the Atlas sandbox: {error}", pytrace=False) from None
    with process:
        sandbox = AtlasSandbox(process)
        yield sandbox
        pytestconfig.stash[_LAST_REQUESTS] = _last_requests(sandbox)


@pytest.fixture
def atlas_sandbox(atlas_sandbox_server: AtlasSandbox, request: pytest.FixtureRequest) -> AtlasSandbox:
    """A local Atlas in its first state: world, faults, clock, and no requests."""
    try:
        atlas_sandbox_server.reset()
    except SandboxError as error:
        raise pytest.fail.Exception(f"cannot reset the Atlas sandbox: {error}", pytrace=False) from None
    request.node.stash[_SANDBOX] = atlas_sandbox_server
    return atlas_sandbox_server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last requests in the report of a failed test."""
    report = yield
    sandbox = item.stash.get(_SANDBOX, None)
    if report.failed and sandbox is not None:
        # After the last test, the sandbox is stopped before the report of the teardown.
        lines = item.config.stash.get(_LAST_REQUESTS, None) or _last_requests(sandbox)
        report.sections.append(("Atlas sandbox: last requests", "\n".join(lines)))
    if report.when == "teardown" and sandbox is not None:
        del item.stash[_SANDBOX]  # a plugin may run the test again
    return report


def _last_requests(sandbox: AtlasSandbox) -> list[str]:
    """The lines of a report. Never raises: an error of the hook would end the session."""
    try:
        return [_line(request) for request in sandbox._last_requests(_SHOWN, _TIMEOUT)] or ["none"]
    except Exception as error:
        return [str(error) if isinstance(error, SandboxError) else repr(error)]


def _line(request: SeenRequest) -> str:
    fault = request["fault"]
    by = f" (fault rule {fault['rule']})" if fault else ""
    return f"{request['number']} {request['method']} {request['target']} -> {request['status'] or 'no answer'}{by}"


def _program(config: pytest.Config) -> str | None:
    """The option, else the variable, else the ini file; each may be empty."""
    chosen = config.getoption("atlas_toolkit") or os.environ.get("ATLAS_TOOLKIT")
    folder = config.invocation_params.dir
    if not chosen:
        chosen, folder = str(config.getini("atlas_toolkit")), config.rootpath
    if not chosen:
        return None
    return str(folder / chosen) if "/" in chosen else str(chosen)


def _arguments(config: pytest.Config) -> list[str]:
    arguments = []
    option, ini = config.getoption("atlas_sandbox_seed"), config.getini("atlas_sandbox_seed")
    if option:
        arguments += ["--seed", str(Path(config.invocation_params.dir, option))]
    elif ini:
        arguments += ["--seed", str(config.rootpath / ini)]
    more = _split("atlas_sandbox_args", lambda: config.getini("atlas_sandbox_args"))
    more += _split("--atlas-sandbox-args", lambda: shlex.split(config.getoption("atlas_sandbox_args")))
    # Its value is not shown.
    if any(argument.partition("=")[0] == "--control-token" for argument in more):
        raise pytest.UsageError(
            "invalid atlas_sandbox_args: --control-token is not supported; remove it, "
            "since the plugin uses the token that the sandbox prints with --bind 0.0.0.0"
        )
    return arguments + [argument for argument in more if argument not in _PASSED]


def _split(setting: str, read: Callable[[], Any]) -> list[str]:
    """Arguments of a setting, whose text is not shown in an error: it may hold secrets."""
    try:
        return list(read())
    except (pytest.UsageError, TypeError, ValueError):
        expected = "arguments with balanced quotes, or a list of strings"
        raise pytest.UsageError(f"invalid {setting}: expected {expected}") from None


def _timeout(config: pytest.Config) -> float:
    setting, text = "--atlas-sandbox-timeout", config.getoption("atlas_sandbox_timeout")
    if text is None:
        setting, text = "atlas_sandbox_timeout", config.getini("atlas_sandbox_timeout")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise pytest.UsageError(f"invalid {setting} {text!r}: expected seconds above 0, such as 30")
    return seconds
