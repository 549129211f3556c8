"""Calls each GET of pyatlassdk against a server, whose responses the SDK's typed models must accept.

    pyatlassdk_gets.py URL [digest|oauth]

Resources in a path are created first, by plain requests with the examples of `fixtures/examples`, or found in a
list; `pyatlassdk.json` in the same folder has the details that do not follow from the path. Prints one JSON object:

    passed    the operations whose response was read
    failed    operations with the error, including rows of `known` with another error
    known     operations that fail as listed in `pyatlassdk.json`, with the reason
    lacking   GETs of the catalog without a method in the SDK
"""

import glob
import inspect
import json
import re
import sys
import typing
from pathlib import Path
from urllib.parse import quote

import httpx
from pyatlassdk import AtlasAdminClient, AtlasApiError
from pydantic import TypeAdapter, ValidationError

BASE = "/api/atlas/v2"
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TABLE = json.loads(Path(__file__).with_suffix("").with_name("pyatlassdk.json").read_text())
WORLD = json.loads((FIXTURES / "world.json").read_text())
FACTS = json.loads((FIXTURES / "api/facts.json").read_text())
OPERATIONS = {it["id"]: it for it in FACTS["operations"]}
BY_ROUTE = {(it["method"], it["path"].removeprefix(BASE)): it for it in OPERATIONS.values()}
EXAMPLES = {}
for file in glob.glob(str(FIXTURES / "examples/*.json")):
    EXAMPLES.update(json.loads(Path(file).read_text()))


class Missing(Exception):
    """A path parameter has no value."""


class Recorder:
    """Replaces the client, to record the request of a method."""

    def request(self, **asked):
        self.asked = asked


def plain(name):
    return name.replace("_", "").lower()


def sdk_gets(client):
    """Yields the SDK's methods that send a GET, with the operation's name in the facts."""
    known = {plain(it): it for it in OPERATIONS}
    for group in vars(client).values():
        if not type(group).__module__.startswith("pyatlassdk.admin.resources."):
            continue
        for name, method in inspect.getmembers(group, inspect.ismethod):
            if name.startswith("_"):
                continue
            required = [
                it.name for it in inspect.signature(method).parameters.values() if it.default is it.empty
            ]
            recorder = Recorder()
            getattr(type(group)(recorder), name)(**{it: "{%s}" % it for it in required})
            if recorder.asked["method"] == "GET":
                yield known.get(plain(name), name), method, required


class Server:
    """Plain requests, and the values of path parameters."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=url + BASE, timeout=30)
        self.http.headers["Authorization"] = "Bearer " + WORLD["owner.token"]
        self.taken = {}
        self.answers = {}

    def parameters(self, operation):
        """Returns the values of an operation's path parameters by their names in the facts."""
        path = operation["path"].removeprefix(BASE)
        own = TABLE["operations"].get(operation["id"], {}).get("path", {})
        values = {}
        for found in re.finditer(r"\{(\w+)\}", path):
            name, key = found[1], path[: found.end()]
            values[name] = filled(own[name]) if name in own else self.value(key, name)
        return values

    def value(self, key, name):
        if key not in self.taken:
            # A missing value is looked up only once.
            self.taken[key] = Missing("%s depends on itself" % key)
            try:
                self.taken[key] = self.found(key, name)
            except Missing as reason:
                self.taken[key] = reason
        if isinstance(self.taken[key], Missing):
            raise self.taken[key]
        return self.taken[key]

    def found(self, key, name):
        row = TABLE["values"].get(key, TABLE["values"].get(name, {}))
        if "after" in row:
            self.reference(row["after"])
        if "value" in row and "call" not in row:
            return self.resolved(row["value"])
        parent = key.rsplit("/", 1)[0]
        if "call" in row:
            operation = OPERATIONS[row["call"]]
        else:
            operation = BY_ROUTE.get(("POST", parent)) or BY_ROUTE.get(("GET", parent))
            if operation is None:
                raise Missing("%s is neither created nor listed" % key)
        if "value" in row:
            self.taken[key] = self.resolved(row["value"])
        answer = self.call(operation, row)
        self.answers[key] = answer
        if "value" in row:
            return self.taken[key]
        return str(at(answer, row["take"]) if "take" in row else guessed(answer, name))

    def reference(self, key):
        """Returns the value of a key, or a field of the response that created it."""
        key, dot, field = key.partition("}.")
        if dot:
            key += "}"
        value = self.value(key, re.findall(r"\{(\w+)\}", key)[-1])
        return at(self.answers[key], field) if dot else value

    def resolved(self, value):
        """Returns a value of the table, with its references resolved."""
        if isinstance(value, list):
            return [self.resolved(it) for it in value]
        if isinstance(value, dict):
            return {name: self.resolved(it) for name, it in value.items()}
        if isinstance(value, str) and value.startswith("@/"):
            return self.reference(value[1:])
        return filled(value)

    def call(self, operation, row=None):
        """Returns the response body of a plain request of an operation."""
        row = row or {}
        example = EXAMPLES[operation["id"]]
        values = {name: filled(it) for name, it in row.get("with", {}).items()}
        path = operation["path"].removeprefix(BASE)
        for found in re.finditer(r"\{(\w+)\}", path):
            values.setdefault(found[1], None)
            if values[found[1]] is None:
                values[found[1]] = self.value(path[: found.end()], found[1])
        target = re.sub(r"\{(\w+)\}", lambda it: quote(values[it[1]], safe=""), path)
        query = {}
        for it in operation["parameters"]:
            it = FACTS["parameters"].get(it.get("$ref"), it)
            if it["in"] == "query" and it.get("required"):
                query[it["name"]] = TABLE["query"][it["name"]]
        body = None
        if operation["method"] != "GET":
            body = self.resolved(row["body"] if "body" in row else example.get("request"))
            if "change" in row:
                body = {**body, **self.resolved(row["change"])}
        media_type = "application/vnd.atlas.%s+json" % example["version"]
        answer = self.http.request(
            operation["method"], target, params=query, json=body,
            headers={"Accept": media_type, **({"Content-Type": media_type} if body is not None else {})},
        )
        if answer.status_code >= 400:
            raise Missing("%s: %d %s" % (operation["id"], answer.status_code, answer.text[:300]))
        return answer.json() if answer.content else None


