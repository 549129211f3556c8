"""curl as a testee: one process per call, as a script would use it."""

import os
import re
import subprocess
import tempfile

import testee

FLAGS = ["silent", "show-error", "compressed", "path-as-is", "noproxy = *"]
ERRORS = {
    5: "connect", 6: "connect", 7: "connect", 18: "interrupted", 28: "timeout", 52: "interrupted",
    55: "interrupted", 56: "interrupted", 61: "encoding", 63: "too_large",
    1: "malformed", 8: "malformed", 3: "unsendable", 43: "unsendable",
}


def config(value):
    """Quotes a value for curl's configuration file, so that no secret is on a command line."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


def curl(flags, options):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "body")
        options = options + [("output", out), ("write-out", "%{http_code} %{content_type}")]
        lines = FLAGS + flags
        lines += ["%s = %s" % (name, config(value)) for name, value in options]
        run = subprocess.run(
            ["curl", "--config", "-"],
            input="\n".join(lines).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        content = open(out, "rb").read() if os.path.exists(out) else b""
        status, _, media_type = run.stdout.decode(errors="replace").partition(" ")
        said = run.stderr.decode(errors="replace")
        return run.returncode, int(status or 0), media_type, content, said


def call(asked):
    auth = asked["auth"]
    options = [
        ("url", asked["url"] + testee.target(asked)),
        ("request", asked["method"]),
        ("max-time", str(asked["timeoutMs"] / 1000)),
        ("retry", "2"),
        ("max-filesize", str(16 << 20)),
    ]
    for name, value in testee.headers(asked).items():
        options.append(("header", name + ": " + value))
    body = testee.body(asked)
    if body is not None:
        options.append(("data-raw", body.decode()))
    flags = []
    if auth["kind"] == "bearer":
        options.append(("oauth2-bearer", auth["token"]))
    else:
        flags.append("digest")
        options.append(("user", auth["user"] + ":" + auth["password"]))
    code, status, media_type, content, said = curl(flags, options)
    if code:
        answer = testee.ended(ERRORS.get(code, "malformed"), output=said)
    else:
        answer = testee.read(asked["method"], status, content, media_type)
        answer["output"] += said
    return answer


VERSION = re.search(r"curl (\S+)", subprocess.check_output(["curl", "--version"]).decode()).group(1)
testee.serve("curl", VERSION, ["call", "bearer", "digest"], call)
