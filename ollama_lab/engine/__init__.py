"""The embedded engine: Ollama's own API over local model files, from ``pip`` alone."""

from __future__ import annotations
