"""The error of this package."""


class SandboxError(Exception):
    """The sandbox cannot be started, ended by itself, or refused a control request."""
