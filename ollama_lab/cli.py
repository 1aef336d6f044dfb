"""The command ``ollama-lab``: the door for a terminal."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ollama_lab import hosts, models, options, progress, settings, terminal
from ollama_lab.display import footer
from ollama_lab.errors import BadUsage, OllamaLabError, Unreachable
from ollama_lab.plan import Request
from ollama_lab.sanitize import visible
from ollama_lab.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ollama_lab.answer import Answer
    from ollama_lab.plan import Plan
    from ollama_lab.wire import PullProgress

FAILED, INTERRUPTED = 1, 130
_REDRAW_SECONDS = 0.1


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    terminal.take_any_character()
    arguments = parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except (OllamaLabError, ImportError) as exc:
        # One line, whatever a server's own words contain.
        print(f"ollama-lab: {' '.join(visible(str(exc)).split())}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has enough, as in `| head`; Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe the command line; ``--help`` and the documentation are made from it."""
    root = argparse.ArgumentParser(
        prog="ollama-lab",
        description="Local language models: ask them here, or open JupyterLab with them in it.",
    )
    root.add_argument("--version", action="version", version=f"ollama-lab {version('ollama-lab')}")
    commands = root.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_lab(commands)
    _add_ask(commands)
    _add_models(commands)
    _add_pull(commands)
    _add_doctor(commands)
    _add_serve(commands)
    _add_autoload(commands)
    return root


# ---------------------------------------------------------------- lab


def _add_lab(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "lab", _lab, "open JupyterLab on this machine, magics loaded")
    command.add_argument(
        "path",
        type=Path,
        nargs="?",
        default=Path(),
        help="a notebook or a directory; default: here",
    )


def _lab(arguments: argparse.Namespace) -> None:
    from ollama_lab import lab

    print(f"ollama-lab: {_answering(settings.load())}", flush=True)
    lab.start(arguments.path)


def _answering(chosen: settings.OllamaLab) -> str:
    """Say who will answer, without starting an engine that nobody has asked yet."""
    if chosen.allow_engine and hosts.engine_installed():
        chosen.allow_engine = False
        try:
            host = hosts.Hosts(chosen).resolve()
        except Unreachable:
            _insist_on_engine()
            return "no Ollama answers, so prompts go to the embedded engine."
    else:
        host = hosts.Hosts(chosen).resolve()
    return f"prompts go to {host.url} ({host.why})."


def _insist_on_engine() -> None:
    from ollama_lab.engine.requirements import problems

    for problem in problems():
        raise Unreachable(problem.what, hint=problem.remedy)


# ---------------------------------------------------------------- ask


def _add_ask(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "ask", _ask, "ask once; the answer streams to the terminal")
    command.add_argument("prompt", nargs="+", help="the prompt; - reads it from standard input")
    command.add_argument("-m", "--model", default="", help="the model; default: as %%%%ollama")
    command.add_argument("-s", "--system", help="the system prompt; default: the setting")
    command.add_argument(
        "-f", "--file", action="append", default=[], metavar="PATH", help="a text file to attach"
    )
    command.add_argument(
        "-i", "--image", action="append", default=[], metavar="PATH", help="an image to attach"
    )
    command.add_argument(
        "-O",
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a model option such as temperature=0; may be repeated",
    )
    _add_host(command)


def _ask(arguments: argparse.Namespace) -> None:
    from ollama_lab.attachments import as_prompt, read_file, read_image

    files = [read_file(path) for path in arguments.file]
    prompt = as_prompt(files, _prompt(arguments.prompt))
    with _session() as session:
        pixels = session.settings.image_pixels
        request = Request(
            prompt=prompt,
            model=arguments.model,
            system=arguments.system,
            images=[read_image(path, longest_side=pixels).base64 for path in arguments.image],
            options=dict(options.parse(option) for option in arguments.option),
            host=arguments.host,
        )
        plan = session.prepare(request)
        answer = _stream(session, plan)
        if sys.stderr.isatty():
            for line in footer(answer, why=plan.choice.why, notes=plan.notes):
                print(f"[{visible(line)}]", file=sys.stderr)


def _stream(session: Session, plan: Plan) -> Answer:
    """Write the answer to the output as it comes; what else there is to say goes to the errors."""
    record, status = plan.record(), terminal.StatusLine(sys.stderr)

    def tick(seconds: float) -> None:
        if not record.pieces:
            status.show(f"waiting for {plan.model.name}, {seconds:.0f} s")

    try:
        with closing(session.stream(plan, tick=tick)) as chunks:
            for chunk in chunks:
                record.add(chunk)
                if chunk.content:
                    status.clear()
                    print(visible(chunk.content), end="", flush=True)
    finally:
        status.clear()
        if (text := record.answer().text) and not text.endswith("\n"):
            print(flush=True)
    return record.answer()


def _prompt(words: list[str]) -> str:
    prompt = " ".join(words)
    if prompt == "-":
        # What is piped in is anything: bytes that are no UTF-8 show as such and end nothing.
        prompt = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not prompt.strip():
        raise BadUsage("The prompt is empty.", hint='Write one: ollama-lab ask "What is a kernel?"')
    return prompt


