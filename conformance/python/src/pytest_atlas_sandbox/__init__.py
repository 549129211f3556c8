"""A local MongoDB Atlas Administration API for pytest: worlds, faults, clock, requests.

The fixture ``atlas_sandbox`` is an :class:`AtlasSandbox`.
"""

from .errors import SandboxError
from .sandbox import AtlasSandbox, Clock, SeenRequest

__all__ = ["AtlasSandbox", "Clock", "SandboxError", "SeenRequest"]
