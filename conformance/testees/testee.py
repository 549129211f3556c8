"""The protocol of the suite for testees in Python: JSON, one object per line.

A testee passes its name, its version, its abilities and a function that makes a call.
"""

import json
import sys
from urllib.parse import quote, urlencode


def serve(name, version, abilities, call, download=None, reset=lambda: None):
    """Replies to each line of stdin until it ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if "hello" in request:
            answer = {"name": name, "version": version, "abilities": abilities}
        elif "reset" in request:
            reset()
            answer = {"done": True}
        elif "call" in request["run"]:
            answer = guarded(call, request["run"]["call"])
        elif "download" in request["run"]:
            answer = guarded(download, request["run"]["download"])
        else:
            answer = ended("unsendable")
        print(json.dumps(answer), flush=True)


def guarded(work, message):
    try:
        return work(message)
    except Exception as error:  # An unexpected error of the library under test is an outcome, too.
        return ended("crashed", output=repr(error))


def ended(kind, status=None, code=None, output=""):
    outcome = {"kind": kind}
    if status is not None:
        outcome["status"] = status
    if code is not None:
        outcome["errorCode"] = code
    return {"outcome": outcome, "output": output}


def target(call):
    """Returns the path and query of a call; a list in the query is a repeated parameter."""
    path = call["path"]
    for name, value in call["parameters"].items():
        path = path.replace("{" + name + "}", quote(text(value), safe=""))
    query = []
    for name, value in call["query"].items():
        values = value if isinstance(value, list) else [value]
        query += [(name, text(value)) for value in values]
    query += [(flag, "true") for flag in ("envelope", "pretty") if call[flag]]
    return path + ("?" + urlencode(query) if query else "")


def text(value):
    return value if isinstance(value, str) else json.dumps(value)


def headers(call):
    named = {"Accept": "application/vnd.atlas.%s+%s" % (call["version"], call.get("format", "json"))}
    if call["body"] is not None:
        named["Content-Type"] = "application/json"
    return named


def body(call):
    if call["body"] is None:
        return None
    return json.dumps(call["body"], separators=(",", ":"), ensure_ascii=False).encode()


def read(method, status, content, media_type=""):
    """Reads a response as a script would: its status, and the JSON or the file, if any."""
    value = decoded(content)
    if 200 <= status < 300:
        if value is not None:
            return valued(ended("ok"), value)
        is_file = media_type.partition(";")[0].strip().lower().endswith(FILES)
        # A GET needs a resource; other methods accept an empty response as well.
        is_done = not content and (status == 204 or method != "GET")
        return ended("ok") if is_done or is_file else ended("unreadable", status)
    if isinstance(value, dict) and value.keys() & {"error", "errorCode", "detail", "reason"}:
        return ended("api_error", status, value.get("errorCode"), content.decode(errors="replace"))
    return ended("unreadable", status)


def decoded(content):
    """Returns the JSON of a body, or None if the body is not JSON or null."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def valued(answer, value):
    """Adds the value to a reply, if it can be encoded as a line of JSON that any parser accepts."""
    try:
        line = json.dumps(value, ensure_ascii=False, allow_nan=False)
        line.encode()
    except (ValueError, RecursionError):
        return answer
    if is_shallow(value, 100):
        answer["value"] = value
    return answer


def is_shallow(value, levels):
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return True
    return levels > 0 and all(is_shallow(item, levels - 1) for item in value)


FILES = ("/gzip", "+gzip", "/csv", "+csv")
