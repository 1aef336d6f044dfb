"""``%ollama`` and ``%%ollama``; ``magic.py`` is where IPython comes in."""

from __future__ import annotations
