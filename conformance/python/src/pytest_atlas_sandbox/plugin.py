"""The pytest plugin: options, fixtures, and the requests of a failed test in its report."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Generator, Iterator

import pytest

from .errors import SandboxError
from .process import SandboxProcess
from .program import find_program
from .sandbox import AtlasSandbox

#: How many requests the report of a failed test shows.
_SHOWN = 20


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
    group.addoption("--atlas-sandbox-timeout", metavar="SECONDS", type=float, help="how long it may take to start")
    parser.addini("atlas_toolkit", "the program atlas-toolkit, relative to the rootdir if it has a slash")
    parser.addini("atlas_sandbox_seed", "a JSON file with the world that each test begins in, relative to the rootdir")
    parser.addini("atlas_sandbox_args", "more arguments of `atlas-toolkit sandbox`", type="args")
    parser.addini("atlas_sandbox_timeout", "how many seconds it may take to start", default="30")


@pytest.fixture(scope="session")
def atlas_sandbox_server(pytestconfig: pytest.Config) -> Iterator[AtlasSandbox]:
    """The sandbox of this session, for fixtures of a wider scope than a test.

    With pytest-xdist, each worker has its own. Every test that uses ``atlas_sandbox`` resets it.
    """
    try:
        program = find_program(_program(pytestconfig))
        process = SandboxProcess(program, _arguments(pytestconfig), _timeout(pytestconfig))
    except SandboxError as error:
        raise pytest.fail.Exception(f"cannot start the Atlas sandbox: {error}", pytrace=False) from None
    with process:
        yield AtlasSandbox(process)


@pytest.fixture
def atlas_sandbox(atlas_sandbox_server: AtlasSandbox) -> AtlasSandbox:
    """A local Atlas in its first state: world, faults, clock, and no requests."""
    try:
        atlas_sandbox_server.reset()
    except SandboxError as error:
        raise pytest.fail.Exception(f"cannot reset the Atlas sandbox: {error}", pytrace=False) from None
    return atlas_sandbox_server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the last requests in the report of a failed test."""
    report = yield
    sandbox = getattr(item, "funcargs", {}).get("atlas_sandbox")
    if report.when == "call" and report.failed and isinstance(sandbox, AtlasSandbox):
        try:
            lines = [_line(request) for request in sandbox.requests(limit=_SHOWN)]
        except SandboxError as error:
            lines = [str(error)]
        report.sections.append(("Atlas sandbox: last requests", "\n".join(lines) or "none"))
    return report


def _line(request: object) -> str:
    assert isinstance(request, dict)
    fault = request["fault"]
    by = f" (fault rule {fault['rule']})" if fault else ""
    return f"{request['number']} {request['method']} {request['target']} -> {request['status'] or 'no answer'}{by}"


def _program(config: pytest.Config) -> str | None:
    """The option, else the variable, else the ini file; each may be empty."""
    chosen = config.getoption("atlas_toolkit") or os.environ.get("ATLAS_TOOLKIT")
    if chosen:
        return str(chosen)
    ini = str(config.getini("atlas_toolkit"))
    if not ini:
        return None
    return str(config.rootpath / ini) if "/" in ini else ini


def _arguments(config: pytest.Config) -> list[str]:
    arguments = []
    option, ini = config.getoption("atlas_sandbox_seed"), config.getini("atlas_sandbox_seed")
    if option:
        arguments += ["--seed", str(Path(config.invocation_params.dir, option))]
    elif ini:
        arguments += ["--seed", str(config.rootpath / ini)]
    arguments += config.getini("atlas_sandbox_args")
    return arguments + shlex.split(config.getoption("atlas_sandbox_args"))


def _timeout(config: pytest.Config) -> float:
    option = config.getoption("atlas_sandbox_timeout")
    ini = config.getini("atlas_sandbox_timeout")
    try:
        return float(ini) if option is None else float(option)
    except ValueError:
        raise pytest.UsageError(f"invalid atlas_sandbox_timeout {ini!r}: expected seconds, such as 30") from None
