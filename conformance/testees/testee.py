"""The protocol of a client under test, for the testees in Python: JSON, one object a line.

A testee gives its name, its version, its abilities and a function that makes a call.
"""

import json
import sys
from urllib.parse import quote, urlencode


def serve(name, version, abilities, call, download=None, reset=lambda: None):
    """Answers line by line until there are no more."""
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
    except Exception as error:  # What the library under test lets through is an outcome too.
        return ended("crashed", output=repr(error))


def ended(kind, status=None, code=None, output=""):
    outcome = {"kind": kind}
    if status is not None:
        outcome["status"] = status
    if code is not None:
        outcome["errorCode"] = code
    return {"outcome": outcome, "output": output}


def target(call):
    """The path and query of a call."""
    path = call["path"]
    for name, value in call["parameters"].items():
        path = path.replace("{" + name + "}", quote(value, safe=""))
    query = dict(call["query"])
    for flag in ("envelope", "pretty"):
        if call[flag]:
            query[flag] = "true"
    return path + ("?" + urlencode(query) if query else "")


def headers(call):
    named = {"Accept": "application/vnd.atlas.%s+json" % call["version"]}
    if call["body"] is not None:
        named["Content-Type"] = "application/json"
    return named


def body(call):
    if call["body"] is None:
        return None
    return json.dumps(call["body"], separators=(",", ":"), ensure_ascii=False).encode()


def read(status, content):
    """What a script makes of an answer: its status, and the JSON if it is some."""
    try:
        value = json.loads(content) if content else None
    except (ValueError, RecursionError):
        value = None
    if 200 <= status < 300:
        fine = isinstance(value, dict) or (status == 204 and not content)
        return ended("ok") if fine else ended("unreadable", status)
    if isinstance(value, dict) and value.keys() & {"error", "errorCode", "detail", "reason"}:
        return ended("api_error", status, value.get("errorCode"), content.decode(errors="replace"))
    return ended("unreadable", status)
