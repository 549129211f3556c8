"""Python's requests as a testee, with requests-oauthlib for service accounts."""

import os
import time

import requests
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth, HTTPDigestAuth
from requests_oauthlib import OAuth2Session

import testee

# The suite's servers use plain HTTP on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

sessions = {}


def session(asked):
    auth = asked["auth"]
    key = (asked["url"], str(auth))
    if key in sessions:
        return sessions[key]
    if auth["kind"] == "oauth":
        made = OAuth2Session(client=BackendApplicationClient(client_id=auth["id"]))
        made.fetch_token(
            asked["url"] + "/api/oauth/token",
            auth=HTTPBasicAuth(auth["id"], auth["secret"]),
            timeout=asked["timeoutMs"] / 1000,
        )
    else:
        made = requests.Session()
        if auth["kind"] == "digest":
            made.auth = HTTPDigestAuth(auth["user"], auth["password"])
        else:
            made.headers["Authorization"] = "Bearer " + auth["token"]
    made.trust_env = False
    sessions[key] = made
    return made


def call(asked):
    try:
        answer = session(asked).request(
            asked["method"],
            asked["url"] + testee.target(asked),
            headers=testee.headers(asked),
            data=testee.body(asked),
            timeout=asked["timeoutMs"] / 1000,
            allow_redirects=False,
        )
        media_type = answer.headers.get("Content-Type", "")
        return testee.read(asked["method"], answer.status_code, answer.content, media_type)
    except OAuth2Error as error:
        return testee.ended("no_token", error.status_code, output=repr(error))
    except requests.exceptions.Timeout as error:
        return testee.ended("timeout", output=repr(error))
    except requests.exceptions.ContentDecodingError as error:
        return testee.ended("encoding", output=repr(error))
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
        return testee.ended("unsendable", output=repr(error))
    except requests.exceptions.ConnectionError as error:
        return testee.ended("interrupted", output=repr(error))
    except requests.exceptions.RequestException as error:
        return testee.ended("malformed", output=repr(error))


def download(asked):
    """The loop of many scripts: request a download, wait for the link, write the received bytes."""
    base = "%s/api/atlas/v2/groups/%s/flexClusters/%s/backup" % (
        asked["url"], asked["project"], asked["cluster"],
    )
    headers = {
        "Authorization": "Bearer " + asked["token"],
        "Accept": "application/vnd.atlas.2024-11-13+json",
    }
    body = {"snapshotId": asked["snapshot"]}
    answer = requests.post(base + "/download", json=body, headers=headers, timeout=30)
    for _ in range(100):
        if answer.status_code != 200:
            return testee.read("GET", answer.status_code, answer.content)
        job = answer.json()
        if job["status"] == "FAILED":
            return testee.ended("job_failed")
        if "snapshotUrl" in job:
            break
        time.sleep(0.05)
        jobs = base + "/restoreJobs/" + job["id"]
        answer = requests.get(jobs, headers=headers, timeout=30)
    with requests.get(job["snapshotUrl"], stream=True, timeout=30) as file:
        if file.status_code != 200:
            return testee.ended("link", file.status_code)
        with open(asked["out"], "wb") as out:
            for piece in file.iter_content(1 << 16):
                out.write(piece)
    return testee.ended("ok")


testee.serve(
    "requests",
    requests.__version__,
    ["call", "bearer", "digest", "oauth", "download"],
    call,
    download,
    sessions.clear,
)
