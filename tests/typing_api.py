"""What a user's type checker sees of the Python side. Checked by mypy, never run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import ollama_lab as ol
from ollama_lab import hosts, models, options, settings, wire
from ollama_lab.answer import Answer, CodeBlock, Provenance, Record
from ollama_lab.client import Client
from ollama_lab.errors import BadUsage, OllamaLabError, Stopped, Unreachable
from ollama_lab.hosts import Host, Hosts
from ollama_lab.plan import Plan, Request
from ollama_lab.settings import OllamaLab
from ollama_lab.transport import Patience

if TYPE_CHECKING:
    from ollama_lab.session import Session


def settings_are_one_object() -> None:
    chosen = settings.load()
    assert_type(chosen, OllamaLab)
    assert_type(chosen.sources, dict[str, str])
    chosen.set_from_text("table_rows", "5")
    settings.load().set_from_text(5, "five")  # type: ignore[arg-type]  # (a name is text)


def a_host_is_chosen() -> None:
    made = Hosts(settings.load())
    host = made.resolve("http://box:11434")
    assert_type(host, Host)
    assert_type(host.url, str)
    assert_type(host.is_near, bool)
    assert_type(made.chosen, Host | None)
    assert_type(hosts.parse("ollama"), tuple[str, tuple[str, str] | None])
    host.url = "elsewhere"  # type: ignore[misc]  # (values are frozen)


def a_client_has_ollamas_calls() -> None:
    with Client(Host("http://127.0.0.1:11434", "typed"), Patience(idle_seconds=5)) as client:
        assert_type(client, Client)
        assert_type(client.version(), str)
        assert_type(client.list(), list[models.Model])
        assert_type(client.ps(), dict[str, models.Loaded])
        assert_type(client.show("tiny"), models.Model)
        assert_type(client.embed("tiny", ["text"]), list[list[float]])
        assert_type(client.create_blob(Path("model.gguf")), str)
        for step in client.pull("tiny"):
            assert_type(step, wire.PullProgress)
        call = wire.chat("tiny", [{"role": "user", "content": "Hello?"}], think="low")
        assert_type(call, wire.Call)
        for chunk in client.chat(call, tick=lambda seconds: None, pace=0.1):
            assert_type(chunk, wire.Chunk)
            assert_type(chunk.stats, wire.Stats | None)
        client.chat("Hello?")  # type: ignore[arg-type]  # (a call is made by wire)


def a_prompt_becomes_an_answer(session: Session) -> Answer:
    plan = session.prepare(Request(prompt="Hello?", model="tiny", options={"temperature": 0.2}))
    assert_type(plan, Plan)
    assert_type(plan.notes, tuple[str, ...])
    record = plan.record()
    assert_type(record, Record)
    for chunk in session.stream(plan):
        record.add(chunk)
    Request("Hello?")  # type: ignore[call-arg]  # (fields have names)
    return record.answer()


def an_answer_is_kept(answer: Answer) -> None:
    assert_type(answer.text, str)
    assert_type(answer.code, list[CodeBlock])
    assert_type(answer.stats.tokens_per_second, float | None)
    assert_type(answer.provenance, Provenance)
    assert_type(answer.provenance.metadata(answer.stats, "stop"), dict[str, Any])
    assert_type(answer.messages, tuple[dict[str, Any], ...])


def a_model_is_known(listed: list[models.Model]) -> None:
    assert_type(models.choose(listed), models.Choice)
    assert_type(models.nearest("lama3", listed), list[str])
    assert_type(listed[0].modified_at, datetime | None)
    assert_type(listed[0].can("tools"), bool | None)


def options_are_checked() -> None:
    assert_type(options.parse("top_k=5"), tuple[str, options.Value])
    assert_type(options.check_all({"top_k": 5}), dict[str, options.Value])


def errors_say_what_to_do(exc: OllamaLabError) -> str:
    assert_type(exc.message, str)
    assert_type(exc.hint, str)
    assert_type(type(exc).http_status, int)
    raise Unreachable("Nothing answers.", hint="Start it.") from BadUsage("No.")


def stopped_is_an_interrupt(exc: Stopped) -> KeyboardInterrupt:
    return exc


def pythons_side_is_typed() -> None:
    assert_type(ol.ask("Hello?", model="tiny", temperature=0.2, stop="##"), Answer)
    with ol.stream("Hello?") as coming:
        assert_type(next(coming), str)
        assert_type(coming.answer, Answer)
    assert_type(ol.chat(system="Be brief.").ask("Hello?", think="low"), Answer)
    ol.ask("Hello?", temperature="high")  # type: ignore[arg-type]  # (a number)
    ol.ask("Hello?", temprature=0.2)  # type: ignore[call-arg]  # (no such option)


async def pythons_side_is_typed_on_an_event_loop() -> None:
    assert_type(await ol.aask("Hello?"), Answer)
    async for piece in ol.astream("Hello?"):
        assert_type(piece, str)
