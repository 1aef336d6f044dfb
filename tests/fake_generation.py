"""What the scripted server does with /api/chat and /api/generate: refuse, load, unload, say."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fake_bench import bench_steps, is_bench_model
from fake_models import DEFAULT_KEEP_ALIVE, FOR_EVER, FakeModel
from fake_refusal import Refusal, find
from fake_steps import Done, Status, Text, Thinking, pieces
from fake_wire import go_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fake_ollama import FakeOllama
    from fake_record import Record
    from fake_steps import Step

_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_INTEGERS = ("num_ctx", "num_predict", "seed", "top_k", "num_keep", "repeat_last_n", "num_gpu")
_FLOATS = ("temperature", "top_p", "min_p", "repeat_penalty", "presence_penalty")


def generate(ollama: FakeOllama, record: Record) -> list[Step]:
    """Answer /api/chat and /api/generate: refuse, load, unload or say what is to be said."""
    body = record.body
    model = find(ollama, record)
    keep_alive = duration(body.get("keep_alive"))
    check_options(body.get("options") or {})
    asked = body.get("messages") if record.path == "/api/chat" else body.get("prompt")
    if not asked:
        return [load_or_unload(record, model, keep_alive)]
    check_abilities(ollama, record, model)
    check_window(body, model)
    model.load(keep_alive, context=(body.get("options") or {}).get("num_ctx"))
    if is_bench_model(record.model):
        return bench_steps(record.path, record.model, streams=body.get("stream") is not False)
    return within_limits(ollama.next_answer(record), record, model)


def load_or_unload(record: Record, model: FakeModel, keep_alive: timedelta) -> Status:
    """Always one plain object, whatever `stream` says."""
    if keep_alive:
        model.load(keep_alive, context=(record.body.get("options") or {}).get("num_ctx"))
    else:
        model.unload()
    is_chat = record.path == "/api/chat"
    said = {"message": {"role": "assistant", "content": ""}} if is_chat else {"response": ""}
    reason = "load" if keep_alive else "unload"
    head = {"model": record.model, "created_at": go_time()}
    return Status(200, {**head, **said, "done": True, "done_reason": reason})


def check_abilities(ollama: FakeOllama, record: Record, model: FakeModel) -> None:
    """Refuse what the model cannot do, in Ollama's words."""
    body = record.body
    verb = record.path.rpartition("/")[2]
    if not model.can("completion"):
        raise Refusal(400, f'"{record.model}" does not support {verb}')
    think = body.get("think")
    if think not in (None, True, False, "low", "medium", "high", "max"):
        words = 'must be "high", "medium", "low", "max", true, or false'
        raise Refusal(400, f'invalid think value: "{think}" ({words})')
    if think not in (None, False) and not model.can("thinking"):
        raise Refusal(400, f'"{record.model}" does not support thinking')
    long_name = f"registry.ollama.ai/library/{model.name}"
    for field, ability in (("tools", "tools"), ("suffix", "insert")):
        if body.get(field) and not model.can(ability):
            raise Refusal(400, f"{long_name} does not support {ability}")
    if body.get("logprobs") and body.get("tools"):
        raise Refusal(400, inner(400, "logprobs is not supported with tools + stream"))
    pictures = body.get("images") or [m for m in body.get("messages") or [] if m.get("images")]
    if pictures and not model.can("vision"):
        raise no_pictures(record.path)
    if isinstance(body.get("format"), str) and body["format"] not in ("", "json"):
        shown = json.dumps(json.dumps(body["format"]))
        wanted = 'expected "json" or a valid JSON Schema object'
        raise Refusal(500, f"invalid format: {shown}; {wanted}")


def no_pictures(path: str) -> Refusal:
    """Refuse an image as the inference process does, which chat and generate word differently."""
    if path == "/api/generate":
        text = "Multimodal data provided, but model does not support multimodal requests."
        return Refusal(400, inner(400, text))
    text = "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
    return Refusal(500, inner(500, text, type="server_error"))


def check_options(options: dict[str, Any]) -> None:
    """Refuse an option of a wrong type: 500, as Ollama does, not 400."""
    for names, types, word in (
        (_INTEGERS, (int, float), "integer"),
        (_FLOATS, (int, float), "float32"),
    ):
        for name in names:
            value = options.get(name, 0)
            if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
                raise Refusal(500, f'option "{name}" must be of type {word}')
    if not isinstance(options.get("stop", []), list):
        raise Refusal(500, 'option "stop" must be of type array')


def check_window(body: dict[str, Any], model: FakeModel) -> None:
    """Refuse a prompt that is too long, where the client asked not to have it cut in silence."""
    window = min((body.get("options") or {}).get("num_ctx") or 4096, model.context_length or 4096)
    size = prompt_tokens(body)
    if body.get("truncate") is not False or size <= window:
        return
    text = f"request ({size} tokens) exceeds the available context size ({window} tokens), try increasing it"
    more = {"type": "exceed_context_size_error", "n_prompt_tokens": size, "n_ctx": window}
    raise Refusal(400, inner(400, text, **more))


def prompt_tokens(body: dict[str, Any]) -> int:
    """Count a token for every four characters, a few for each message."""
    texts = [str(message.get("content") or "") for message in body.get("messages") or []]
    return sum(len(text) // 4 + 4 for text in [*texts, str(body.get("prompt") or "")])


def inner(code: int, message: str, **more: Any) -> str:
    """Ollama hands on the whole JSON body of its inference process as a string."""
    error = {"code": code, "message": message, "type": "invalid_request_error", **more}
    return json.dumps({"error": error}, separators=(",", ":"))


def within_limits(steps: Sequence[Step], record: Record, model: FakeModel) -> list[Step]:
    """Keep to `think` and `num_predict`, and count the prompt."""
    body = record.body
    options = body.get("options") or {}
    shows_thinking = model.can("thinking") and body.get("think") is not False
    kept = [step for step in steps if shows_thinking or not isinstance(step, Thinking)]
    counts = {"prompt_eval_count": prompt_tokens(body)}
    limit = options.get("num_predict") or -1
    said = [at for at, step in enumerate(kept) if isinstance(step, Text | Thinking)]
    if 0 < limit < len(said):
        return [*kept[: said[limit]], Done("length", counts)]
    if any(isinstance(step, Done) for step in kept):
        return kept
    return [*kept, Done("stop", counts)]


def default_answer(text: str, thinking: str = "") -> list[Step]:
    """Say a text piece by piece."""
    return [*map(Thinking, pieces(thinking)), *map(Text, pieces(text))]


def duration(value: Any) -> timedelta:
    """Read a keep_alive: seconds as a number, or a string with a unit."""
    if value is None:
        return DEFAULT_KEEP_ALIVE
    if isinstance(value, int | float):
        return FOR_EVER if value < 0 else timedelta(seconds=value)
    if not isinstance(value, str):
        raise Refusal(400, f"Unsupported type: {type(value).__name__}")
    if value == "0":
        return timedelta(0)
    parts = re.findall(r"(-?[0-9.]+)(ms|[hms])", value)
    if "".join(number + unit for number, unit in parts) != value or not value:
        kind = (
            "missing unit in duration" if re.fullmatch(r"-?[0-9.]+", value) else "invalid duration"
        )
        raise Refusal(400, f"time: {kind} {json.dumps(value)}")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    return FOR_EVER if seconds < 0 else timedelta(seconds=seconds)
