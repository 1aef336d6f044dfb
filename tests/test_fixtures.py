"""The fixtures themselves: a kernel, a shell and an environment that can be trusted."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import environment
import gates
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fake_ollama import FakeOllama
    from live_kernel import Kernel
    from live_shell import Shell

SHOWN_TWICE = """
from IPython.display import display
handle = display({"text/plain": "first"}, raw=True, display_id=True)
print("between")
handle.update({"text/plain": "second"}, raw=True)
"""
WAITS = """
import time
print("begun", flush=True)
while True:
    time.sleep(0.05)
"""


def test_kernel_result_has_the_reply_and_the_outputs_in_order(warm_kernel: Kernel) -> None:
    result = warm_kernel.run("print('a'); display('b'); print('c'); 1 + 1")

    kinds = [output["output_type"] for output in result.outputs]
    assert result.status == "ok"
    assert kinds == ["stream", "display_data", "stream", "execute_result"]
    assert result.stdout == "a\nc\n"


def test_kernel_result_applies_display_updates(warm_kernel: Kernel) -> None:
    result = warm_kernel.run(SHOWN_TWICE)

    assert result.displayed == [{"text/plain": "second"}]
    assert [m.type for m in result.published][-1] == "update_display_data"


def test_kernel_result_names_the_error(warm_kernel: Kernel) -> None:
    result = warm_kernel.run("1 / 0")

    assert (result.status, result.ename) == ("error", "ZeroDivisionError")
    assert "ZeroDivisionError" in result.error_text


def test_kernel_result_counts_bytes_on_the_wire(warm_kernel: Kernel) -> None:
    small, large = warm_kernel.run("print('x')"), warm_kernel.run("print('x' * 100_000)")

    assert 100_000 <= large.size_bytes - small.size_bytes < 101_000


def test_kernel_asks_and_is_answered(warm_kernel: Kernel) -> None:
    result = warm_kernel.run("print(input('sure?'))", answers=["yes"])

    assert result.stdout == "yes\n"


def test_kernel_is_interrupted_when_a_message_was_seen(warm_kernel: Kernel) -> None:
    result = warm_kernel.run(WAITS, interrupt_when=lambda message: "begun" in message.text)

    assert result.ename == "KeyboardInterrupt"
    assert result.stdout == "begun\n"


def test_kernel_reaches_the_scripted_server(kernel: Kernel, ollama: FakeOllama) -> None:
    code = "import os, urllib.request; urllib.request.urlopen(os.environ['OLLAMA_HOST']).close()"

    result = kernel.run(code)

    assert result.status == "ok"
    assert [record.path for record in ollama.requests] == ["/"]


def test_kernel_is_interrupted_after_a_time(warm_kernel: Kernel) -> None:
    result = warm_kernel.run("import time; time.sleep(60)", interrupt_after=0.2)

    assert result.ename == "KeyboardInterrupt"
    assert 0.2 <= result.seconds < 30


def test_kernel_home_is_not_the_persons(kernel: Kernel, home: Path) -> None:
    result = kernel.run("from pathlib import Path; print(Path.home())")

    assert result.stdout.strip() == str(home)


def test_ip_captures_what_is_displayed(ip: Shell) -> None:
    ip.run("display({'text/markdown': '*hi*'}, raw=True)")

    assert [output["data"] for output in ip.published] == [{"text/markdown": "*hi*"}]


def test_ip_is_fresh_each_time(ip: Shell) -> None:
    assert ip.execution_count == 1
    assert "display_was_here" not in ip.user_ns


def test_ip_raises_what_the_cell_raised(ip: Shell) -> None:
    with pytest.raises(ZeroDivisionError):
        ip.run("1 / 0")


def test_environment_says_nothing_about_ollama(home: Path) -> None:
    told = [name for name in os.environ if name.startswith("OLLAMA_") or name.endswith("_PROXY")]

    assert set(told) <= {gates.REQUIRE_ALL}
    assert os.environ["HOME"] == str(home)


def test_environment_drops_proxies_in_either_case(tmp_path: Path) -> None:
    given = {"http_proxy": "x", "HTTPS_PROXY": "x", "OLLAMA_HOST": "x", "PATH": "/bin"}

    kept = environment.clean(given, tmp_path)

    assert not set(given) - {"PATH"} & set(kept)
    assert kept["PATH"] == "/bin"
