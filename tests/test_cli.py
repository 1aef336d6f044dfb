"""The command ``ollama-lab``, in this process and as a process of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from fake_ollama import FakeModel, Status, Text, Wait

from ollama_lab import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fake_ollama import FakeOllama

COMMANDS = ("lab", "ask", "models", "pull", "doctor", "serve", "autoload")
RUN = [sys.executable, "-m", "ollama_lab.cli"]
DEADLINE_SECONDS = 30


@pytest.fixture
def server(ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> FakeOllama:
    """The scripted server, named by OLLAMA_HOST."""
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    return ollama


class Terminal:
    """A command whose input and outputs are a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self._ours = ours
        self.process = subprocess.Popen(
            [*RUN, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self.shown = ""

    def read_until(self, wanted: str) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not re.search(wanted, self.shown):
            assert time.monotonic() < deadline, self.shown
            assert self._read() or re.search(wanted, self.shown), self.shown

    def read_to_end(self) -> int:
        while self._read():
            pass
        return self.process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> bool:
        """Read what comes; False when the other end is closed."""
        if not select.select([self._ours], [], [], DEADLINE_SECONDS)[0]:
            return False
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            return False
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@pytest.fixture
def terminal() -> Iterator[type[Terminal]]:
    """Make terminals, and close them at the end."""
    opened: list[Terminal] = []

    class Closed(Terminal):
        def __init__(self, *arguments: str) -> None:
            super().__init__(*arguments)
            opened.append(self)

    yield Closed
    for one in opened:
        one.close()


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


# ---------------------------------------------------------------- the whole command


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])

    assert ended.value.code == 0
    assert re.search(rf"^ +{command} ", capsys.readouterr().out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])

    assert ended.value.code == 0
    assert f"ollama-lab {command}" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])

    assert re.fullmatch(r"ollama-lab \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_an_error_is_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:1")

    code = cli.main(["models"])

    printed = capsys.readouterr()
    assert code == 1
    assert printed.out == ""
    assert printed.err.startswith("ollama-lab: Nothing answers at http://127.0.0.1:1")
    assert printed.err.count("\n") == 1


def test_no_command_imports_jupyter_or_the_engine_before_it_is_needed() -> None:
    code = "import sys, ollama_lab.cli; print(sorted({m.split('.')[0] for m in sys.modules}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(re.findall(r"'(\w+)'", done.stdout))
    assert not loaded & {"requests", "tornado", "IPython", "jupyterlab", "xllamacpp", "sqlite3"}


def test_lab_without_ollama_and_engine_names_the_ways_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_LAB_ALLOW_PROBE", "False")
    monkeypatch.setenv("OLLAMA_LAB_ALLOW_ENGINE", "False")

    assert cli.main(["lab"]) == 1
    assert capsys.readouterr().err.startswith("ollama-lab: No Ollama answers")


# ---------------------------------------------------------------- ask


