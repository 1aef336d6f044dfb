"""``options`` of a request: Ollama's names, types and defaults, and what the child makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ollama_lab.engine.failure import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Ollama 0.33 (api/types.go). Go's names for the types stand in the errors.
_INTEGERS = frozenset(
    [
        "num_ctx",
        "num_batch",
        "num_gpu",
        "main_gpu",
        "num_thread",
        "draft_num_predict",
        "num_keep",
        "seed",
        "num_predict",
        "top_k",
        "repeat_last_n",
    ]
)
_FLOATS = frozenset(
    [
        "temperature",
        "top_p",
        "min_p",
        "typical_p",
        "repeat_penalty",
        "presence_penalty",
        "frequency_penalty",
    ]
)
_DEFAULTS = {
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.0,
    "typical_p": 1.0,
    "repeat_last_n": 64,
    "repeat_penalty": 1.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "seed": -1,
    "num_predict": -1,
    "num_keep": 4,
}
_SAMPLING = (*sorted(_FLOATS), "top_k", "repeat_last_n")
_WINDOWS_PER_ANSWER = 10
_SEEDS = 2**32


def merge(parameters: Mapping[str, Any], requested: Mapping[str, Any]) -> dict[str, Any]:
    """Put the request's options over the model's parameters over the defaults.

    Unknown names are ignored, null values skipped, fractions cut from integers.

    Raises
    ------
    EngineError
        ``option "NAME" must be of type TYPE``, status 500: Ollama's own status for it.
    """
    return _DEFAULTS | _checked(parameters) | _checked(requested)


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    checked = {name: _value(name, value) for name, value in given.items() if value is not None}
    return {name: value for name, value in checked.items() if value is not None}


def _value(name: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _INTEGERS:
        return int(value) if is_number else _mismatch(name, "integer")
    if name in _FLOATS:
        return float(value) if is_number else _mismatch(name, "float32")
    if name == "use_mmap":
        return value if isinstance(value, bool) else _mismatch(name, "boolean")
    if name == "stop":
        return _stop(value)
    return None  # an unknown name: Ollama writes a line to its log and goes on


def _stop(value: Any) -> list[str]:
    if not isinstance(value, list):
        _mismatch("stop", "array")
    if not all(isinstance(word, str) for word in value):
        raise EngineError('option "stop" must be of an array of strings', 500)
    return list(value)


def _mismatch(name: str, kind: str) -> None:
    raise EngineError(f'option "{name}" must be of type {kind}', 500)


def sampling(options: Mapping[str, Any], num_ctx: int) -> dict[str, Any]:
    """Return the part of a child's request that says how tokens are drawn, and how many."""
    most = _WINDOWS_PER_ANSWER * num_ctx
    wanted = options["num_predict"]
    request: dict[str, Any] = {name: options[name] for name in _SAMPLING}
    request["seed"] = -1 if options["seed"] < 0 else options["seed"] % _SEEDS
    request["n_predict"] = wanted if 0 <= wanted <= most else most
    request["n_keep"] = options["num_keep"]
    if options["repeat_last_n"] < 0:  # the whole window, which llama.cpp has no number for
        request["repeat_last_n"] = num_ctx
    request["cache_prompt"] = True
    if options.get("stop"):
        request["stop"] = options["stop"]
    return request
