"""What a person asked for, and the exact call made of it.

A `Request` goes into `Session.prepare`, and a `Plan` comes out. What follows an answer, when it
does not fit its form or wants tools, is a plan too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ollama_lab import prompts
from ollama_lab.answer import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ollama_lab import models, wire
    from ollama_lab.answer import Answer, Provenance
    from ollama_lab.client import Client
    from ollama_lab.forms import Fields, Form
    from ollama_lab.tools import Run, Tool

#: Seeds go from 0 to below this.
SEEDS = 2**31
#: How often an answer that does not fit its form is asked for once more.
_MOST_TIMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for.

    Parameters
    ----------
    prompt : str
        The words, with variables and files already put in.
    model : str
        Name, or empty for the default.
    system : str, optional
        System prompt; None means the setting's.
    images : sequence of str
        Base64 without a ``data:`` prefix.
    format : object, optional
        ``"json"``, a JSON schema, or a type of the user's; see `forms.form`.
    think : bool or str, optional
        On, off or a level; None leaves it on where the model can.
    options : mapping
        Ollama's options by name, checked.
    keep_alive : str, optional
        Ollama's duration; None means the setting's.
    tools : sequence of callable
        Functions the model may call.
    raw : bool
        Send the prompt without the model's chat template.
    host : str
        What ``--host`` said.
    history : sequence of Turn
        Earlier turns of the conversation, oldest first.
    """

    prompt: str
    model: str = ""
    system: str | None = None
    images: Sequence[str] = ()
    format: Any = None
    think: bool | str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    keep_alive: str | None = None
    tools: Sequence[Any] = ()
    raw: bool = False
    host: str = ""
    history: Sequence[prompts.Turn] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One prompt, ready to go.

    ``notes`` are sentences for the footer; ``times`` is how often it was asked before, when an
    answer did not fit its form. ``tools`` may be called, ``rounds`` times more, and ``trail`` is
    what was called.
    """

    client: Client
    call: wire.Call
    model: models.Model
    choice: models.Choice
    turns: tuple[prompts.Turn, ...]
    provenance: Provenance
    context_tokens: int
    notes: tuple[str, ...] = ()
    form: Form | None = None
    times: int = 0
    tools: tuple[Tool, ...] = ()
    rounds: int = 0
    trail: tuple[Run, ...] = ()

    @property
    def own_limit(self) -> int:
        """The model's own ``num_predict``, which counts where none was sent; 0 where it has none."""
        return int((self.model.parameters or {}).get("num_predict") or 0)

    def record(self) -> Record:
        """Return the record that this plan's answer goes into."""
        sent = (self.call.body or {}).get("messages")
        messages = [turn.message for turn in self.turns] if sent is None else sent
        return Record(messages, self.provenance, form=self.form, trail=self.trail)

    def fields(self) -> Fields | None:
        """Return what gives an answer field by field; None where it has no schema."""
        if self.form is None or self.form.prepared is None:
            return None
        from ollama_lab.forms import Fields  # only where a form is asked for

        return Fields(self.form)

    def again(self, answer: Answer) -> Plan | None:
        """Return what to ask after an answer that does not fit its form; None to leave it at that.

        Twice with another seed, which is nearly always enough, then with what was wrong. An answer
        that was cut off, or stopped, would be so again.
        """
        if not answer.problem or answer.done_reason != "stop" or self.times >= _MOST_TIMES:
            return None
        body = dict(self.call.body or {})
        options = dict(body["options"])
        is_last = self.times == _MOST_TIMES - 1 or options.get("temperature") == 0
        if is_last and "messages" in body:
            said = prompts.assistant(answer.text)
            body["messages"] = [*body["messages"], said, prompts.user(_corrected(answer.problem))]
        seed = (int(options.get("seed") or 0) + 1) % SEEDS
        body["options"] = {**options, "seed": seed}
        return replace(
            self,
            call=replace(self.call, body=body),
            provenance=replace(self.provenance, seed=seed),
            times=_MOST_TIMES if is_last else self.times + 1,
        )

    def after_tools(self, answer: Answer, runs: Sequence[Run]) -> Plan:
        """Return what to ask when the tools that an answer wanted have run.

        After the last round the model gets no tools, and so has to answer.
        """
        body = dict(self.call.body or {})
        said = prompts.calling(answer.text, [(run.name, run.arguments, run.id) for run in runs])
        results = [prompts.tool_result(run.name, run.result, run.id) for run in runs]
        body["messages"] = [*body["messages"], said, *results]
        if self.rounds <= 1:
            body.pop("tools", None)
        return replace(
            self,
            call=replace(self.call, body=body),
            rounds=self.rounds - 1,
            tools=self.tools if self.rounds > 1 else (),
            trail=(*self.trail, *runs),
        )


def _corrected(problem: str) -> str:
    return f"This does not fit: {problem}. Answer once more, with JSON alone."


def exchange(answer: Answer, plan: Plan) -> tuple[prompts.Turn, prompts.Turn]:
    """Return the new question and its answer, with the server's counts where it gave some."""
    asked, stats = plan.turns[-1], answer.stats
    if stats.prompt_tokens:
        asked = prompts.measured(plan.turns, stats.prompt_tokens)[-1]
    # The count has the thinking in it, which is not sent again.
    tokens = None if answer.thinking else stats.answer_tokens or None
    return asked, prompts.Turn(answer.messages[-1], tokens)
