"""How far a pull is, in words and figures a person reads. No I/O, and the caller has the clock."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_lab.wire import PullProgress

# Long enough that one slow second does not shake the figure, short enough to follow a change.
_WINDOW_SECONDS = 5.0
_SOONEST_SECONDS = 0.5
_MINUTE, _HOUR = 60, 3600
_STEP = 1000
_UNITS = ("B", "kB", "MB", "GB", "TB")
_BAR_CELLS = 24
_TWO_DIGITS = 10


class Pull:
    """The state of one pull, fed with its steps.

    Layers come one after another and a server names each when it starts it, so the total grows
    while small layers are still unknown; the big one comes first.

    Examples
    --------
    >>> from ollama_lab.wire import PullProgress
    >>> pull = Pull()
    >>> for second in range(3):
    ...     pull.feed(PullProgress("pulling abc", "sha256:abc", 10**9, second * 10**8), second)
    >>> pull.figures()
    '20 %, 200 MB of 1.0 GB, 100 MB/s, 8 s left'
    """

    def __init__(self) -> None:
        self.status = ""
        self._layers: dict[str, tuple[int, int]] = {}
        self._at_start_bytes = 0
        self._samples: deque[tuple[float, int]] = deque()

    def feed(self, step: PullProgress, now: float) -> None:
        """Take in one step, and the time in seconds at which it came."""
        if step.digest and step.digest not in self._layers:
            self._finish_layers()
            # What a resumed layer begins with was not downloaded now: it counts for no speed.
            self._at_start_bytes += step.done_bytes
        if step.digest:
            self._layers[step.digest] = (step.done_bytes, step.total_bytes)
        elif step.status != self.status:
            self._finish_layers()
        self.status = step.status
        self._samples.append((now, self.done_bytes - self._at_start_bytes))
        while now - self._samples[0][0] > _WINDOW_SECONDS:
            self._samples.popleft()

    @property
    def done_bytes(self) -> int:
        """Bytes of all layers named so far that are on the server's disk."""
        return sum(done for done, _ in self._layers.values())

    @property
    def total_bytes(self) -> int:
        """Size of all layers named so far; 0 before the first."""
        return sum(total for _, total in self._layers.values())

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 0.0

    @property
    def bytes_per_second(self) -> float | None:
        """Speed over the last seconds; None where there is nothing to tell it from."""
        if not self._samples:
            return None
        (begun, before), (now, after) = self._samples[0], self._samples[-1]
        if now - begun < _SOONEST_SECONDS or after <= before:
            return None
        return (after - before) / (now - begun)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of what is known, at this speed."""
        speed = self.bytes_per_second
        return (self.total_bytes - self.done_bytes) / speed if speed else None

    def figures(self) -> str:
        """Say share, sizes, speed and remaining time, as far as each is known."""
        if not self.total_bytes:
            return ""
        parts = [
            f"{int(100 * self.share)} %",
            f"{size(self.done_bytes)} of {size(self.total_bytes)}",
        ]
        if (speed := self.bytes_per_second) and (left := self.seconds_left):
            parts += [f"{size(speed)}/s", f"{duration(left)} left"]
        return ", ".join(parts)

    def bar(self) -> str:
        """Draw the share as a bar of text."""
        full = int(self.share * _BAR_CELLS)
        return "▕" + "█" * full + " " * (_BAR_CELLS - full) + "▏"

    def _finish_layers(self) -> None:
        # The last line of a layer is often below its total; the next status means it is there.
        self._layers = {digest: (total, total) for digest, (_, total) in self._layers.items()}


def size(count: float) -> str:
    """Word a number of bytes.

    >>> [size(n) for n in (0, 999, 1700, 45_600_000, 1_321_098_329)]
    ['0 B', '999 B', '1.7 kB', '46 MB', '1.3 GB']
    """
    power = 0
    while count >= _STEP and power < len(_UNITS) - 1:
        count /= _STEP
        power += 1
    digits = 1 if power and count < _TWO_DIGITS else 0
    return f"{count:.{digits}f} {_UNITS[power]}"


def duration(seconds: float) -> str:
    """Word a time to wait.

    >>> [duration(s) for s in (0.4, 59, 61, 3600 * 2 + 61)]
    ['1 s', '59 s', '1 min 1 s', '2 h 1 min']
    """
    whole = max(1, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
