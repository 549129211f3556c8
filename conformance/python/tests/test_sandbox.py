"""What the fixture gives: world, faults, clock, requests."""

from __future__ import annotations

import socket
import threading
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from pytest_atlas_sandbox import AtlasSandbox, SandboxError

from conftest import Call

ORDERS = {"projects": [{"name": "Orders", "clusters": [{"name": "Main", "kind": "replicaSet"}]}]}


def test_the_default_world_has_a_cluster_of_each_kind(atlas_sandbox: AtlasSandbox, call: Call) -> None:
    assert atlas_sandbox.clusters == ["Cluster0", "Flex0", "Dedicated0", "Sharded0"]
    assert atlas_sandbox.env["MONGODB_ATLAS_OPS_MANAGER_URL"] == atlas_sandbox.url
    assert atlas_sandbox.env["MONGODB_ATLAS_PROJECT_ID"] == atlas_sandbox.project_id
    status, project = call("GET", f"/groups/{atlas_sandbox.project_id}")
    assert (status, project["orgId"]) == (200, atlas_sandbox.org_id)


def test_ids_and_clusters_follow_the_world(atlas_sandbox: AtlasSandbox, call: Call) -> None:
    at_first = atlas_sandbox.env
    atlas_sandbox.set_world(ORDERS)
    assert atlas_sandbox.clusters == ["Main"]
    assert atlas_sandbox.project_id != at_first["MONGODB_ATLAS_PROJECT_ID"]
    status, project = call("GET", f"/groups/{atlas_sandbox.project_id}")
    assert (status, project["name"]) == (200, "Orders")
    assert project["orgId"] == atlas_sandbox.env["MONGODB_ATLAS_ORG_ID"]
    atlas_sandbox.reset()
    assert atlas_sandbox.env == at_first


def test_a_shown_world_is_a_seed(atlas_sandbox: AtlasSandbox) -> None:
    atlas_sandbox.set_world(ORDERS)
    shown = atlas_sandbox.world()
    atlas_sandbox.set_world()
    assert atlas_sandbox.clusters != ["Main"]
    atlas_sandbox.set_world(shown)
    assert atlas_sandbox.world()["projects"] == shown["projects"]


def test_a_world_without_projects_has_no_project_id(atlas_sandbox: AtlasSandbox) -> None:
    atlas_sandbox.set_world({"projects": []})
    assert atlas_sandbox.clusters == []
    assert "MONGODB_ATLAS_PROJECT_ID" not in atlas_sandbox.env
    with pytest.raises(SandboxError, match="the world has no project"):
        _ = atlas_sandbox.project_id


def test_an_invalid_seed_is_refused_with_a_reason(atlas_sandbox: AtlasSandbox) -> None:
    with pytest.raises(SandboxError, match="PUT /sandbox/world: 400 .*kluster"):
        atlas_sandbox.set_world({"kluster": []})
    assert "Flex0" in atlas_sandbox.clusters


@pytest.mark.parametrize("seed", [[], "", 0, False, [ORDERS]])
def test_only_none_means_the_default_world(atlas_sandbox: AtlasSandbox, seed: Any) -> None:
    atlas_sandbox.set_world(ORDERS)
    with pytest.raises(TypeError, match="invalid seed .*: expected a dict such as .*, or None"):
        atlas_sandbox.set_world(seed)
    assert atlas_sandbox.clusters == ["Main"]
    atlas_sandbox.set_world(None)
    assert "Flex0" in atlas_sandbox.clusters


def test_the_reader_may_not_write(atlas_sandbox: AtlasSandbox, call: Call) -> None:
    token = atlas_sandbox.reader_env["MONGODB_ATLAS_ACCESS_TOKEN"]
    path = f"/groups/{atlas_sandbox.project_id}"
    assert call("GET", path, token=token)[0] == 200
    assert call("PATCH", path, {"name": "Renamed"}, token=token)[0] == 403
    assert call("PATCH", path, {"name": "Renamed"})[0] == 200


def test_a_fault_acts_where_it_says(atlas_sandbox: AtlasSandbox, call: Call) -> None:
    atlas_sandbox.faults([{"operation": "getGroup", "nth": [1], "do": {"status": {"status": 503}}}])
    path = f"/groups/{atlas_sandbox.project_id}"
    assert [call("GET", path)[0] for _ in range(2)] == [503, 200]
    (rule,) = atlas_sandbox.faults()
    assert (rule["matched"], rule["hits"]) == (2, 1)
    assert atlas_sandbox.faults([]) == []


