"""The one exception of the engine: an answer that is an error, in Ollama's own words."""

from __future__ import annotations


class EngineError(Exception):
    """The engine answers a call with an error.

    Parameters
    ----------
    message : str
        The ``error`` text of the answer; Ollama's own words where it has some.
    status : int
        HTTP status of the answer. Once a stream has begun the text goes out as its last line
        and the status is not seen by anyone.
    """

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
