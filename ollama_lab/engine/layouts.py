"""Models that the Ollama library publishes in a layout of its own.

Ollama patches llama.cpp to read them; plain llama.cpp, which this engine runs, does not.
"""

from __future__ import annotations

# From Ollama 0.33, llama/compat.
_OWN_LAYOUT = frozenset(
    [
        *("deepseekocr", "embeddinggemma", "gemma3", "gemma3n", "gemma4", "glm4moelite", "glmocr"),
        *("gptoss", "laguna", "lfm2", "llama4", "mistral3", "nemotron_h", "olmo3", "qwen25vl"),
        *("qwen35", "qwen35moe", "qwen3next", "qwen3vl", "qwen3vlmoe"),
    ]
)


def remedy(architecture: str) -> str:
    """Say what to do about a model that does not load; ``""`` when its family is no reason.

    >>> remedy("llama")
    ''
    """
    family = architecture.replace("-", "").removesuffix("_moe")
    if family not in _OWN_LAYOUT and not architecture.startswith("nemotron_h"):
        return ""
    return (
        f"The library publishes {architecture} models in Ollama's own layout: take a GGUF from "
        "hf.co, or run the model with Ollama."
    )
