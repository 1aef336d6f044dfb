"""From a prompt to a stream: one path for the magic, the command line and Python.

A `Request` is what a person asked for. `Session.prepare` turns it into a `Plan`: which server,
which model and why, the exact call, and what to tell the user. `Session.stream` runs the plan.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Any

from ollama_lab import errors, models, prompts, wire
from ollama_lab.answer import Provenance
from ollama_lab.hosts import Hosts
from ollama_lab.plan import SEEDS, Plan, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping, Sequence

    from ollama_lab.client import Client
    from ollama_lab.forms import Form
    from ollama_lab.hosts import Host
    from ollama_lab.settings import OllamaLab
    from ollama_lab.tools import Tool, Toolbox
    from ollama_lab.transport import Patience, Tick

#: How long the list of models is believed: a pull elsewhere shows after this many seconds.
_LIST_SECONDS = 5.0
#: Room kept for the answer when history is trimmed: this share of the window, or num_predict.
_ANSWER_SHARE = 4
#: How often a waiting cell asks whether its model is in memory.
_PHASE_SECONDS = 2.0


class Session:
    """One thread's way to its servers: settings, choices and what was asked lately.

    Parameters
    ----------
    settings : OllamaLab
        As `ollama_lab.settings.load` gives them.
    hosts : Hosts, optional
        A choice of the server that is shared with others, who close it.
    """

    def __init__(self, settings: OllamaLab, hosts: Hosts | None = None) -> None:
        self.settings = settings
        self.hosts = hosts or Hosts(settings)
        self._owns_hosts = hosts is None
        self._clients: dict[Any, Client] = {}
        self._listed: dict[str, tuple[float, list[models.Model]]] = {}
        self._shown: dict[tuple[str, str, str], models.Model] = {}
        self._warned: set[str] = set()
        self._phase, self._phase_at = "", float("-inf")

    def close(self) -> None:
        """Close connections and give the embedded engine back."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._owns_hosts:
            self.hosts.close()

    def sibling(self) -> Session:
        """Make a session for another thread: the same choices, and connections of its own.

        Close it when the thread has done with it.
        """
        made = Session(self.settings, self.hosts)
        made._listed, made._shown, made._warned = self._listed, self._shown, self._warned
        return made

    # ------------------------------------------------------------ servers and models

    def client(self, host_flag: str = "") -> Client:
        """Return the client of the server that prompts go to.

        Raises
        ------
        Unreachable
            No host is set and none can be found.
        """
        from ollama_lab.client import Client  # brings requests: not at %load_ext

        host = self.hosts.resolve(host_flag)
        key = _key(host)
        if key not in self._clients:
            self._clients[key] = Client(host, self.patience)
        return self._clients[key]

    @property
    def patience(self) -> Patience:
        """How long a wait for an answer may be, by the settings."""
        from ollama_lab.transport import Patience  # brings requests, too

        chosen = self.settings
        return Patience(chosen.connect_seconds, chosen.first_byte_seconds, chosen.idle_seconds)

    @property
    def is_connected(self) -> bool:
        """Whether a server was reached before; the first time can take a while."""
        return bool(self._clients)

    def forget_host(self) -> None:
        """Choose the server anew at the next call, and forget what it said."""
        self.hosts.forget()
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        self.forget_models()

    def forget_models(self) -> None:
        """Ask for models anew, list and details: one was pulled, copied or removed."""
        self._listed.clear()
        self._shown.clear()

    def list_models(self, host_flag: str = "", *, fresh: bool = False) -> list[models.Model]:
        """Return the server's models, a few seconds old at most; newest first."""
        client = self.client(host_flag)
        url = client.host.url
        at, listed = self._listed.get(url, (float("-inf"), []))
        if fresh or time.monotonic() - at > _LIST_SECONDS:
            listed = client.list()
            self._listed[url] = (time.monotonic(), listed)
        return listed

    def default_model(self, host_flag: str = "") -> models.Choice:
        """Choose the model of a prompt that names none, and say why.

        Raises
        ------
        ModelNotFound
            The server has no chat model.
        """
        settings = self.settings
        if settings.model:
            return models.Choice(settings.model, settings.sources.get("model", "the setting model"))
        listed = self.list_models(host_flag)
        loaded = self.client(host_flag).ps()
        allow = settings.allow_remote_models
        return models.choose(models.with_loaded(listed, loaded), allow_remote=allow)

    def model(self, name: str, host_flag: str = "") -> models.Model:
        """Return what the server tells about a model, asked for once a digest.

        Raises
        ------
        ModelNotFound
            With the names that may have been meant.
        Forbidden
            The model runs elsewhere.
        """
        listed = self.list_models(host_flag)
        entry = models.find(name, listed)
        allow = self.settings.allow_remote_models
        models.refuse_remote(entry or models.Model(models.normalize(name)), allow_remote=allow)
        if entry is None:
            listed = self.list_models(host_flag, fresh=True)
            entry = models.find(name, listed)
        if entry is None and not models.Model(models.normalize(name)).runs_elsewhere:
            raise errors.model_not_found(name, models.nearest(name, listed))
        client = self.client(host_flag)
        key = (client.host.url, name, entry.digest if entry else "")
        if key not in self._shown:
            self._shown[key] = _shown(client, name, entry)
        shown = self._shown[key]
        models.refuse_remote(shown, allow_remote=allow)
        return shown

    def load(self, name: str, *, tick: Tick | None = None) -> None:
        """Bring a model into memory as prompts will want it, so that none of them reloads it."""
        model = self.model(name)
        self.client().load(
            model.name,
            options=self.standing_options(model),
            keep_alive=self.keep_alive,
            tick=tick,
        )

    @property
    def keep_alive(self) -> float | str | None:
        """How long a model stays in memory by the settings, as Ollama takes it."""
        return _duration(self.settings.keep_alive)

    def standing_options(
        self, model: models.Model, given: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the options of the settings and those given, with the one window of a model."""
        given = given or {}
        window = self._window(model, given)
        return {**self.settings.options, **given, "num_ctx": window}

    # ------------------------------------------------------------ a prompt

    def prepare(self, request: Request, *, tick: Tick | None = None) -> Plan:
        """Turn a request into the exact call, or say why it cannot be.

        Parameters
        ----------
        tick : callable, optional
            Called about ten times a second while the server says nothing, with the seconds.

        Raises
        ------
        BadUsage, ModelNotFound, Refused, Forbidden, Unreachable
            Found before a prompt is sent.
        """
        if not request.prompt.strip() and not request.images:
            raise errors.BadUsage("The prompt is empty.", hint="Write it below %%ollama.")
        self._phase_at = float("-inf")
        try:
            client = self.client(request.host)
            with client.watched(tick):
                return self._prepare(request, client)
        except errors.Unreachable:
            self.forget_host()
            raise

    def _prepare(self, request: Request, client: Client) -> Plan:
        choice = (
            models.Choice(request.model, "") if request.model else self.default_model(request.host)
        )
        model = self.model(choice.name, request.host)
        _check_abilities(model, request)
        version = client.version()
        options, window = self._options(request, model)
        form, tools = _form(request, client.host), _tools(request)
        turns, notes = self._turns(request, options, window, form)
        call = self._call(
            request, model, turns, options, wire.release(version), form=form, tools=tools
        )
        provenance = Provenance(
            model=model.name,
            digest=model.digest,
            options={key: value for key, value in options.items() if key != "seed"},
            seed=options.get("seed"),
            server_version=version,
        )
        return Plan(
            client=client,
            call=call,
            model=model,
            choice=choice,
            turns=turns,
            provenance=provenance,
            context_tokens=window,
            notes=(*notes, *self._said_once(client.host, model, version)),
            form=form,
            tools=tools,
            rounds=self.settings.tool_rounds,
        )

    def stream(
        self, plan: Plan, *, tick: Tick | None = None, pace: float = 0.0
    ) -> Generator[wire.Chunk]:
        """Run a plan; close the iterator to stop the server. See `Client.chat`."""
        try:
            yield from plan.client.chat(plan.call, tick=tick, pace=pace)
        except errors.Unreachable:
            self.forget_host()
            raise
        except errors.ModelNotFound as exc:
            self.forget_models()
            raise errors.model_not_found(plan.model.name) from exc

    async def astream(self, plan: Plan, *, pace: float = 0.0) -> AsyncGenerator[wire.Chunk]:
        """Run a plan on an event loop; close the generator, or cancel, to stop the server."""
        from ollama_lab import aclient

        chunks = aclient.chat(plan.client.host, plan.call, self.patience, pace=pace)
        try:
            async with contextlib.aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        except errors.Unreachable:
            self.hosts.forget()
            self.forget_models()
            raise
        except errors.ModelNotFound as exc:
            self.forget_models()
            raise errors.model_not_found(plan.model.name) from exc

    def toolbox(self, plan: Plan) -> Toolbox:
        """Return what runs a plan's tools, with the limits of the settings."""
        from ollama_lab.tools import Toolbox, ask_first

        confirm = ask_first if self.settings.ask_before_tools else None
        return Toolbox(plan.tools, seconds=self.settings.tool_seconds, confirm=confirm)

    def phase(self, plan: Plan) -> str:
        """Say what a plan that waits for its first byte waits for.

        The server tells only whether the model is in memory yet, and that is asked for now and
        then; reading the prompt and waiting behind others look the same.
        """
        now = time.monotonic()
        if now - self._phase_at > _PHASE_SECONDS:
            self._phase = _phase(plan)
            self._phase_at = time.monotonic()
        return self._phase

    def _options(self, request: Request, model: models.Model) -> tuple[dict[str, Any], int]:
        """Return the options to send, with one explicit window and a seed that is known."""
        own = model.parameters or {}
        given = {**self.settings.options, **request.options}
        window = self._window(model, request.options)
        if "seed" not in given and "seed" not in own:
            given["seed"] = secrets.randbelow(SEEDS)
        return {**given, "num_ctx": window}, window

    def _window(self, model: models.Model, flags: Mapping[str, Any]) -> int:
        """Return the one ``num_ctx`` that every call for this model sends."""
        return prompts.context_tokens(
            flags.get("num_ctx"),
            self.settings.options.get("num_ctx"),
            (model.parameters or {}).get("num_ctx"),
            self.settings.context_tokens,
            model.context_length,
        )

    def _turns(
        self, request: Request, options: Mapping[str, Any], window: int, form: Form | None
    ) -> tuple[tuple[prompts.Turn, ...], list[str]]:
        system = self.settings.system if request.system is None else request.system
        turns = [prompts.Turn(prompts.system(system))] if system else []
        turns += request.history
        asked = prompts.with_form(request.prompt, form.instruction if form else "")
        turns.append(prompts.Turn(prompts.user(asked, request.images)))
        reserve = options.get("num_predict", -1)
        if reserve < 0:
            reserve = window // _ANSWER_SHARE
        fitted = prompts.fit(turns, context_tokens=window, reserve_tokens=min(reserve, window // 2))
        notes = []
        if form and form.wishes:
            notes.append(f"checked afterwards, not by the server: {', '.join(form.wishes)}")
        if fitted.dropped:
            words = "message was" if fitted.dropped == 1 else "messages were"
            notes.append(
                f"{fitted.dropped} earlier {words} left out to fit the window of {window:,} tokens"
            )
        return fitted.turns, notes

    def _call(
        self,
        request: Request,
        model: models.Model,
        turns: Sequence[prompts.Turn],
        options: Mapping[str, Any],
        server: tuple[int, ...],
        *,
        form: Form | None,
        tools: Sequence[Tool],
    ) -> wire.Call:
        think = request.think
        if think is None and model.can("thinking"):
            think = True  # what servers since 0.12.4 do; said, so that older ones do it too
        keep_alive = _duration(request.keep_alive or self.settings.keep_alive)
        # Without it an over-long prompt is cut in silence.
        truncate = False if server >= wire.TRUNCATE_SINCE else None
        if request.raw:
            return wire.generate(
                model.name,
                request.prompt,
                images=request.images,
                format=form.sent if form else None,
                raw=True,
                options=options,
                keep_alive=keep_alive,
                truncate=truncate,
            )
        return wire.chat(
            model.name,
            [turn.message for turn in turns],
            tools=[one.schema for one in tools],
            format=form.sent if form else None,
            think=wire.think_for(think, server),
            options=options,
            keep_alive=keep_alive,
            truncate=truncate,
        )

    def _said_once(self, host: Host, model: models.Model, version: str) -> list[str]:
        """Return what is worth saying once a process: about an old server, about `demo`."""
        notes = {}
        if wire.release(version) < wire.TRUNCATE_SINCE:
            notes[host.url] = f"Ollama {version} cuts long prompts in silence; 0.12.6 does not"
        if model.is_demo:
            notes[model.name] = "demo shows how things work and knows little: pull a real model"
        new = {key: words for key, words in notes.items() if key not in self._warned}
        self._warned.update(new)
        return list(new.values())


def _form(request: Request, host: Host) -> Form | None:
    if request.format is None:
        return None
    from ollama_lab import forms  # only where one is asked for

    return forms.form(request.format, keeps_order=host.is_embedded)


def _tools(request: Request) -> tuple[Tool, ...]:
    if not request.tools:
        return ()
    from ollama_lab.tools import tool  # only where there are some

    made = tuple(tool(function) for function in request.tools)
    names = [one.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise errors.BadUsage(f"Two tools are called {name!r}.", hint="Rename one.")
    return made


def phase_words(*, is_loaded: bool | None) -> str:
    """Word what a prompt waits for before its first token; None where nobody could be asked."""
    if is_loaded is None:
        return "waiting for the server"
    return "reading the prompt, or waiting behind others" if is_loaded else "loading the model"


def _phase(plan: Plan) -> str:
    from ollama_lab.client import Client
    from ollama_lab.transport import Patience

    try:
        with Client(plan.client.host, Patience(0.5, 0.5, 0.5)) as client:
            is_loaded = any(models.same(plan.model.name, name) for name in client.ps())
    except errors.OllamaLabError:
        return phase_words(is_loaded=None)
    return phase_words(is_loaded=is_loaded)


def _key(host: Host) -> Any:
    return (host.url, tuple(sorted(host.headers.items())), host.basic_auth)


def _shown(client: Client, name: str, entry: models.Model | None) -> models.Model:
    """Ask for details; servers that only imitate Ollama may lack the call."""
    try:
        return client.show(name, entry)
    except errors.Refused:
        return entry or models.Model(models.normalize(name))


def _check_abilities(model: models.Model, request: Request) -> None:
    """Refuse what the server would refuse late, or with words about something else."""
    if request.raw and request.tools:
        raise errors.BadUsage("--raw sends the prompt as it is, without tools.")
    if request.raw and (request.system or request.history):
        raise errors.BadUsage(
            "--raw sends the prompt as it is, without a system prompt or a conversation.",
            hint="Leave out --raw, or -s and --history.",
        )
    if not model.can_chat:
        raise errors.cannot(model.name, "chat")
    if request.think and model.can("thinking") is False:
        raise errors.cannot(model.name, "thinking")
    if request.tools and model.can("tools") is False:
        raise errors.cannot(model.name, "tools")
    if request.images and model.can("vision") is False:
        raise errors.cannot(model.name, "vision")


def _duration(text: str) -> float | str | None:
    """Send a bare number as a number: as text it would need a unit.

    >>> _duration("10m"), _duration("-1"), _duration("")
    ('10m', -1.0, None)
    """
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return text
