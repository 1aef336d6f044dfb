"""A request's JSON body, read as Go reads it: any case, unknown keys ignored, types checked."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from ollama_lab.engine.failure import EngineError

# What a key must hold, and what Go calls that type. Keys not named here take anything.
_STRING, _BOOL, _INT = (str, "string"), (bool, "bool"), (int, "int")
_TYPES: dict[str, tuple[type, str]] = {
    **dict.fromkeys(
        [
            "model",
            "name",
            "prompt",
            "suffix",
            "system",
            "template",
            "source",
            "destination",
            "from",
            "quantize",
        ],
        _STRING,
    ),
    **dict.fromkeys(
        [
            "stream",
            "raw",
            "truncate",
            "shift",
            "logprobs",
            "verbose",
            "insecure",
            "_debug_render_only",
        ],
        _BOOL,
    ),
    **dict.fromkeys(("top_logprobs", "dimensions"), _INT),
    "messages": (list, "[]api.Message"),
    "images": (list, "[]api.ImageData"),
    "tools": (list, "api.Tools"),
    "context": (list, "[]int"),
    "options": (dict, "map[string]interface {}"),
    "parameters": (dict, "map[string]interface {}"),
    "files": (dict, "map[string]string"),
    "adapters": (dict, "map[string]string"),
}
_MESSAGE_TYPES: dict[str, tuple[type, str]] = {
    **dict.fromkeys(["role", "content", "thinking", "tool_name", "tool_call_id"], _STRING),
    "images": (list, "[]api.ImageData"),
    "tool_calls": (list, "[]api.ToolCall"),
}
_JSON_NAMES = {str: "string", bool: "bool", list: "array", dict: "object"}
# json's words for what it did not find, and Go's.
_EXPECTED = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
}
_SURROGATES = re.compile("[\ud800-\udfff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]*")


def read(raw: bytes, struct: str) -> dict[str, Any]:
    """Read a request's body; keys come back in lower case, nulls are left out.

    Parameters
    ----------
    raw : bytes
        The body. Its content type is not looked at, as in Ollama.
    struct : str
        Go's name of the request, which stands in its errors: ``"ChatRequest"``.

    Raises
    ------
    EngineError
        Status 400, in the words of Go's decoder.
    """
    if not raw:
        raise EngineError("missing request body", 400)
    value = _decode(raw.decode("utf-8", "replace"))
    if not isinstance(value, dict):
        _mismatch(value, f"Go value of type api.{struct}")
    body = _lower(value)
    _check(body, _TYPES, struct)
    for key in ("files", "adapters"):
        for text in body.get(key, {}).values():
            if not isinstance(text, str):
                _mismatch(text, f"Go struct field {struct}.{key} of type string")
    if "messages" in body:
        body["messages"] = [_message(one, struct) for one in body["messages"]]
    if "tools" in body:
        body["tools"] = [_tool(one) for one in body["tools"]]
    _check_images(body.get("images", ()))
    return body


def _decode(text: str) -> Any:
    start = len(text) - len(text.lstrip(" \t\r\n"))
    try:
        # Bytes behind the first value are not looked at: gin decodes one value.
        value, _end = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise EngineError(_words(error), 400) from None
    except RecursionError:
        raise EngineError("exceeded max depth", 400) from None
    return _scrub(value) if "\\u" in text else value


def _words(error: json.JSONDecodeError) -> str:
    found = error.doc[error.pos : error.pos + 1]
    if not found or error.msg.startswith(("Unterminated string", "Invalid \\")):
        return "unexpected EOF"
    return f"invalid character '{found}' {_EXPECTED.get(error.msg, 'in string literal')}"


def _refuse_constant(name: str) -> NoReturn:
    raise EngineError(f"invalid character '{name[0]}' looking for beginning of value", 400)


def _scrub(value: Any) -> Any:
    """Replace lone surrogates, as Go does: no UTF-8 can hold them."""
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_scrub(item) for item in value]
    if isinstance(value, dict):
        return {_scrub(key): _scrub(item) for key, item in value.items()}
    return value


def _lower(value: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): item for key, item in value.items() if item is not None}


def _check(body: dict[str, Any], types: dict[str, tuple[type, str]], struct: str) -> None:
    for key, value in body.items():
        kind, go_name = types.get(key, (object, ""))
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            _mismatch(value, f"Go struct field {struct}.{key} of type {go_name}")


def _message(value: Any, struct: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        _mismatch(value, f"Go struct field {struct}.messages of type api.Message")
    message = _lower(value)
    _check(message, _MESSAGE_TYPES, f"{struct}.messages")
    _check_images(message.get("images", ()))
    for call in message.get("tool_calls", ()):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            _mismatch(call, f"Go struct field {struct}.messages.tool_calls of type api.ToolCall")
        if isinstance(function.get("arguments"), str):
            # Ollama's decoder of ordered maps; the OpenAI form of the arguments ends here.
            raise EngineError("Value looks like object, but can't find closing '}' symbol", 400)
    return message


def _tool(value: Any) -> dict[str, Any]:
    function = value.get("function") if isinstance(value, dict) else None
    if not isinstance(function, dict):
        _mismatch(value, "Go struct field ChatRequest.tools of type api.Tool")
    # Ollama takes a tool without a type; llama.cpp does not.
    return {**value, "type": value.get("type") or "function"}


def _check_images(images: Any) -> None:
    for image in images:
        if not isinstance(image, str):
            _mismatch(image, "Go value of type api.ImageData")
        match = _BASE64.match(image)
        at = match.end() if match else 0
        if image[at:].strip("=\r\n") or (len(image.strip("\r\n")) % 4 and "\n" not in image):
            raise EngineError(f"illegal base64 data at input byte {at}", 400)


def _mismatch(value: Any, target: str) -> NoReturn:
    name = _JSON_NAMES.get(type(value), f"number {value}" if "int" in target else "number")
    raise EngineError(f"json: cannot unmarshal {name} into {target}", 400)


def think(value: Any) -> bool | str | None:
    """Read ``think``: a boolean, a level, or None.

    Raises
    ------
    EngineError
        Ollama's words, status 400.
    """
    if value is None or isinstance(value, bool) or value in ("high", "medium", "low", "max"):
        return value  # type: ignore[no-any-return]  # (the line above is the check)
    choices = '"high", "medium", "low", "max", true, or false'
    if isinstance(value, str):
        raise EngineError(f'invalid think value: "{value}" (must be {choices})', 400)
    raise EngineError(f"think must be a boolean or string ({choices})", 400)