# ---------------------------------------------------------------- models and pull


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _add_host(_add(commands, "models", _models, "list the server's models"))


def _models(arguments: argparse.Namespace) -> None:
    with _session() as session:
        client = session.client(arguments.host)
        listed = models.with_loaded(client.list(), client.ps())
    rows = [("NAME", "SIZE", "PARAMETERS", "LOADED")]
    rows += [
        (
            visible(model.name),
            progress.size(model.size_bytes),
            visible(f"{model.parameter_size} {model.quantization}".strip()),
            _whereabouts(model),
        )
        for model in listed
    ]
    for line in terminal.columns(rows):
        print(line)


def _whereabouts(model: models.Model) -> str:
    if model.runs_elsewhere:
        return "runs elsewhere"
    return model.loaded.where if model.loaded else ""


def _add_pull(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "pull", _pull, "download a model to the server")
    command.add_argument("model", help="its name, such as llama3.2:1b")
    _add_host(command)


def _pull(arguments: argparse.Namespace) -> None:
    with _session() as session:
        client = session.client(arguments.host)
        with closing(client.pull(arguments.model)) as steps:
            _follow(steps)
    print(f"{visible(arguments.model)} is on {client.host.url}.")


def _follow(steps: Iterable[PullProgress]) -> None:
    """Draw a bar on a terminal; write plain lines where there is none, as in a log."""
    status = terminal.StatusLine(sys.stdout)
    pull, drawn, said = progress.Pull(), float("-inf"), ""
    try:
        for step in steps:
            now = time.monotonic()
            pull.feed(step, now)
            if status.is_terminal and now - drawn >= _REDRAW_SECONDS:
                status.show(f"{pull.bar()} {pull.figures() or pull.status}")
                drawn = now
            elif not status.is_terminal and (line := _milestone(pull)) != said:
                print(visible(line), flush=True)
                said = line
    finally:
        status.clear()


def _milestone(pull: progress.Pull) -> str:
    """Give what a log wants: one line a status, and one each tenth of a layer."""
    if not pull.status.startswith("pulling") or not pull.total_bytes:
        return pull.status
    return f"{pull.status}: {10 * int(10 * pull.share)} % of {progress.size(pull.total_bytes)}"


# ---------------------------------------------------------------- doctor, serve, autoload


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _add_host(_add(commands, "doctor", _doctor, "check every part, and name the remedies"))


def _doctor(arguments: argparse.Namespace) -> None:
    from ollama_lab import doctor

    is_well = True
    with _session() as session:
        for check in doctor.checks(session, arguments.host):
            is_well = is_well and check.is_ok
            words = f"{check.what}: {check.found} {check.remedy}".rstrip()
            print(f"{'well ' if check.is_ok else 'WRONG'}  {visible(words)}", flush=True)
    if not is_well:
        raise SystemExit(FAILED)


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "serve", _serve, "run the embedded engine in the foreground")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on")
    command.add_argument(
        "--port",
        type=int,
        default=hosts.PORT,
        help=f"port; 0 takes a free one, default {hosts.PORT}",
    )
    command.add_argument("--token", help="what clients must send; needed on an open address")
    command.add_argument("--models", type=Path, metavar="DIRECTORY", help="where models are kept")


def _serve(arguments: argparse.Namespace) -> None:
    from ollama_lab.engine import daemon

    daemon.serve(arguments.host, arguments.port, arguments.token, arguments.models)


def _add_autoload(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _add(commands, "autoload", _autoload, "load the magics in every kernel")
    command.add_argument(
        "state", choices=["on", "off", "status"], help="status says where it is on"
    )
    whose = command.add_mutually_exclusive_group()
    whose.add_argument(
        "--environment",
        dest="scope",
        action="store_const",
        const="environment",
        help="every kernel of this environment (the default where it can be written)",
    )
    whose.add_argument(
        "--user", dest="scope", action="store_const", const="user", help="every kernel of yours"
    )


def _autoload(arguments: argparse.Namespace) -> None:
    from ollama_lab import autoload

    if arguments.state == "on":
        place = autoload.switch_on(arguments.scope)
        print(f"On for every new kernel of this {place.scope}: wrote {place.file}")
    elif arguments.state == "off":
        removed = autoload.switch_off()
        for place in removed:
            print(f"Off for this {place.scope}: removed {place.file}")
        if not removed:
            print("It was off.")
    else:
        for place in autoload.places():
            print(f"{place.scope}: {'on' if place.is_on else 'off'} ({place.file})")


# ---------------------------------------------------------------- shared by several


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], None],
    words: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    command.set_defaults(run=run)
    return command


def _add_host(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--host", default="", metavar="URL", help="the server; default: as %%%%ollama"
    )


@contextmanager
def _session() -> Iterator[Session]:
    session = Session(settings.load())
    try:
        yield session
    finally:
        session.close()


if __name__ == "__main__":
    sys.exit(main())
