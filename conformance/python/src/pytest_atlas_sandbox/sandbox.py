"""The object behind the fixture ``atlas_sandbox``."""

from __future__ import annotations

import http.client
import json
import math
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterable, List, Mapping, Optional, TypedDict

from .errors import SandboxError
from .process import SandboxProcess

#: How long a control request may take, in seconds.
_TIMEOUT = 60
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


class SeenRequest(TypedDict):
    """A request that the sandbox answered. Secrets in it are ``(redacted)``."""

    number: int
    at: str
    method: str
    #: Path and query.
    target: str
    #: The operationId, or None if the path is not one of the API.
    operation: Optional[str]
    #: Names in lower case.
    headers: Dict[str, str]
    #: JSON as it is, a form as a dict, another body as a text, or None.
    body: Any
    bodyBytes: Optional[int]
    #: None if a fault or the client ended the request without an answer.
    status: Optional[int]
    #: The rule (from 1) and the fault that decided, or None.
    fault: Optional[Dict[str, Any]]
    #: Fields of the body that the operation does not have.
    ignoredFields: List[str]


class Clock:
    """The clock of a sandbox. Jobs, links, tokens, rate limits and states of clusters follow it."""

    def __init__(self, sandbox: AtlasSandbox) -> None:
        self._sandbox = sandbox

    def now(self) -> datetime:
        """Return the time of the sandbox, in UTC."""
        return _parse(self._sandbox.control("GET", "/sandbox/clock")["now"])

    def set(self, time: datetime | str) -> None:
        """Set the clock, also back, to a time with a time zone or a text such as ``2026-05-04T09:42:00Z``."""
        if not isinstance(time, (datetime, str)):
            raise TypeError(
                f"invalid time {time!r}: expected a datetime with a time zone, or a text such as '2026-05-04T09:42:00Z'"
            )
        if isinstance(time, datetime):
            if time.tzinfo is None:
                raise ValueError(f"{time} has no time zone: use datetime(..., tzinfo=timezone.utc)")
            time = time.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"
        self._sandbox.control("PUT", "/sandbox/clock", {"now": time})

    def advance(self, duration: timedelta | int | float) -> None:
        """Move the clock forward by a duration of whole seconds."""
        if isinstance(duration, bool) or not isinstance(duration, (timedelta, int, float)):
            raise TypeError(f"invalid duration {duration!r}: expected a timedelta or a number of seconds")
        seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
        if not math.isfinite(seconds) or seconds != int(seconds):
            raise ValueError(f"invalid duration {duration!r}: expected whole seconds")
        self._sandbox.control("POST", "/sandbox/clock", {"advanceSeconds": int(seconds)})

    def stop(self) -> None:
        """Stop the clock: time passes only by :meth:`set` and :meth:`advance`."""
        self._sandbox.control("PUT", "/sandbox/clock", {"stopped": True})

    def resume(self) -> None:
        """Let a stopped clock run again."""
        self._sandbox.control("PUT", "/sandbox/clock", {"stopped": False})


