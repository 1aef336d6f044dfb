"""Local language models, first-class in Jupyter."""

from __future__ import annotations
