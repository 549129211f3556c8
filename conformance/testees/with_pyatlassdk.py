"""pyatlassdk, a typed SDK of the whole API, as a testee."""

import gc
import inspect
import json
import os
import re
import typing
from importlib.metadata import version
from urllib.parse import quote

import testee

BASE = "/api/atlas/v2"
TOKEN = "/api/oauth/token"
# The SDK has no method for this operation, which most protocol cases call: it is sent with the
# client's own `request`.
BY_REQUEST = "downloadGroupClusterBackupTenant"
NO_TOKEN = "Failed to obtain an OAuth 2.0 access token"
INVALID_TOKEN = "OAuth 2.0 response did not contain an access_token"

# The SDK's HTTP client always reads proxies from the environment.
os.environ["NO_PROXY"] = "*"

clients = {}


class Unimplemented(Exception):
    """The SDK's public API cannot express the call."""


class Unsendable(Exception):
    """The SDK refuses to send the call."""


class Recorder:
    """Replaces the client, to record the request of a method."""

    def request(self, **asked):
        self.accept = asked["accept"]


def client(asked):
    # The import takes seconds, which a process that only reports its name does not need. Collecting
    # garbage would be a quarter of them.
    gc.disable()
    from pyatlassdk import AtlasAdminClient

    gc.enable()

    auth = asked["auth"]
    key = (asked["url"], asked["timeoutMs"], str(auth))
    if key not in clients:
        if auth["kind"] == "digest":
            login = {"public_key": auth["user"], "private_key": auth["password"]}
        else:
            login = {"client_id": auth["id"], "client_secret": auth["secret"]}
        clients[key] = AtlasAdminClient(
            **login,
            base_url=asked["url"] + BASE,
            oauth_token_url=asked["url"] + TOKEN,
            timeout=asked["timeoutMs"] / 1000,
        )
    return clients[key]


def reset():
    for made in clients.values():
        made.close()
    clients.clear()


def plain(name):
    """Returns a name without its spelling: createGroupCluster is create_group_cluster in Python."""
    return name.replace("_", "").lower()


def method(made, operation):
    """Returns the SDK's method for an operation and its group of operations."""
    for group in vars(made).values():
        if type(group).__module__.startswith("pyatlassdk.admin.resources."):
            for name, found in inspect.getmembers(group, inspect.ismethod):
                if plain(name) == plain(operation):
                    return group, found
    raise Unimplemented("the SDK has no method for " + operation)


def arguments(found, asked):
    """Returns the arguments by name, converted by their type hints."""
    named = {plain(name): name for name in inspect.signature(found).parameters}
    hints = typing.get_type_hints(found)
    wire = {**asked["parameters"], **asked["query"]}
    wire.update((flag, True) for flag in ("envelope", "pretty") if asked[flag])
    given = {}
    for name, value in wire.items():
        if plain(name) not in named:
            raise Unimplemented("%s has no parameter %s" % (found.__name__, name))
        name = named[plain(name)]
        given[name] = typed(hints[name], value)
    if asked["body"] is not None:
        if "body" not in named:
            raise Unimplemented(found.__name__ + " has no body")
        given["body"] = model(hints["body"], asked["body"])
    missing = [
        name for name, parameter in inspect.signature(found).parameters.items()
        if parameter.default is parameter.empty and name not in given
    ]
    if missing:
        raise Unsendable("%s requires %s" % (found.__name__, ", ".join(missing)))
    return given


def typed(hint, value):
    """Converts a parameter to its type; an invalid value is passed as text."""
    from pydantic import TypeAdapter, ValidationError

    is_list = typing.get_origin(hint) is list or "list[" in str(hint)
    if is_list and not isinstance(value, list):
        value = [value]
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError:
        return value


def model(hint, body):
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(hint).validate_python(body)
    except ValidationError as error:
        raise Unsendable(str(error)) from error


def made_call(asked):
    made = client(asked)
    if asked["operation"] == BY_REQUEST:
        path = asked["path"].removeprefix(BASE)
        for name, value in asked["parameters"].items():
            path = path.replace("{" + name + "}", quote(value, safe=""))
        flags = {flag: True for flag in ("envelope", "pretty") if asked[flag]}
        media_type = testee.headers(asked)["Accept"]
        return made.request(
            asked["method"], path, params={**asked["query"], **flags}, json=asked["body"],
            response_model=dict[str, typing.Any], accept=media_type, content_type=media_type,
        )
    group, found = method(made, asked["operation"])
    given = arguments(found, asked)
    recorder = Recorder()
    getattr(type(group)(recorder), found.__name__)(**given)
    if asked["version"] not in recorder.accept:
        raise Unimplemented("%s requests %s" % (found.__name__, recorder.accept))
    return found(**given)


def call(asked):
    import httpx
    from pyatlassdk import AtlasApiError
    from pydantic import ValidationError

    try:
        return testee.valued(testee.ended("ok"), wire(made_call(asked)))
    except AtlasApiError as error:
        return refused(error)
    except (ValidationError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        return testee.ended("unreadable", output=repr(error))
    except NotImplementedError as error:
        return testee.ended("challenge", output=repr(error))
    except Unimplemented as reason:
        return testee.ended("unimplemented", output=str(reason))
    except httpx.HTTPError as error:
        kind = next(kind for known, kind in kinds(httpx) if isinstance(error, known))
        if kind != "unsendable" and error.request.url.path == TOKEN:
            kind = "no_token"
        return testee.ended(kind, output=repr(error))
    except (Unsendable, httpx.InvalidURL) as error:
        return testee.ended("unsendable", output=repr(error))


def refused(error):
    """Returns the outcome of an error as the SDK reports it to its caller."""
    said = str(error)
    if said.endswith(": " + NO_TOKEN):
        return testee.ended("no_token", error.status_code, output=said)
    if said.endswith(": " + INVALID_TOKEN):
        # The status is the SDK's, not that of the response.
        return testee.ended("no_token", output=said)
    payload = error.payload
    if isinstance(payload, dict) and payload.keys() & {"error", "errorCode", "detail", "reason"}:
        code = payload.get("errorCode")
        return testee.ended("api_error", error.status_code, code, said)
    return testee.ended("unreadable", error.status_code, output=said)


def kinds(httpx):
    return [
        (httpx.ConnectError, "connect"),
        (httpx.TimeoutException, "timeout"),
        (httpx.DecodingError, "encoding"),
        (httpx.NetworkError, "interrupted"),
        (httpx.UnsupportedProtocol, "unsendable"),
        (httpx.LocalProtocolError, "unsendable"),
        (httpx.RemoteProtocolError, "interrupted"),
        # The only other protocol error is about a challenge.
        (httpx.ProtocolError, "challenge"),
        (httpx.HTTPError, "malformed"),
    ]


def wire(value):
    """Returns a value of the SDK's models as JSON."""
    from pydantic import BaseModel

    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, list):
        return [wire(item) for item in value]
    if isinstance(value, dict):
        return {name: wire(item) for name, item in value.items()}
    return value


testee.serve("pyatlassdk", version("pyatlassdk"), ["call", "digest", "oauth"], call, reset=reset)
