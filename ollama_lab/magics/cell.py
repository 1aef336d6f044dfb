"""``%%ollama``: one prompt of a cell, answered live."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ollama_lab import display, prompts
from ollama_lab.answer import Answer, Provenance
from ollama_lab.attachments import Image, read_file, read_image, render
from ollama_lab.errors import BadUsage, OllamaLabError, Stopped
from ollama_lab.kinds import is_a
from ollama_lab.magics.interrupts import Interrupts
from ollama_lab.magics.stored import Prompt, StoredChat
from ollama_lab.magics.watching import QUIET_SECONDS, Watch
from ollama_lab.plan import Request, exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ollama_lab.answer import Record
    from ollama_lab.magics.arguments import CellArguments
    from ollama_lab.magics.line import Kernel
    from ollama_lab.plan import Plan
    from ollama_lab.session import Session
    from ollama_lab.tools import Toolbox


class Cell:
    """One run of a ``%%ollama`` cell.

    Parameters
    ----------
    kernel : Kernel
        The shell that knows the names and shows the answer, the way to the server, and the
        conversations that ``--history`` and ``--chat`` continue.
    arguments : CellArguments
        The first line.
    """

    def __init__(self, kernel: Kernel, arguments: CellArguments) -> None:
        self._shell = kernel.shell
        self._session = kernel.session
        self._history = kernel.history
        self._chats = kernel.chats
        self._stored: StoredChat | None = None
        self._arguments = arguments
        settings = kernel.session.settings
        saves = arguments.saves_thinking
        self._look = display.Look(
            form="json" if arguments.format and arguments.form == "markdown" else arguments.form,
            is_quiet=arguments.is_quiet,
            show_thinking=settings.show_thinking,
            save_thinking=settings.save_thinking if saves is None else saves,
        )
        # In order and each once: prompt and system prompt may name the same variable.
        self._used: dict[str, None] = {}
        self._missing: dict[str, None] = {}
        self._toolbox: Toolbox | None = None

    def run(self, body: str) -> None:
        """Ask, show, keep.

        Raises
        ------
        OllamaLabError
            Whatever went wrong, in one sentence; a partial answer is kept and shown first.
        Stopped
            The user interrupted; a partial answer is kept and shown first.
        """
        screen = display.screen(self._shell, self._look)
        with Interrupts() as interrupts, self._storing():
            plan = self._prepare(body, screen, interrupts)
            if self._stored is not None:
                self._stored.begin()
            watch = Watch(screen, plan, self._session, interrupts, is_quiet=self._look.is_quiet)
            record = plan.record()
            failure = _stream(self._session, plan, record, watch, self._stored)
            while failure is None and (following := self._after(plan, record, watch)):
                if isinstance(following, BaseException):
                    failure = following
                    break
                plan, record = following, following.record()
                failure = _stream(self._session, plan, record, watch, None)
            reason = "stopped" if isinstance(failure, Stopped) else "broken" if failure else ""
            answer = record.answer(reason)
            self._keep(answer)
            if self._stored is not None:
                self._stored.finish(answer, plan, failure, watch)
            self._show(answer, plan, watch, failure)
            if failure is None:
                self._continue(answer, plan)
        if failure is not None:
            raise failure
        if interrupts.is_waiting:
            raise Stopped("the answer had just ended, and it is kept.")

    # ------------------------------------------------------------ before

    def _request(self, body: str) -> Request:
        arguments = self._arguments
        prompt = Prompt(
            self._expanded(body.strip("\n")),
            [read_file(Path(path)) for path in arguments.files],
            [self._image(word) for word in arguments.images],
        )
        if not prompt.whole.strip() and not prompt.images:
            raise BadUsage("The prompt is empty.", hint="Write it below %%ollama.")
        request = Request(
            prompt=prompt.whole,
            model=self._expanded(arguments.model),
            system=None if arguments.system is None else self._expanded(arguments.system),
            images=[image.base64 for image in prompt.images],
            format=self._format(arguments.format),
            tools=[self._tool(name) for name in arguments.tools],
            think=arguments.think,
            options=arguments.options,
            keep_alive=arguments.keep_alive,
            raw=arguments.is_raw,
            host=arguments.host,
            history=self._turns() if arguments.continues else (),
        )
        return self._continued(request, prompt) if arguments.chat else request

    def _continued(self, request: Request, prompt: Prompt) -> Request:
        """Complete a request with what its stored chat says."""
        arguments = self._arguments
        self._stored = StoredChat(
            self._chats, arguments.chat, cell_id(self._shell), is_new=arguments.is_new
        )
        return self._stored.request(request, prompt, self._session.settings.system)

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        """See to it that no stored answer seems to run on, whatever happens."""
        try:
            yield
        finally:
            if self._stored is not None:
                self._stored.abandon()

    def _prepare(self, body: str, screen: display.Screen, interrupts: Interrupts) -> Plan:
        def tick(seconds: float) -> None:
            if seconds >= QUIET_SECONDS and not self._look.is_quiet:
                with interrupts.held():
                    screen.status("connecting", seconds)

        try:
            with interrupts.open():
                request = self._request(body)
            if self._session.hosts.must_look(request.host) and not self._look.is_quiet:
                screen.status("connecting")
            with interrupts.open():
                return self._session.prepare(request, tick=tick)
        except KeyboardInterrupt:
            interrupts.close()
            screen.clear()
            # So that no older answer is taken for this cell's.
            provenance = Provenance(self._arguments.model)
            self._keep(Answer("", provenance=provenance, done_reason="stopped"))
            raise Stopped("nothing had been sent to the model.") from None
        except OllamaLabError:
            screen.clear()
            raise

    def _turns(self) -> list[prompts.Turn]:
        if self._arguments.is_new:
            self._history.clear()
        return self._history.before(cell_id(self._shell))

    def _expanded(self, text: str) -> str:
        settings = self._session.settings
        if not (self._arguments.expands and settings.expand and "{" in text):
            return text
        rendered = prompts.expand(text, self._names(), render=partial(_render, settings.table_rows))
        self._used.update(dict.fromkeys(rendered.used))
        self._missing.update(dict.fromkeys(rendered.missing))
        return rendered.text

    def _notes(self) -> list[str]:
        """Say what was put in, and what could not be."""
        notes = [f"put in: {', '.join(self._used)}"] if self._used else []
        if self._missing:
            missing = ", ".join("{" + name + "}" for name in self._missing)
            notes.append(f"no variable, left as typed: {missing}")
        return notes

    def _names(self) -> Mapping[str, Any]:
        names: dict[str, Any] = self._shell.user_ns
        return names

    def _image(self, word: str) -> Image:
        is_variable = word.isidentifier() and word in self._names() and not Path(word).exists()
        source = self._names()[word] if is_variable else Path(word)
        return read_image(source, longest_side=self._session.settings.image_pixels)

    def _format(self, word: str) -> Any:
        if word in ("", "json"):
            return word or None
        value = self._names().get(word)
        if value is None:
            raise BadUsage(
                f"--format is '{word}', which is no variable.",
                hint="It takes json, or the name of a JSON schema, a pydantic model, a dataclass.",
            )
        return value

    def _tool(self, name: str) -> Any:
        found = self._names().get(name)
        if not callable(found):
            raise BadUsage(
                f"--tools names '{name}', which is no function here.",
                hint="Define it in a cell above: def or async def.",
            )
        return found

    def _after(
        self, plan: Plan, record: Record, watch: Watch
    ) -> Plan | OllamaLabError | Stopped | None:
        """Run the tools that an answer wants; return what follows, or what ended it."""
        answer = record.answer()
        if not (plan.tools and answer.tool_calls):
            return self._again(plan, answer, watch)
        self._toolbox = self._toolbox or self._session.toolbox(plan)
        words = ", ".join(dict.fromkeys(call.name for call in answer.tool_calls))
        watch.restart(plan, f"calling {words}")
        try:
            with watch.interrupts.open():
                runs = self._toolbox.run(answer.tool_calls)
        except KeyboardInterrupt:
            watch.interrupts.close()
            return Stopped("the tool has been interrupted, and what came is kept.")
        following = plan.after_tools(answer, runs)
        watch.restart(following)
        return following

    def _again(self, plan: Plan, answer: Answer, watch: Watch) -> Plan | None:
        """Return what to ask once more, where an answer does not fit its form."""
        if self._stored is not None:  # what a chat was told stays in it
            return None
        following = plan.again(answer)
        if following is not None:
            watch.restart(following, f"asking again, as the answer did not fit: {answer.problem}")
        return following

    # ------------------------------------------------------------ after

    def _keep(self, answer: Answer) -> None:
        if self._arguments.output:
            self._shell.user_ns[self._arguments.output] = answer
        # As if the cell's value: _, _N and Out[N], although the magic returns None.
        self._shell.displayhook.update_user_ns(answer)

    def _show(
        self, answer: Answer, plan: Plan, watch: Watch, failure: BaseException | None
    ) -> None:
        if failure is not None and not answer.text and not answer.thinking:
            watch.screen.clear()
            return
        notes = [*self._notes(), *plan.notes, *self._said_of_storing()]
        if plan.times:
            notes.append(f"asked {plan.times + 1} times: an answer did not fit its form")
        if answer.problem:
            notes.append(_misfit(answer))
        lines = display.footer(
            answer,
            why=self._why(plan),
            first_token_seconds=watch.first_token_seconds,
            context_tokens=plan.context_tokens,
            own_limit=plan.own_limit,
            notes=notes,
        )
        watch.screen.finish(answer, lines, watch.thought_seconds)

    def _said_of_storing(self) -> list[str]:
        if self._stored is None:
            return []
        notes = list(self._stored.notes())
        if self._look.is_quiet and self._stored.error is not None:
            # Nothing stands below a quiet answer, but this must be known.
            sys.stderr.write(f"{notes[-1]}\n")
        return notes

    def _why(self, plan: Plan) -> str:
        is_chats = not self._arguments.model and self._stored and self._stored.names_the_model
        return plan.choice.why or ("the chat's" if is_chats else "")

    def _continue(self, answer: Answer, plan: Plan) -> None:
        """Do what a whole answer allows: the conversation goes on, its code goes into a cell."""
        if self._arguments.continues:
            self._history.put(cell_id(self._shell), exchange(answer, plan))
        if self._arguments.makes_next_cell and answer.code:
            self._shell.set_next_input(answer.code[0].text.rstrip("\n"), replace=False)


def _misfit(answer: Answer) -> str:
    if answer.data is None:
        return "The JSON is not whole: .data is None."
    return f"The answer does not fit its form: {answer.problem}."


def _stream(
    session: Session, plan: Plan, record: Record, watch: Watch, stored: StoredChat | None
) -> OllamaLabError | Stopped | None:
    """Run the plan to its end, and return what ended it early."""
    interrupts = watch.interrupts
    try:
        chunks = session.stream(plan, tick=watch.tick, pace=watch.screen.pace)
        # Closing the generator closes the socket: the model stops at once.
        with contextlib.closing(chunks), interrupts.open():
            for chunk in chunks:
                with interrupts.held():
                    record.add(chunk)
                    if stored is not None:
                        stored.add(chunk)
                    watch.take(chunk)
    except KeyboardInterrupt:
        interrupts.close()
        return Stopped("the model has stopped, and what came is kept.")
    except OllamaLabError as exc:
        return exc
    return None


def cell_id(shell: Any) -> str:
    """Return the front end's name for the cell that runs; empty where it gives none."""
    get_parent = getattr(shell, "get_parent", None)
    parent = get_parent() if get_parent is not None else {}
    metadata = parent.get("metadata") or {}
    return str(metadata.get("cellId") or "")


def _render(rows: int, value: Any, spec: str) -> str:
    """Render a value for a prompt; a table's rows are limited by the setting."""
    is_table = is_a(value, "pandas.DataFrame") or is_a(value, "pandas.Series")
    return render(value, spec or str(rows) if is_table else spec)