def test_ask_prints_the_answer_alone(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say("A kernel runs code.")

    code = cli.main(["ask", "What", "is", "a", "kernel?"])

    assert code == 0
    assert capsys.readouterr().out == "A kernel runs code.\n"
    assert server.calls("/api/chat")[-1].body["messages"][-1]["content"] == "What is a kernel?"


def test_ask_sends_model_system_and_options(server: FakeOllama) -> None:
    cli.main(["ask", "-m", "tiny-think", "-s", "Be brief.", "-O", "temperature=0", "Hi"])

    body = server.calls("/api/chat")[-1].body
    assert body["model"] == "tiny-think:latest"
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["options"]["temperature"] == 0


def test_ask_reads_the_prompt_from_standard_input(server: FakeOllama) -> None:
    done = run("ask", "-", stdin="From a pipe\n")

    assert done.returncode == 0
    assert server.calls("/api/chat")[-1].body["messages"][-1]["content"] == "From a pipe\n"


def test_ask_sends_a_file(server: FakeOllama, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n")

    cli.main(["ask", "-f", str(tmp_path / "a.csv"), "Sum x."])

    content = server.calls("/api/chat")[-1].body["messages"][-1]["content"]
    assert content.startswith("File `a.csv`:")
    assert content.endswith("Sum x.")


def test_an_empty_prompt_is_an_error(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ask", " "]) == 1
    assert capsys.readouterr().err == (
        'ollama-lab: The prompt is empty. Write one: ollama-lab ask "What is a kernel?"\n'
    )


def test_what_a_model_writes_cannot_command_the_terminal(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say("red \x1b[31m and \x07 bell")

    cli.main(["ask", "Hi"])

    assert capsys.readouterr().out == "red ␛[31m and ␇ bell\n"


def test_what_a_server_refuses_with_cannot_command_the_terminal(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script("/api/tags", [Status(400, {"error": "a \x1b[31m b"})])

    cli.main(["models"])

    assert "\x1b" not in capsys.readouterr().err


def test_a_terminal_that_knows_few_characters_ends_nothing(server: FakeOllama) -> None:
    server.say("Schöne Grüße →")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run([*RUN, "ask", "Hi"], env=env, capture_output=True, check=False)

    assert done.stdout == b"Sch\\xf6ne Gr\\xfc\\xdfe \\u2192\n"


def test_a_reader_that_has_enough_ends_the_command_quietly(server: FakeOllama) -> None:
    server.say("word " * 100_000)
    process = subprocess.Popen([*RUN, "ask", "Hi"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None

    process.stdout.read(10)
    process.stdout.close()

    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(DEADLINE_SECONDS) == 1


def test_ctrl_c_ends_an_answer_with_130_and_releases_the_server(server: FakeOllama) -> None:
    server.script("tiny", [Text("Half an answer"), Wait()])
    process = subprocess.Popen([*RUN, "ask", "Hi"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(4) == b"Half"

    process.send_signal(signal.SIGINT)

    assert process.stdout.read() == b" an answer\n"
    assert process.stderr.read() == b""
    assert process.wait(DEADLINE_SECONDS) == 130
    assert server.calls("/api/chat")[-1].wait_for_hangup() is not None
    process.stdout.close()
    process.stderr.close()


def test_on_a_terminal_ask_says_what_it_waits_for_and_what_wrote_the_answer(
    server: FakeOllama, terminal: type[Terminal]
) -> None:
    server.script("tiny", [Wait(1.0), Text("Here.")])

    shown = terminal("ask", "Hi")

    assert shown.read_to_end() == 0
    assert re.search(r"waiting for tiny:latest, \d s", shown.shown)
    assert re.search(r"Here\.\r\n\[tiny:latest \(the newest here\)", shown.shown)


# ---------------------------------------------------------------- models and pull


def test_models_lists_name_size_and_place(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    server.model("tiny").load()

    cli.main(["models"])

    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "SIZE", "PARAMETERS", "LOADED"]
    assert first.split() == ["tiny:latest", "1.3", "GB", "1.2B", "Q4_K_M", "CPU"]


def test_models_marks_what_runs_on_other_machines(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    server.add(FakeModel("big:120b-cloud", remote_host="https://ollama.com:443"))

    cli.main(["models"])

    assert re.search(r"^big:120b-cloud .* runs elsewhere$", capsys.readouterr().out, re.MULTILINE)


def test_pull_in_a_pipe_writes_plain_lines(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["pull", "qwen3:0.6b"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "pulling manifest"
    assert lines[-1] == f"qwen3:0.6b is on {server.url}."
    assert "\r" not in "".join(lines)
    assert len(lines) == len(set(lines))


def test_pull_on_a_terminal_draws_a_bar(server: FakeOllama, terminal: type[Terminal]) -> None:
    shown = terminal("pull", "qwen3:0.6b")

    assert shown.read_to_end() == 0
    assert "▕" in shown.shown
    assert "qwen3:0.6b is on" in shown.shown


def test_pulling_what_no_registry_has_is_an_error(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["pull", "nothing-of-this-name"]) == 1
    assert "The registry knows no model 'nothing-of-this-name'." in capsys.readouterr().err


# ---------------------------------------------------------------- doctor


def test_doctor_finds_a_good_server_well(
    server: FakeOllama, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor"]) == 0
    assert f"well   server: {server.url} (OLLAMA_HOST)" in capsys.readouterr().out


def test_doctor_fails_with_a_remedy_where_nothing_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--host", "http://127.0.0.1:1"])

    assert ended.value.code == 1
    assert "WRONG  server: Nothing answers at http://127.0.0.1:1" in capsys.readouterr().out


# ---------------------------------------------------------------- autoload


def test_autoload_says_what_it_wrote_and_what_it_removed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home / ".ipython" / "profile_default" / "startup" / "50-ollama-lab.py"

    cli.main(["autoload", "on", "--user"])
    cli.main(["autoload", "status"])
    cli.main(["autoload", "off"])
    cli.main(["autoload", "off"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"On for every new kernel of this user: wrote {file}"
    assert lines[2] == f"user: on ({file})"
    assert lines[3] == f"Off for this user: removed {file}"
    assert lines[4] == "It was off."


# ---------------------------------------------------------------- serve


@pytest.mark.engine
def test_serve_answers_until_ctrl_c(terminal: type[Terminal]) -> None:
    shown = terminal("serve", "--port", "0")
    shown.read_until(r"Listening on http://127\.0\.0\.1:\d+")
    url = re.findall(r"http://127\.0\.0\.1:\d+", shown.shown)[0]

    listed = run("models", "--host", url)
    shown.process.send_signal(signal.SIGINT)

    assert "demo:latest" in listed.stdout
    assert shown.read_to_end() in (0, 130)


def test_serve_refuses_an_open_address_without_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 1
    assert "--token" in capsys.readouterr().err
