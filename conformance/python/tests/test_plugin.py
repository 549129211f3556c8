"""How the plugin starts, resets and ends the sandbox, and what it says when it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_atlas_sandbox import AtlasSandbox
from pytest_atlas_sandbox.program import find_program

USES_IT = "def test_it(atlas_sandbox): assert atlas_sandbox.clusters"


def script(folder: Path, name: str, text: str) -> Path:
    """Writes an executable shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def ends(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_test_does_not_see_what_another_one_did(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("turn", range(2))
        def test_begins_anew(atlas_sandbox, turn):
            assert "Flex0" in atlas_sandbox.clusters
            assert atlas_sandbox.faults() == atlas_sandbox.requests() == []
            assert atlas_sandbox.clock.now().year < 2100
            atlas_sandbox.set_world({"projects": []})
            atlas_sandbox.faults([{"do": "reset"}])
            atlas_sandbox.clock.set("2150-01-01T00:00:00Z")

        def test_one_server_serves_all(atlas_sandbox, atlas_sandbox_server):
            assert atlas_sandbox is atlas_sandbox_server
        """
    )
    pytester.runpytest().assert_outcomes(passed=3)


def test_a_failed_test_shows_its_requests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import urllib.error, urllib.request

        def test_fails(atlas_sandbox):
            atlas_sandbox.faults([{"do": {"status": {"status": 502}}}])
            try:
                urllib.request.urlopen(atlas_sandbox.url + "/api/atlas/v2/groups")
            except urllib.error.HTTPError as error:
                assert error.code == 200
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*Atlas sandbox: last requests*", "1 GET /api/atlas/v2/groups -> 502 (fault rule 1)"]
    )


def test_errors_of_setup_and_teardown_show_the_requests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import urllib.request

        import pytest

        def ask(sandbox, path):
            token = sandbox.env["MONGODB_ATLAS_ACCESS_TOKEN"]
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.atlas.2024-11-13+json"}
            urllib.request.urlopen(urllib.request.Request(sandbox.url + path, headers=headers)).close()

        @pytest.fixture
        def fails_before(atlas_sandbox):
            ask(atlas_sandbox, "/api/atlas/v2/groups?pageNum=1")
            assert False

        @pytest.fixture
        def fails_after(atlas_sandbox):
            yield
            ask(atlas_sandbox, "/api/atlas/v2/groups?pageNum=3")
            assert False

        def test_setup(fails_before): pass

        def test_call(request):
            ask(request.getfixturevalue("atlas_sandbox"), "/api/atlas/v2/groups?pageNum=2")
            assert False

        @pytest.mark.parametrize("turn", [1, 2])
        def test_teardown(fails_after, turn): pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=2, failed=1, errors=3)
    shown = [line.partition(" ")[2] for line in result.outlines if line.endswith(" -> 200")]
    assert shown == [f"GET /api/atlas/v2/groups?pageNum={page} -> 200" for page in (1, 3, 3, 2)]


def test_a_report_does_not_wait_for_a_stopped_sandbox(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, signal

        def test_stops(atlas_sandbox):
            os.kill(atlas_sandbox._process._process.pid, signal.SIGSTOP)
            assert False
        """
    )
    begin = time.monotonic()
    result = pytester.runpytest()
    assert time.monotonic() - begin < 30
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Atlas sandbox: last requests*", "GET /sandbox/requests?limit=20: *timed out*"])


@pytest.mark.parametrize("answer", ["IncompleteRead(b'{')", "BadStatusLine('?')", "ValueError('?')", "'no'", "'[]'"])
def test_a_report_never_ends_the_session(pytester: pytest.Pytester, answer: str) -> None:
    pytester.makepyfile(
        f"""
        import io
        from http.client import BadStatusLine, IncompleteRead

        class Response(io.BytesIO):
            status = 200

        class Opener:
            def open(self, request, timeout):
                answer = {answer}
                if isinstance(answer, Exception):
                    raise answer
                return Response(answer.encode())

        def test_fails(atlas_sandbox):
            atlas_sandbox._opener = Opener()
            assert False

        def test_goes_on(): pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*Atlas sandbox: last requests*"])


def test_each_worker_has_a_sandbox_of_its_own(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile(
        """
        import pathlib, time

        def test_url(atlas_sandbox, worker_id):
            pathlib.Path(f"url-{worker_id}").write_text(atlas_sandbox.url)
            deadline = time.monotonic() + 30
            while len(list(pathlib.Path().glob("url-*"))) < 2:  # both run at the same time
                assert time.monotonic() < deadline
                time.sleep(0.05)
        """
    )
    pytester.runpytest_subprocess("-n2", "--dist=each").assert_outcomes(passed=2)
    urls = {path.read_text() for path in pytester.path.glob("url-*")}
    assert len(urls) == 2


def test_a_seed_and_arguments_come_from_the_ini_file(pytester: pytest.Pytester) -> None:
    pytester.makeini(
        """
        [pytest]
        atlas_sandbox_seed = worlds/small.json
        atlas_sandbox_args = --min-fidelity recorded --clock "2026-05-04T09:42:00Z"
        """
    )
    worlds = pytester.mkdir("worlds")
    (worlds / "small.json").write_text('{"projects": [{"clusters": [{"name": "Small", "kind": "flex"}]}]}')
    pytester.makepyfile(
        """
        def test_it(atlas_sandbox):
            assert atlas_sandbox.clusters == ["Small"]
            assert str(atlas_sandbox.clock.now()).startswith("2026-05-04 09:42")
            atlas_sandbox.set_world()
            atlas_sandbox.reset()
            assert atlas_sandbox.clusters == ["Small"]
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)


def test_options_beat_the_ini_file(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\natlas_sandbox_seed = missing.json\natlas_toolkit = ./missing")
    seed = pytester.makefile(".json", seed='{"projects": []}')
    pytester.makepyfile("def test_it(atlas_sandbox): assert atlas_sandbox.clusters == []")
    program = os.environ.get("ATLAS_TOOLKIT") or find_program()
    options = [f"--atlas-toolkit={program}", f"--atlas-sandbox-seed={seed.name}"]
    pytester.runpytest(*options).assert_outcomes(passed=1)


def test_the_controls_speak_tls(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(atlas_sandbox):
            assert atlas_sandbox.url.startswith("https://")
            assert atlas_sandbox.clusters
        """
    )
    pytester.runpytest("--atlas-sandbox-args=--tls").assert_outcomes(passed=1)


def test_the_controls_work_beyond_loopback_and_behind_a_public_url(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(atlas_sandbox):
            assert atlas_sandbox.url == "https://atlas.test"
            assert atlas_sandbox.clusters
        """
    )
    arguments = "--atlas-sandbox-args=--bind 0.0.0.0 --public-url https://atlas.test"
    pytester.runpytest(arguments).assert_outcomes(passed=1)


def test_a_missing_program_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_IT)
    result = pytester.runpytest("--atlas-toolkit=/nowhere/atlas-toolkit")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["cannot start the Atlas sandbox: /nowhere/atlas-toolkit is missing or not executable*"])