def test_an_invalid_fault_plan_is_refused_with_a_reason(atlas_sandbox: AtlasSandbox) -> None:
    with pytest.raises(SandboxError, match="PUT /sandbox/faults: 400 .*getGruop"):
        atlas_sandbox.faults([{"operation": "getGruop", "do": "reset"}])


@pytest.mark.parametrize("plan", [{"do": "reset"}, {}, "", "reset", ["reset"], 1])
def test_a_fault_plan_is_a_list_of_rules(atlas_sandbox: AtlasSandbox, plan: Any) -> None:
    atlas_sandbox.faults([{"do": "reset"}])
    with pytest.raises(TypeError, match="invalid fault plan .*: expected a list of rules, such as"):
        atlas_sandbox.faults(plan)
    assert len(atlas_sandbox.faults()) == 1
    assert len(atlas_sandbox.faults({"operation": name, "do": "reset"} for name in ("getGroup", "getOrg"))) == 2


def test_the_clock_is_set_advanced_and_stopped(atlas_sandbox: AtlasSandbox) -> None:
    clock = atlas_sandbox.clock
    clock.stop()
    clock.set("2026-05-04T09:42:00Z")
    begin = datetime(2026, 5, 4, 9, 42, tzinfo=timezone.utc)
    assert clock.now() == begin == clock.now()
    clock.advance(timedelta(minutes=5))
    clock.advance(60)
    assert clock.now() == begin + timedelta(minutes=6)
    clock.set(begin.astimezone(timezone(timedelta(hours=2))))
    assert clock.now() == begin
    clock.resume()
    assert begin < clock.now() < begin + timedelta(minutes=5)


def test_times_that_cannot_be_set_are_refused(atlas_sandbox: AtlasSandbox) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        atlas_sandbox.clock.set(datetime(2026, 5, 4))
    with pytest.raises(ValueError, match="whole seconds"):
        atlas_sandbox.clock.advance(0.5)
    for number in ("inf", "-inf", "nan"):
        with pytest.raises(ValueError, match=f"invalid duration {number}: expected whole seconds"):
            atlas_sandbox.clock.advance(float(number))
    for duration in ("60", None, True, [60]):
        wrong_duration: Any = duration
        with pytest.raises(TypeError, match="invalid duration .*: expected a timedelta or a number of seconds"):
            atlas_sandbox.clock.advance(wrong_duration)
    for time in (date(2026, 5, 4), 1777887720, None):
        wrong_time: Any = time
        with pytest.raises(TypeError, match="invalid time .*: expected a datetime with a time zone, or a text such as"):
            atlas_sandbox.clock.set(wrong_time)
    with pytest.raises(SandboxError, match="PUT /sandbox/clock: 400 .*yesterday"):
        atlas_sandbox.clock.set("yesterday")


def test_requests_are_seen_and_chosen(atlas_sandbox: AtlasSandbox, call: Call) -> None:
    assert atlas_sandbox.requests() == []
    path = f"/groups/{atlas_sandbox.project_id}"
    call("GET", path)
    call("GET", "/groups/000000000000000000000000")
    call("PATCH", path, {"name": "Renamed", "nmae": 1})
    assert [seen["status"] for seen in atlas_sandbox.requests()] == [200, 404, 200]
    assert len(atlas_sandbox.requests(operation="getGroup")) == 2
    (renamed,) = atlas_sandbox.requests(method="PATCH")
    assert (renamed["body"]["name"], renamed["ignoredFields"]) == ("Renamed", ["nmae"])
    assert renamed["headers"]["authorization"] == "Bearer (redacted)"
    (missing,) = atlas_sandbox.requests(status=404)
    assert [seen["method"] for seen in atlas_sandbox.requests(since=missing["number"])] == ["PATCH"]
    assert atlas_sandbox.requests(limit=1) == [renamed]
    assert atlas_sandbox.requests(path="/api/atlas/v2/orgs") == []


def test_proxies_of_the_environment_are_not_asked(
    atlas_sandbox: AtlasSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert atlas_sandbox.clock.now()


@pytest.mark.parametrize(
    "answer, reason",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", "IncompleteRead"),
        (b"HTTP/1.1 500 Broken\r\nContent-Length: 9\r\n\r\n{", "IncompleteRead"),
        (b"what\r\n", "what"),
        (b"", "closed connection without response"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "the response is not JSON"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe", "the response is not JSON"),
    ],
)
def test_a_broken_response_is_a_sandbox_error(
    atlas_sandbox: AtlasSandbox, monkeypatch: pytest.MonkeyPatch, answer: bytes, reason: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setattr(atlas_sandbox._process, "_address", f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(SandboxError, match=f"GET /sandbox/clock: .*{reason}"):
            atlas_sandbox.clock.now()
        thread.join()
