"""How the scripted server says no, and how it finds the model a request names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_bench import is_bench_model
from fake_models import FakeModel, full_name
from fake_steps import Status

if TYPE_CHECKING:
    from fake_ollama import FakeOllama
    from fake_record import Record


class Refusal(Exception):
    """An answer that is an error; caught where the route was called."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.reply = Status(code, {"error": text})


def model_not_found(ollama: FakeOllama, record: Record, quote: str = "'") -> Refusal:
    """Word it as this server's version does; chat changed its quotes in 0.12.0."""
    if record.path == "/api/chat" and ollama.release < (0, 12):
        return Refusal(404, f'model "{record.model}" not found, try pulling it first')
    return Refusal(404, f"model {quote}{record.model}{quote} not found")


def find(ollama: FakeOllama, record: Record) -> FakeModel:
    """Look the request's model up, or refuse."""
    if not record.model:
        raise Refusal(400, "model is required")
    if is_bench_model(record.model):
        return FakeModel(record.model, ["completion", "tools", "thinking"], 131_072)
    model = ollama.models.get(full_name(record.model))
    if model is None:
        raise model_not_found(ollama, record)
    return model