def test_without_the_wheel_the_error_says_what_to_install(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_atlas_sandbox.program._of_wheel", lambda: None)
    monkeypatch.setenv("PATH", str(pytester.path))
    monkeypatch.delenv("ATLAS_TOOLKIT", raising=False)
    script(pytester.path, "atlas", "echo 'atlascli version: 1.50.0'")  # not looked for
    pytester.makepyfile(USES_IT)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*atlas-toolkit was not found: see Install in the README of *"])


@pytest.mark.parametrize("setting", ["option", "variable", "ini"])
def test_the_program_that_was_checked_is_started(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    program = find_program(os.environ.get("ATLAS_TOOLKIT"))
    script(pytester.path, "atlas", f'exec {program} "$@"')
    other = pytester.mkdir("other")
    script(other, "atlas", "echo 'another program' >&2; exit 9")
    monkeypatch.setenv("PATH", str(other), prepend=os.pathsep)
    monkeypatch.delenv("ATLAS_TOOLKIT", raising=False)
    options = []
    if setting == "option":
        options = ["--atlas-toolkit=./atlas"]
    elif setting == "variable":
        monkeypatch.setenv("ATLAS_TOOLKIT", "./atlas")
    else:
        pytester.makeini("[pytest]\natlas_toolkit = ./atlas")
    pytester.makepyfile(USES_IT)
    pytester.runpytest(*options).assert_outcomes(passed=1)


def test_paths_are_relative_to_the_folder_in_which_pytest_was_started(pytester: pytest.Pytester) -> None:
    script(pytester.path, "atlas", f'exec {find_program(os.environ.get("ATLAS_TOOLKIT"))} "$@"')
    (pytester.path / "faults.json").write_text('[{"do": "reset"}]')
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def elsewhere(tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)

        def test_it(elsewhere, atlas_sandbox):
            assert len(atlas_sandbox.faults()) == 1
        """
    )
    options = ["--atlas-toolkit=./atlas", "--atlas-sandbox-args=--faults faults.json"]
    pytester.runpytest(*options).assert_outcomes(passed=1)


def test_the_command_of_mongodb_is_refused(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    official = script(pytester.path, "atlas", "echo 'atlascli version: 1.50.0'; echo 'git version: 0'")
    monkeypatch.setenv("ATLAS_TOOLKIT", str(official))
    pytester.makepyfile(USES_IT)
    result = pytester.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{official} is MongoDB's Atlas CLI, not atlas-toolkit*"])


def test_a_program_that_ends_is_shown_with_its_stderr(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_IT)
    result = pytester.runpytest("--atlas-sandbox-args=--port 1000000")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "cannot start the Atlas sandbox: the sandbox ended with exit code *",
            "command: *sandbox*--port 1000000",
            "stderr: *invalid value*1000000*",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling of the above exception*")


def test_a_program_that_is_never_ready_is_killed(pytester: pytest.Pytester) -> None:
    text = """
        case $1 in --version) echo atlas-rs 0.2.0; exit;; esac
        trap '' TERM
        sleep 1000 &
        echo $! $$ >pids; echo waiting for nothing >&2
        while :; do sleep 1; done
    """
    program = script(pytester.path, "slow", text)
    pytester.makepyfile(USES_IT)
    result = pytester.runpytest(f"--atlas-toolkit={program}", "--atlas-sandbox-timeout=0.5")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*timed out after 0.5 s waiting for the sandbox", "stderr: waiting for nothing"])
    for pid in (pytester.path / "pids").read_text().split():
        assert ends(int(pid))


def test_a_program_that_ends_takes_its_children_along(pytester: pytest.Pytester) -> None:
    text = """
        case $1 in --version) echo atlas-rs 0.2.0; exit;; esac
        trap '' TERM
        sleep 100 &
        echo $! >pid; echo no more >&2
        exit 3
    """
    program = script(pytester.path, "short", text)
    pytester.makepyfile(USES_IT)
    begin = time.monotonic()
    result = pytester.runpytest(f"--atlas-toolkit={program}", "--atlas-sandbox-timeout=20")
    assert time.monotonic() - begin < 10
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*: the sandbox ended with exit code 3", "stderr: no more"])
    assert ends(int((pytester.path / "pid").read_text()))


def test_a_child_that_ignores_the_end_is_killed(pytester: pytest.Pytester) -> None:
    text = f"""
        case $1 in --version) echo atlas-rs 0.2.0; exit;; esac
        (trap '' TERM; exec sleep 100) &
        echo $! >pid
        exec {find_program(os.environ.get("ATLAS_TOOLKIT"))} "$@"
    """
    program = script(pytester.path, "wrapper", text)
    pytester.makepyfile(USES_IT)
    pytester.runpytest(f"--atlas-toolkit={program}").assert_outcomes(passed=1)
    assert ends(int((pytester.path / "pid").read_text()))


def test_a_sandbox_that_dies_between_tests_is_reported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_kills(atlas_sandbox):
            process = atlas_sandbox._process._process
            process.kill()
            process.wait()

        def test_after(atlas_sandbox): pass
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["cannot reset the Atlas sandbox: *the sandbox was killed by signal 9"])


def test_nothing_runs_after_the_session(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pathlib

        def test_it(atlas_sandbox):
            pathlib.Path("pid").write_text(str(atlas_sandbox._process._process.pid))
        """
    )
    pytester.runpytest().assert_outcomes(passed=1)
    assert not is_running(int((pytester.path / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_runs_after_a_signal(pytester: pytest.Pytester, number: signal.Signals) -> None:
    pytester.makepyfile(
        """
        import pathlib, time

        def test_it(atlas_sandbox):
            pathlib.Path("new").write_text(str(atlas_sandbox._process._process.pid))
            pathlib.Path("new").rename("pid")
            time.sleep(60)
        """
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    run = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell that starts these tests in the background lets them ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    pid = pytester.path / "pid"
    deadline = time.monotonic() + 60
    while not pid.exists():
        assert run.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    sandbox = int(pid.read_text())
    assert is_running(sandbox)
    os.killpg(run.pid, number)  # as a terminal does
    run.wait(30)
    assert ends(sandbox)


@pytest.mark.parametrize("text", ["soon", "", "inf", "nan", "-1", "0"])
@pytest.mark.parametrize("setting", ["atlas_sandbox_timeout", "--atlas-sandbox-timeout"])
def test_a_wrong_time_limit_is_a_usage_error(pytester: pytest.Pytester, setting: str, text: str) -> None:
    options = [f"{setting}={text}"] if setting.startswith("-") else []
    if not options:
        pytester.makeini(f"[pytest]\n{setting} = {text}")
    is_a_usage_error(pytester, options, f"ERROR: invalid {setting} '{text}': expected seconds above 0, such as 30")


def test_an_unbalanced_quote_is_a_usage_error(pytester: pytest.Pytester) -> None:
    arguments = "--control-token 'secret-of-mine"
    message = "ERROR: invalid {}: expected arguments with balanced quotes, or a list of strings"
    is_a_usage_error(pytester, [f"--atlas-sandbox-args={arguments}"], message.format("--atlas-sandbox-args"))
    pytester.makeini(f"[pytest]\natlas_sandbox_args = {arguments}")
    is_a_usage_error(pytester, [], message.format("atlas_sandbox_args"))


@pytest.mark.parametrize("arguments", ["--control-token=secret-of-mine", "--control-token secret-of-mine"])
def test_a_control_token_is_refused_and_not_shown(pytester: pytest.Pytester, arguments: str) -> None:
    message = "ERROR: invalid atlas_sandbox_args: --control-token is not supported; remove it, *"
    is_a_usage_error(pytester, [f"--atlas-sandbox-args={arguments}"], message)
    pytester.makeini(f"[pytest]\natlas_sandbox_args = {arguments}")
    is_a_usage_error(pytester, [], message)


def is_a_usage_error(pytester: pytest.Pytester, options: list[str], message: str) -> None:
    pytester.makepyfile("def test_of_something_else(): pass")
    result = pytester.runpytest(*options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    for output in (result.stdout, result.stderr):
        output.no_fnmatch_line("*Traceback*")
        output.no_fnmatch_line("*secret-of-mine*")


def test_arguments_that_the_plugin_passes_itself_may_be_given(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\natlas_sandbox_args = --quiet --until-stdin-ends")
    pytester.makepyfile(USES_IT)
    pytester.runpytest("--atlas-sandbox-args=-q --quiet").assert_outcomes(passed=1)


def test_the_fixture_is_typed(atlas_sandbox: AtlasSandbox) -> None:
    import pytest_atlas_sandbox

    assert (Path(pytest_atlas_sandbox.__file__).parent / "py.typed").exists()
