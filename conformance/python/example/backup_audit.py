"""Audits the backups of the Flex clusters of an Atlas project.

    backup_audit.py                  prints the age of the newest snapshot of each cluster
    backup_audit.py --drill Flex0    also downloads that cluster's newest snapshot, and checks the archive

The exit code is 0 if all is well, 1 if a backup is missing, too old or broken, and 2 if Atlas could not be asked. The
service account and the project come from MONGODB_ATLAS_CLIENT_ID, MONGODB_ATLAS_CLIENT_SECRET and
MONGODB_ATLAS_PROJECT_ID.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Iterator, Mapping

VERSION = "application/vnd.atlas.2024-11-13+json"
ATTEMPTS = 4
POLL_SECONDS = 30
DRILL_LIMIT = timedelta(hours=2)


class AuditError(Exception):
    """Atlas could not be asked, or did not do what it was asked."""


class Atlas:
    """The project's API, with a service account. Retries GET while Atlas is unavailable or limits the rate."""

    def __init__(self, env: Mapping[str, str], sleep: Callable[[float], None] = time.sleep) -> None:
        self.sleep = sleep
        self.base_url = env.get("MONGODB_ATLAS_OPS_MANAGER_URL", "https://cloud.mongodb.com").rstrip("/")
        self.project = env["MONGODB_ATLAS_PROJECT_ID"]
        self.token = self._log_in(env["MONGODB_ATLAS_CLIENT_ID"], env["MONGODB_ATLAS_CLIENT_SECRET"])

    def _log_in(self, client_id: str, secret: str) -> str:
        proof = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        request = urllib.request.Request(
            f"{self.base_url}/api/oauth/token",
            b"grant_type=client_credentials",
            {"Authorization": f"Basic {proof}", "Accept": "application/json"},
        )
        return str(self._send(request)["access_token"])

    def get(self, path: str) -> Any:
        return self._send(self._request("GET", path), attempts=ATTEMPTS)

    def post(self, path: str, body: Any) -> Any:
        return self._send(self._request("POST", path, json.dumps(body).encode()))

    def list(self, path: str) -> Iterator[Any]:
        """All results of a list, page by page."""
        page, seen = 1, 0
        while True:
            answer = self.get(f"{path}?itemsPerPage=100&pageNum={page}")
            yield from answer["results"]
            page, seen = page + 1, seen + len(answer["results"])
            if not answer["results"] or seen >= answer["totalCount"]:
                return

    def _request(self, method: str, path: str, body: bytes | None = None) -> urllib.request.Request:
        headers = {"Accept": VERSION, "Content-Type": VERSION, "Authorization": f"Bearer {self.token}"}
        url = f"{self.base_url}/api/atlas/v2/groups/{self.project}{path}"
        return urllib.request.Request(url, body, headers, method=method)

    def _send(self, request: urllib.request.Request, attempts: int = 1) -> Any:
        while True:
            attempts -= 1
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return json.load(response)
            except urllib.error.HTTPError as error:
                with error:
                    text = error.read().decode("utf-8", "replace")
                if error.code not in (429, 503) or attempts <= 0:
                    raise AuditError(f"{request.get_method()} {request.selector}: {error.code} {text}") from None
                self.sleep(int(error.headers.get("Retry-After") or 1))
            except OSError as error:
                raise AuditError(f"{request.get_method()} {request.selector}: {error}") from error


def backup_path(cluster: str) -> str:
    return f"/flexClusters/{urllib.parse.quote(cluster, safe='')}/backup"


def newest_snapshot(atlas: Atlas, cluster: str) -> Any:
    """The newest complete snapshot of a cluster, or None."""
    snapshots = atlas.list(f"{backup_path(cluster)}/snapshots")
    complete = [snapshot for snapshot in snapshots if snapshot["status"] == "COMPLETED"]
    return max(complete, key=lambda snapshot: moment(snapshot["finishTime"]), default=None)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def audit(atlas: Atlas, now: datetime, max_age: timedelta) -> dict[str, str | None]:
    """What is wrong with the backups of each cluster; None if nothing is."""
    problems: dict[str, str | None] = {}
    for cluster in atlas.list("/flexClusters"):
        name = cluster["name"]
        snapshot = newest_snapshot(atlas, name)
        if snapshot is None:
            problems[name] = "no snapshot"
        elif now - moment(snapshot["finishTime"]) > max_age:
            problems[name] = f"newest snapshot is of {snapshot['finishTime']}"
        else:
            problems[name] = None
    return problems


def drill(atlas: Atlas, cluster: str) -> int:
    """Downloads the newest snapshot of a cluster and returns how many files the archive has."""
    snapshot = newest_snapshot(atlas, cluster)
    if snapshot is None:
        raise AuditError(f"{cluster} has no snapshot to download")
    job = atlas.post(f"{backup_path(cluster)}/download", {"snapshotId": snapshot["id"]})
    waited = timedelta()
    while job["status"] != "COMPLETED":
        if job["status"] == "FAILED" or waited >= DRILL_LIMIT:
            raise AuditError(f"the restore job of {cluster} is {job['status']} after {waited}")
        atlas.sleep(POLL_SECONDS)
        waited += timedelta(seconds=POLL_SECONDS)
        job = atlas.get(f"{backup_path(cluster)}/restoreJobs/{job['id']}")
    try:
        with urllib.request.urlopen(job["snapshotUrl"], timeout=60) as file:
            with tarfile.open(fileobj=file, mode="r|gz") as archive:
                return sum(1 for member in archive if member.isfile())
    except (OSError, EOFError, tarfile.TarError) as error:
        raise AuditError(f"the file of {cluster} is broken: {error}") from error


def main(arguments: list[str], env: Mapping[str, str] = os.environ) -> int:
    parser = argparse.ArgumentParser(description="Audits the backups of the Flex clusters of an Atlas project.")
    parser.add_argument("--max-age", type=float, default=24, metavar="HOURS", help="24 by default")
    parser.add_argument("--drill", metavar="CLUSTER", help="download its newest snapshot and check the archive")
    options = parser.parse_args(arguments)
    try:
        atlas = Atlas(env)
        problems = audit(atlas, datetime.now(timezone.utc), timedelta(hours=options.max_age))
        for name, problem in problems.items():
            print(f"{name}: {problem or 'ok'}")
        if options.drill:
            print(f"{options.drill}: the archive has {drill(atlas, options.drill)} files")
    except KeyError as error:
        print(f"error: set {error}", file=sys.stderr)
        return 2
    except AuditError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return int(any(problems.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
