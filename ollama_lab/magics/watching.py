"""What a cell does while an answer comes: phases, times, and what goes to the screen."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ollama_lab import display
    from ollama_lab.magics.interrupts import Interrupts
    from ollama_lab.plan import Plan
    from ollama_lab.session import Session
    from ollama_lab.wire import Chunk

#: Shorter waits need no words: a status that flashes by is noise.
QUIET_SECONDS = 0.3


class Watch:
    """Looks at an answer as it comes: phases, times, and what goes to the screen."""

    def __init__(
        self,
        screen: display.Screen,
        plan: Plan,
        session: Session,
        interrupts: Interrupts,
        *,
        is_quiet: bool,
    ) -> None:
        self.screen = screen
        self.interrupts = interrupts
        self.first_token_seconds: float | None = None
        self.thought_seconds = 0.0
        self._plan = plan
        self._session = session
        self._is_quiet = is_quiet
        self._began = time.monotonic()
        self._thinks_since: float | None = None
        self._has_text = False
        self._fields = plan.fields()

    def restart(self, plan: Plan, words: str = "") -> None:
        """Begin anew on the same screen, and say why."""
        self._plan, self._fields = plan, plan.fields()
        self._has_text, self._thinks_since = False, None
        self.screen.restart()
        if words and not self._is_quiet:
            self._say(words, 0.0)

    def tick(self, seconds: float) -> None:
        """Nothing comes: show what was held back, or say what is being waited for."""
        with self.interrupts.held():
            self.screen.refresh()
        if self._has_text or self._is_quiet or seconds < QUIET_SECONDS:
            return
        if self._thinks_since is not None:
            self._say("thinking", time.monotonic() - self._thinks_since)
        else:
            self._say(self._session.phase(self._plan), seconds)

    def take(self, chunk: Chunk) -> None:
        """Look at the next chunk."""
        now = time.monotonic()
        if chunk.content or chunk.thinking:
            self._note_first(now)
        if chunk.thinking and not self._has_text:
            self._thinks_since = self._thinks_since or now
            self.thought_seconds = now - self._thinks_since
            if not self._is_quiet:
                self._say("thinking", self.thought_seconds)
        text = chunk.content
        if self._fields is not None:
            text = self._fields.add(text, is_last=chunk.done)
        if text:
            self._has_text = True
            self.screen.add(text)

    def _note_first(self, now: float) -> None:
        if self.first_token_seconds is None:
            self.first_token_seconds = now - self._began

    def _say(self, phase: str, seconds: float) -> None:
        with self.interrupts.held():
            self.screen.status(f"{self._plan.model.name} · {phase}", seconds)
