"""How long to sleep between two reads of a stream. No I/O; the caller has the clock.

A reader that wakes for every token costs ten times the processor time of one that reads ten
times a second. It is never slept in a stream's first moments, nor while lines come in a burst.
"""

from __future__ import annotations

_HEAD_SECONDS = 0.02
_BURST_LINES_PER_SECOND = 1000


class Rhythm:
    """The pauses of one stream.

    Parameters
    ----------
    pace : float
        Seconds between two reads of a stream that comes slowly; 0 reads at once.
    now : float
        The clock at the first byte, in seconds.
    """

    def __init__(self, pace: float, now: float) -> None:
        self._pace = pace
        self._begin = self._woke = now
        self._lines = 0

    def pause(self, payload: bytes, now: float) -> float:
        r"""Return how many seconds to sleep after a read, 0 for none.

        >>> rhythm = Rhythm(0.1, now=0.0)
        >>> rhythm.pause(b"{}\n", 0.001), round(rhythm.pause(b"{}\n", 0.05), 3)
        (0.0, 0.05)
        """
        if not self._pace:
            return 0.0
        self._lines += payload.count(b"\n")
        since = now - self._woke
        if now - self._begin < _HEAD_SECONDS:
            return 0.0
        if self._lines > _BURST_LINES_PER_SECOND * max(since, _HEAD_SECONDS):
            if since > _HEAD_SECONDS:
                self._woke, self._lines = now, 0
            return 0.0
        rest = max(0.0, self._pace - since)
        self._woke, self._lines = now + rest, 0
        return rest
