"""``%ollama`` and ``%%ollama``."""

from __future__ import annotations
