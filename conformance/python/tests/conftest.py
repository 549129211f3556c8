"""Helpers of the plugin's tests."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Callable

import pytest
from pytest_atlas_sandbox import AtlasSandbox

pytest_plugins = ["pytester"]

Call = Callable[..., "tuple[int, Any]"]


@pytest.fixture
def call(atlas_sandbox: AtlasSandbox) -> Call:
    """Sends a request to the API: ``call("GET", "/groups")`` returns status and body."""

    def send(method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        headers = {
            "Accept": "application/vnd.atlas.2024-11-13+json",
            "Content-Type": "application/vnd.atlas.2024-11-13+json",
            "Authorization": f"Bearer {token or atlas_sandbox.env['MONGODB_ATLAS_ACCESS_TOKEN']}",
        }
        data = None if body is None else json.dumps(body).encode()
        url = f"{atlas_sandbox.url}/api/atlas/v2{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    return send