class AtlasSandbox:
    """A running sandbox and its controls.

    A control request that is refused raises :class:`SandboxError` with the reason, and changes nothing.
    """

    def __init__(self, process: SandboxProcess) -> None:
        self._process = process
        self._ids: dict[str, str] | None = None
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        authority = process.env.get("SSL_CERT_FILE")
        if authority is not None:
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority)))
        self._opener = urllib.request.build_opener(*handlers)
        #: The clock of the sandbox.
        self.clock = Clock(self)

    @property
    def url(self) -> str:
        """The base URL for clients, without a slash at the end."""
        return self._process.env["MONGODB_ATLAS_OPS_MANAGER_URL"]

    @property
    def env(self) -> dict[str, str]:
        """The variables of MongoDB's tools for this sandbox.

        ``MONGODB_ATLAS_OPS_MANAGER_URL``, ``MONGODB_ATLAS_PROJECT_ID`` and ``MONGODB_ATLAS_ORG_ID`` (those of the
        first project and organization), and three logins with all roles: ``MONGODB_ATLAS_PUBLIC_API_KEY`` and
        ``MONGODB_ATLAS_PRIVATE_API_KEY``, ``MONGODB_ATLAS_CLIENT_ID`` and ``MONGODB_ATLAS_CLIENT_SECRET``, and
        ``MONGODB_ATLAS_ACCESS_TOKEN``. With ``--tls``, also what to trust, such as ``SSL_CERT_FILE``.
        """
        env = dict(self._process.env)
        if self._ids is not None:
            for name in _IDS:
                env.pop(name, None)
            env.update(self._ids)
        return env

    @property
    def reader_env(self) -> dict[str, str]:
        """:attr:`env` with the logins that may only read."""
        return {**self.env, **self._process.reader_env}

    @property
    def project_id(self) -> str:
        """The id of the first project."""
        return self._id("MONGODB_ATLAS_PROJECT_ID")

    @property
    def org_id(self) -> str:
        """The id of the first organization."""
        return self._id("MONGODB_ATLAS_ORG_ID")

    @property
    def clusters(self) -> list[str]:
        """The names of the clusters of the first project, as they are now.

        In the default world: ``Cluster0`` (shared tier), ``Flex0``, ``Dedicated0`` (a replica set) and
        ``Sharded0``.
        """
        projects = self.world().get("projects") or [{}]
        clusters = projects[0].get("clusters", [])
        return [cluster["name"] for cluster in clusters if not cluster.get("deleted")]

    def world(self) -> dict[str, Any]:
        """Return the world as a seed, with counters and the status of jobs."""
        world: dict[str, Any] = self.control("GET", "/sandbox/world")
        return world

    def set_world(self, seed: Mapping[str, Any] | None = None) -> None:
        """Replace the world by that of a seed, or by the default world if it is None.

        Access tokens, nonces and links end. Faults, clock (unless the seed has one) and requests stay.
        """
        if seed is not None and not isinstance(seed, Mapping):
            raise TypeError(f"invalid seed {seed!r}: expected a dict such as {{'projects': []}}, or None")
        self.control("PUT", "/sandbox/world", None if seed is None else dict(seed))
        world = self.world()
        self._ids = {
            name: parents[0]["id"]
            for name, parents in zip(_IDS, (world.get("projects"), world.get("organizations")))
            if parents
        }

    def faults(self, plan: Iterable[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
        """Replace the fault plan if one is given; return its rules, each with ``matched`` and ``hits``.

        The first rule that matches a request decides. An empty plan ends all faults.
        """
        if plan is not None:
            self.control("PUT", "/sandbox/faults", _rules(plan))
        rules: list[dict[str, Any]] = self.control("GET", "/sandbox/faults")
        return rules

    def requests(
        self,
        *,
        operation: str | None = None,
        method: str | None = None,
        status: int | str | None = None,
        path: str | None = None,
        since: int | None = None,
        limit: int | None = None,
    ) -> list[SeenRequest]:
        """Return the requests since the test began, the oldest first, without control requests.

        ``operation`` is an operationId, ``status`` a number or ``"none"``, ``path`` how the path begins, ``since``
        the number of the last request that is left out, ``limit`` how many of the newest are returned. The sandbox
        keeps the last 1,000.
        """
        filters = {
            "operation": operation,
            "method": method,
            "status": status,
            "path": path,
            "since": since,
            "limit": limit,
        }
        query = urllib.parse.urlencode({name: value for name, value in filters.items() if value is not None})
        seen: list[SeenRequest] = self.control("GET", "/sandbox/requests" + (query and f"?{query}"))["requests"]
        return seen

    def reset(self) -> None:
        """Go back to the start: world, faults, clock and an empty list of requests."""
        self.control("POST", "/sandbox/reset")
        self._ids = None

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Send a control request, one to ``/sandbox/...``, and return its answer."""
        return self._control(method, path, body, _TIMEOUT)

    def _control(self, method: str, path: str, body: Any, timeout: float) -> Any:
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        token = self._process.env.get("ATLAS_SANDBOX_CONTROL_TOKEN")
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self._process.address + path, data, headers, method=method)
        try:
            status, text = self._send(request, timeout)
        except (OSError, http.client.HTTPException) as error:
            reason = self._process.failure() or str(error) or type(error).__name__
            raise SandboxError(f"{method} {path}: {reason}") from error
        if status >= 400:
            raise SandboxError(f"{method} {path}: {status} {_reason(text)}")
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise SandboxError(f"{method} {path}: the response is not JSON: {text[:1000]!r}") from error

    def _send(self, request: urllib.request.Request, timeout: float) -> tuple[int, bytes]:
        """Return status and body, also of an error."""
        try:
            with self._opener.open(request, timeout=timeout) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def _last_requests(self, limit: int, timeout: float) -> list[SeenRequest]:
        """Return the newest requests, for a report: with a time limit of its own."""
        seen: list[SeenRequest] = self._control("GET", f"/sandbox/requests?limit={limit}", None, timeout)["requests"]
        return seen

    def _id(self, name: str) -> str:
        try:
            return self.env[name]
        except KeyError:
            raise SandboxError(f"the world has no {name[len('MONGODB_ATLAS_'):-len('_ID')].lower()}") from None


_IDS = ("MONGODB_ATLAS_PROJECT_ID", "MONGODB_ATLAS_ORG_ID")


def _rules(plan: Any) -> list[Any]:
    """The rules of a plan. A single rule is refused: a dict is iterable, too."""
    rules = list(plan) if isinstance(plan, Iterable) and not isinstance(plan, (Mapping, str, bytes)) else None
    if rules is None or not all(isinstance(rule, Mapping) for rule in rules):
        raise TypeError(f"invalid fault plan {plan!r}: expected a list of rules, such as [{{'do': 'reset'}}]")
    return [dict(rule) for rule in rules]


def _reason(body: bytes) -> str:
    """What an error body says."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "backslashreplace")[:1000]


def _parse(text: str) -> datetime:
    """Read a time of the sandbox; ``datetime.fromisoformat`` of Python 3.10 knows no ``Z``."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise SandboxError(f"invalid timestamp {text!r} from the sandbox")
    time = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc)
    return time + timedelta(microseconds=int((match[2] or "0").ljust(6, "0")[:6]))
