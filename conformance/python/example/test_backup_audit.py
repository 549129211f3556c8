"""The tests of the audit, against the sandbox: no account, no mocks of HTTP, no waiting."""

from datetime import datetime, timedelta, timezone

import pytest

from backup_audit import Atlas, AuditError, audit, drill, main

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
DAY = timedelta(hours=24)


def snapshot(hours_ago):
    finished = NOON - timedelta(hours=hours_ago)
    return {"bytes": 4096, "finished": finished.strftime("%Y-%m-%dT%H:%M:%SZ")}


WORLD = {
    "clock": "2026-05-04T12:00:00Z",
    "settings": {"downloadSeconds": 300},
    "projects": [
        {
            "clusters": [
                {"name": "Fine", "kind": "flex", "snapshots": [snapshot(30), snapshot(6)]},
                {"name": "Old", "kind": "flex", "snapshots": [snapshot(48)]},
                {"name": "Bare", "kind": "flex", "snapshots": []},
            ]
        }
    ],
}


@pytest.fixture
def sandbox(atlas_sandbox):
    """The world of these tests; its clock moves only if a test, or the audit's waiting, moves it."""
    atlas_sandbox.set_world(WORLD)
    atlas_sandbox.clock.stop()
    return atlas_sandbox


@pytest.fixture
def waits(sandbox):
    """How long the audit slept each time."""
    return []


@pytest.fixture
def atlas(sandbox, waits):
    """The API, whose waiting moves the sandbox's clock instead of taking time."""

    def sleep(seconds):
        waits.append(seconds)
        sandbox.clock.advance(seconds)

    return Atlas(sandbox.env, sleep)


def test_an_audit_names_what_is_old_or_missing(atlas):
    assert audit(atlas, NOON, DAY) == {
        "Fine": None,
        "Old": "newest snapshot is of 2026-05-02T12:00:00Z",
        "Bare": "no snapshot",
    }


def test_a_snapshot_gets_old(atlas, sandbox):
    assert audit(atlas, sandbox.clock.now(), DAY)["Fine"] is None
    sandbox.clock.advance(timedelta(hours=19))
    assert audit(Atlas(sandbox.env), sandbox.clock.now(), DAY)["Fine"] is not None


def test_an_audit_only_reads(atlas, sandbox):
    audit(atlas, NOON, DAY)
    sent = sandbox.requests(path="/api/atlas/v2")
    assert {seen["method"] for seen in sent} == {"GET"}
    snapshots = [seen["target"] for seen in sent if seen["operation"] == "listGroupFlexClusterBackupSnapshots"]
    assert len(snapshots) == 3


def test_a_503_is_retried_after_the_time_that_atlas_asks_for(atlas, sandbox, waits):
    unavailable = {"status": {"status": 503, "retryAfter": 7}}
    sandbox.faults([{"operation": "listGroupFlexClusters", "nth": [1, 2], "do": unavailable}])
    assert audit(atlas, NOON, DAY)["Fine"] is None
    assert waits == [7, 7]
    assert [seen["status"] for seen in sandbox.requests(operation="listGroupFlexClusters")] == [503, 503, 200]


def test_an_outage_that_lasts_ends_the_audit(atlas, sandbox, waits):
    sandbox.faults([{"operation": "listGroupFlexClusters", "do": {"status": {"status": 503}}}])
    with pytest.raises(AuditError, match="GET .*/flexClusters.*: 503"):
        audit(atlas, NOON, DAY)
    assert len(waits) == 3


def test_a_refusal_is_not_retried(sandbox):
    sandbox.faults([{"operation": "listGroupFlexClusters", "do": {"status": {"status": 403}}}])
    with pytest.raises(AuditError, match="403"):
        audit(Atlas(sandbox.env), NOON, DAY)
    assert len(sandbox.requests(operation="listGroupFlexClusters")) == 1


def test_a_drill_waits_for_the_restore_job(atlas, sandbox, waits):
    begin = sandbox.clock.now()
    assert drill(atlas, "Fine") > 0
    assert sandbox.clock.now() - begin == timedelta(minutes=5)
    assert waits == [30] * 10
    (job,) = sandbox.requests(method="POST", path="/api/atlas/v2")
    assert job["operation"] == "downloadGroupFlexClusterBackup"


def test_a_drill_asks_for_the_newest_snapshot(atlas, sandbox):
    drill(atlas, "Fine")
    fine = sandbox.world()["projects"][0]["clusters"][0]
    newest = max(fine["snapshots"], key=lambda each: each["finished"])
    (job,) = sandbox.requests(operation="downloadGroupFlexClusterBackup")
    assert job["body"] == {"snapshotId": newest["id"]}


def test_a_job_that_fails_is_reported(atlas, sandbox):
    sandbox.set_world({**WORLD, "settings": {"downloadSeconds": 300, "failingJobs": 1}})
    with pytest.raises(AuditError, match="the restore job of Fine is FAILED"):
        drill(Atlas(sandbox.env, atlas.sleep), "Fine")


def test_a_job_that_never_ends_is_given_up(sandbox, waits):
    with pytest.raises(AuditError, match="is (PENDING|RUNNING|IN_PROGRESS|QUEUED) after 2:00:00"):
        drill(Atlas(sandbox.env, waits.append), "Fine")  # the clock stands still


def test_a_file_that_breaks_off_is_reported(atlas, sandbox):
    sandbox.faults([{"path": "/sandbox-store/", "do": {"truncate": 200}}])
    with pytest.raises(AuditError, match="the file of Fine is broken"):
        drill(atlas, "Fine")


def test_the_command_line_says_what_is_wrong(sandbox, capsys):
    assert main(["--max-age", "1000000"], sandbox.env) == 1
    assert capsys.readouterr().out == "Fine: ok\nOld: ok\nBare: no snapshot\n"
    assert main([], {}) == 2
    assert capsys.readouterr().err == "error: set 'MONGODB_ATLAS_PROJECT_ID'\n"


def test_a_login_that_is_refused_is_reported(sandbox, capsys):
    env = {**sandbox.env, "MONGODB_ATLAS_CLIENT_SECRET": "wrong"}
    assert main([], env) == 2
    assert "POST /api/oauth/token: 401" in capsys.readouterr().err