def filled(value):
    """Replaces the variables of `fixtures/world.json` in a text."""
    if isinstance(value, list):
        return [filled(it) for it in value]
    if isinstance(value, dict):
        return {name: filled(it) for name, it in value.items()}
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{([\w.]+)\}", lambda it: WORLD[it[1]], value)


def at(value, path):
    for name in path.split("."):
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, IndexError, TypeError):
            raise Missing("no value at %s" % path) from None
    return value


def guessed(answer, name):
    """Returns the identifier of the resource in a response, or of the last item of a list."""
    if isinstance(answer, dict) and isinstance(answer.get("results"), list):
        answer = answer["results"]
    if isinstance(answer, list):
        if not answer:
            raise Missing("no %s in the list" % name)
        answer = answer[-1]
    if isinstance(answer, dict):
        texts = {field.lower(): it for field, it in answer.items() if isinstance(it, str)}
        for field in (name.lower(), "id", "_id", "name"):
            if field in texts:
                return texts[field]
    raise Missing("no field of the response looks like %s: %.200s" % (name, json.dumps(answer)))


def outcome(server, operation, method, required):
    """Returns None if the SDK has read the response, or the error."""
    try:
        known = OPERATIONS.get(operation)
        if known is None:
            values = {it: WORLD["project"] for it in required}
            values.update({it: WORLD["org"] for it in required if it == "org_id"})
        else:
            before = TABLE["operations"].get(operation, {}).get("before")
            if before:
                server.call(OPERATIONS[before])
            path = {plain(name): it for name, it in server.parameters(known).items()}
            own = TABLE["operations"].get(operation, {}).get("query", {})
            query = {plain(name): it for name, it in {**TABLE["query"], **own}.items()}
            values = {it: path.get(plain(it), query.get(plain(it))) for it in required}
            if "body" in values:
                model = TypeAdapter(typing.get_type_hints(method)["body"])
                values["body"] = model.validate_python(filled(EXAMPLES[operation]["request"]))
            optional = inspect.signature(method).parameters
            if "period" in optional and "granularity" in optional:
                values["period"] = TABLE["query"]["period"]
        method(**values)
    except Missing as reason:
        return "cannot be called: %s" % reason
    except AtlasApiError as error:
        return "%s" % error
    except ValidationError as error:
        rows = ["%s: %s" % (".".join(map(str, it["loc"])), it["msg"]) for it in error.errors()[:4]]
        return "ValidationError: " + "; ".join(rows)
    except Exception as error:  # noqa: BLE001, since the SDK raises unexpected errors
        return "%s: %s" % (type(error).__name__, str(error)[:200])
    return None


def main():
    url, login = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "digest"
    if login == "digest":
        keys = {"public_key": WORLD["owner.public"], "private_key": WORLD["owner.private"]}
    else:
        keys = {"client_id": WORLD["owner.id"], "client_secret": WORLD["owner.secret"]}
    client = AtlasAdminClient(**keys, base_url=url + BASE, oauth_token_url=url + "/api/oauth/token")
    server = Server(url)
    report = {"passed": [], "failed": {}, "known": {}}
    gets = sorted(sdk_gets(client), key=lambda it: it[0])
    for operation, method, required in gets:
        reason = outcome(server, operation, method, required)
        expected, why = TABLE["known"].get(operation, (None, None))
        if reason is None and expected is None:
            report["passed"].append(operation)
        elif reason is not None and expected is not None and expected in reason:
            report["known"][operation] = why
        else:
            report["failed"][operation] = reason or "passed unexpectedly; remove it from the known failures"
    called = {it for it, _, _ in gets}
    report["lacking"] = sorted(
        it["id"] for it in OPERATIONS.values() if it["method"] == "GET" and it["id"] not in called
    )
    report["unlisted"] = sorted(set(report["lacking"]) ^ set(TABLE["lacking"]))
    json.dump(report, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
