"""``%load_ext``: light, quiet, ours, and gone without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fake_ollama import Text, Wait

import ollama_lab

if TYPE_CHECKING:
    from pathlib import Path

    from fake_ollama import FakeOllama
    from live_kernel import Kernel
    from live_shell import Shell

HEAVY = (
    "tornado requests httpx ipywidgets flask jupyter_server sqlite3 markdown_it urllib3 pandas "
    "numpy PIL"
)


def python(code: str) -> str:
    """Run code in a process of its own and give what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_loading_imports_nothing_heavy() -> None:
    code = f"""
import sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell.instance(config=Config({{'HistoryManager': {{'enabled': False}}}}))
before = set(sys.modules)
shell.run_line_magic('load_ext', 'ollama_lab')
new = {{name.partition('.')[0] for name in set(sys.modules) - before}}
print(sorted(new & set({HEAVY.split()!r})))
"""

    assert python(code).strip() == "[]"


def test_loading_contacts_nobody_and_starts_no_thread(kernel: Kernel, ollama: FakeOllama) -> None:
    threads = "import threading; print(sorted(t.name for t in threading.enumerate()))"
    before = kernel.run(threads).stdout

    loaded = kernel.run("%load_ext ollama_lab")

    assert loaded.status == "ok"
    assert loaded.published == []
    assert kernel.run(threads).stdout == before
    assert ollama.requests == []


@pytest.mark.parametrize("name", ["ollama", "ollama_lab"])
@pytest.mark.parametrize("kind", ["line", "cell"])
def test_both_magics_have_both_names(shell: Shell, name: str, kind: str) -> None:
    assert name in shell.magics_manager.magics[kind]


def test_the_long_name_does_the_same(shell: Shell, ollama: FakeOllama) -> None:
    ollama.say("Yes.")

    shell.run("%%ollama_lab -o answer\nHello")

    assert shell.user_ns["answer"].text == "Yes."


def test_a_foreign_magic_is_replaced_with_one_line(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    def foreign(line: Any, cell: str) -> str:
        return "foreign"

    shell.run("%unload_ext ollama_lab")
    foreign.__module__ = "other_package.magics"
    shell.magics_manager.register_function(foreign, "cell", "ollama")

    shell.run("%load_ext ollama_lab")
    shell.run("%%ollama -o answer\nHello")

    said = capsys.readouterr().err
    assert said == (
        "%%ollama of other_package.magics is replaced; it is ours now, as is %%ollama_lab.\n"
    )
    assert shell.user_ns["answer"].done_reason == "stop"


def test_loading_twice_is_loading_once(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    before = shell.magics_manager.magics["cell"]["ollama"]

    shell.run("%load_ext ollama_lab")

    assert shell.magics_manager.magics["cell"]["ollama"] == before
    assert "replaced" not in capsys.readouterr().err


def test_loading_again_leaves_one_completer(shell: Shell) -> None:
    shell.run("%reload_ext ollama_lab")

    assert len(shell.Completer.custom_matchers) == 1


def test_unloading_takes_everything_away(shell: Shell, ollama: FakeOllama) -> None:
    shell.run("%%ollama\nHello")

    shell.run("%unload_ext ollama_lab")

    magics = shell.magics_manager.magics
    assert not {"ollama", "ollama_lab"} & {*magics["line"], *magics["cell"]}
    assert shell.Completer.custom_matchers == []


def test_unloading_closes_connections(shell: Shell, ollama: FakeOllama) -> None:
    shell.run("%%ollama\nHello")
    magics = ollama_lab._LOADED[id(shell)]

    shell.run("%unload_ext ollama_lab")

    assert magics.kernel.session._clients == {}
    magics.names.wait(5)


def test_a_bad_setting_speaks_at_the_first_prompt(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ollama_lab.errors import BadUsage

    monkeypatch.setenv("OLLAMA_LAB_TABLE_ROWS", "many")

    with pytest.raises(BadUsage, match="OLLAMA_LAB_TABLE_ROWS"):
        shell.run("%%ollama\nHello")


def test_a_setting_of_ipythons_own_config_counts(shell: Shell, ollama: FakeOllama) -> None:
    shell.config.OllamaLab.model = "tiny-think"

    shell.run("%%ollama\nHello")

    assert ollama.calls("/api/chat")[-1].model == "tiny-think:latest"


# ---------------------------------------------------------------- plain IPython, in a terminal


def ipython(ollama: FakeOllama, *cells: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run cells in IPython as in a terminal without a screen."""
    code = "\n".join(
        f"done = get_ipython().run_cell({cell!r})" for cell in ["%load_ext ollama_lab", *cells]
    )
    return subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code],
        env={**os.environ, "OLLAMA_HOST": ollama.url, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_terminal_shows_the_answer_as_plain_text(ollama: FakeOllama, home: Path) -> None:
    ollama.say("**Blue**, as\never.")

    done = ipython(ollama, "%%ollama tiny\nHello", home=home)

    answer, words = done.stdout.rstrip("\n").rsplit("\n", 1)
    assert answer == "**Blue**, as\never."
    assert words.startswith("[tiny:latest · ")


def test_a_terminal_gets_no_escape_sequence_of_the_models(ollama: FakeOllama, home: Path) -> None:
    ollama.script("*", [Text("a\x1b]0;title\x07\x9b31mb\r\x1b[2J"), Text("\ud83d\x08.")])

    done = ipython(ollama, "%%ollama tiny\nHello", home=home)

    assert done.stdout.startswith("a␛]0;title␇␛[31mb␍␛[2J\ufffd␈.\n")
    assert not set(done.stdout) & {"\x1b", "\x07", "\x9b", "\x08", "\r"}


def test_a_terminal_says_what_went_wrong_in_one_line(ollama: FakeOllama, home: Path) -> None:
    done = ipython(ollama, "%%ollama zebra\nHello", home=home)

    assert (done.stdout + done.stderr).strip() == (
        "ModelNotFound: Model 'zebra' is not on this server. Pull it with: %ollama pull zebra"
    )


def test_a_quiet_terminal_shows_the_answer_alone(ollama: FakeOllama, home: Path) -> None:
    ollama.say("Blue.", thinking="Hm.")

    assert ipython(ollama, "%%ollama tiny-think -q\nHello", home=home).stdout == "Blue.\n"


def test_a_terminal_shows_text_before_the_answer_has_ended(ollama: FakeOllama, home: Path) -> None:
    ollama.script("*", [Text("First"), Wait(None)])
    code = "get_ipython().run_line_magic('load_ext', 'ollama_lab')\n"
    code += "get_ipython().run_cell('%%ollama tiny\\nHello')"
    command = [sys.executable, "-m", "IPython", "--no-banner", "-c", code]
    env = {**os.environ, "OLLAMA_HOST": ollama.url}

    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.read(5) == b"First"
        run.send_signal(2)
        rest, errors = run.communicate(timeout=20)

    assert b"Stopped by you: this is what had come." in rest
    assert b"Traceback" not in rest + errors
    ollama.calls("/api/chat")[-1].wait_for_hangup()
