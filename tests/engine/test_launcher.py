from __future__ import annotations

import doctest
import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

import psutil
import pytest
import requests
from live_kernel import Kernel
from waiting import DEADLINE_SECONDS, wait_until

from ollama_lab.engine import daemon, download, launcher, locks, registry, requirements
from ollama_lab.engine.runtime import Place, Record, find_place
from ollama_lab.errors import Forbidden, TimedOut, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    from ollama_lab.engine.launcher import Running

pytestmark = pytest.mark.engine

# What another process does with the engine: says its number, then holds on to it.
HOLD = """
import sys
from ollama_lab.engine import launcher
running = launcher.connect()
print(running.pid, flush=True)
sys.stdin.read()
"""
# The same, but the one that holds on is a forked child, and the parent ends.
FORK = """
import os, sys
from ollama_lab.engine import launcher
running = launcher.connect()
if os.fork():
    print(running.pid, flush=True)
else:
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def swept(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End whatever engine a test leaves, and see that nothing of it is left."""
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "0")
    yield
    launcher.stop()
    wait_until(lambda: engines_in(home) == [])


@pytest.fixture
def lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let engines live on when nobody uses them."""
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_LINGER_SECONDS", "600")


@pytest.fixture
def engine() -> Iterator[Running]:
    running = launcher.connect()
    yield running
    running.close()


def engines_in(home: Path) -> list[int]:
    """Return the processes of engines whose runtime directory lies in a home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "ollama_lab.engine" in command and any(str(home) in word for word in command):
            found.append(process.pid)
    return found


def has_ended(pid: int) -> bool:
    """Say whether a process is over; the system's first process may take a while to notice."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def is_gone(pid: int) -> Callable[[], bool]:
    return lambda: has_ended(pid)


def version(running: Running, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{running.url}/api/version", headers=headers, timeout=20).status_code


def load_demo(running: Running) -> int:
    """Make the engine load a model, and return the model's process."""
    headers = {"Authorization": f"Bearer {running.token}"}
    body = {"model": "demo", "prompt": "hello", "stream": False}
    answer = requests.post(f"{running.url}/api/generate", json=body, headers=headers, timeout=60)
    assert answer.status_code == 200
    (child,) = psutil.Process(running.pid).children()
    return int(child.pid)


def leases() -> int:
    said = launcher.status()
    return said.leases if said else 0


@contextmanager
def process(code: str) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that reads until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


def number(stream: IO[str] | None) -> int:
    assert stream is not None
    return int(stream.readline())


def test_an_engine_is_started_and_answers_with_its_token(engine: Running) -> None:
    assert version(engine, engine.token) == 200
    assert engine.is_alive


def test_without_the_token_nobody_is_answered(engine: Running) -> None:
    assert version(engine, "guess") == 401


@pytest.mark.parametrize("path", ["lease", "status", "stop"])
def test_the_launcher_s_own_routes_ask_for_the_token_too(engine: Running, path: str) -> None:
    method = "POST" if path == "stop" else "GET"

    answer = requests.request(method, f"{engine.url}/ollama-lab/{path}", timeout=20)

    assert answer.status_code == 401
    assert engine.is_alive


def test_the_token_is_in_no_repr(engine: Running) -> None:
    assert engine.token not in repr(engine)


def test_the_same_process_finds_the_engine_it_started(engine: Running) -> None:
    again = launcher.connect()

    assert (again.pid, again.url, again.token) == (engine.pid, engine.url, engine.token)
    assert leases() == 2
    again.close()


def test_another_process_finds_the_same_engine(engine: Running) -> None:
    with process(HOLD) as other:
        assert number(other.stdout) == engine.pid


def test_processes_that_start_at_once_share_one_engine(home: Path) -> None:
    with process(HOLD) as one, process(HOLD) as two, process(HOLD) as three:
        pids = {number(each.stdout) for each in (one, two, three)}

        assert len(pids) == 1
        assert engines_in(home) == list(pids)


def test_the_engine_has_its_own_session_and_is_nobody_s_child(engine: Running) -> None:
    assert os.getsid(engine.pid) == engine.pid
    assert os.getpgid(engine.pid) == engine.pid
    assert engine.pid not in [child.pid for child in psutil.Process().children(recursive=True)]


def test_an_interrupt_of_the_process_that_started_it_leaves_the_engine_alone() -> None:
    with process(HOLD) as starter:
        pid = number(starter.stdout)
        mine = launcher.connect()

        os.killpg(starter.pid, signal.SIGINT)
        starter.wait(DEADLINE_SECONDS)

        assert mine.pid == pid
        assert version(mine, mine.token) == 200
        mine.close()


def test_the_engine_and_its_model_processes_end_with_the_last_lease(engine: Running) -> None:
    child = load_demo(engine)

    engine.close()

    wait_until(is_gone(engine.pid))
    wait_until(is_gone(child))
    assert not find_place().record.exists()


def test_a_killed_kernel_ends_its_lease() -> None:
    with process(HOLD) as kernel:
        pid = number(kernel.stdout)

        kernel.kill()

        wait_until(is_gone(pid))


def test_a_forked_child_does_not_keep_its_parent_s_lease() -> None:
    with process(FORK) as kernel:
        pid = number(kernel.stdout)

        wait_until(is_gone(pid))


@pytest.mark.usefixtures("lingering")
def test_an_engine_that_nobody_uses_lingers(engine: Running) -> None:
    engine.close()

    wait_until(lambda: leases() == 0)

    said = launcher.status()
    assert said is not None
    assert said.pid == engine.pid


def test_a_lease_that_nobody_refers_to_any_more_is_over() -> None:
    running: Running | None = launcher.connect()
    assert running is not None
    pid = running.pid

    running = None

    wait_until(is_gone(pid))


def test_status_says_who_uses_the_engine(engine: Running) -> None:
    said = launcher.status()

    assert said is not None
    assert (said.url, said.pid, said.leases, said.in_flight) == (engine.url, engine.pid, 1, 0)
    assert said.version == launcher.installed_version()


def test_without_an_engine_there_is_no_status_and_nothing_to_stop() -> None:
    assert launcher.status() is None
    assert launcher.stop() is False


def test_stop_ends_an_engine_that_is_in_use(engine: Running) -> None:
    child = load_demo(engine)

    assert launcher.stop() is True

    assert has_ended(child)
    assert not engine.is_alive


def test_connect_after_a_stop_starts_another_engine(engine: Running) -> None:
    launcher.stop()

    again = launcher.connect()

    assert again.pid != engine.pid
    assert version(again, again.token) == 200
    again.close()


def test_the_runtime_file_is_the_user_s_own_and_named_after_the_host(
    engine: Running, home: Path
) -> None:
    (record,) = (home / "runtime").glob("ollama-lab-engine-*.json")

    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert os.uname().nodename in record.name
    assert json.loads(record.read_text())["token"] == engine.token


def test_the_log_is_the_user_s_own(engine: Running) -> None:
    assert stat.S_IMODE(find_place().log.stat().st_mode) == 0o600


def test_an_engine_that_was_killed_is_replaced(engine: Running) -> None:
    os.kill(engine.pid, signal.SIGKILL)
    wait_until(is_gone(engine.pid))

    again = launcher.connect()

    assert not engine.is_alive
    assert again.pid != engine.pid
    again.close()


def test_a_model_process_does_not_outlive_a_killed_engine(engine: Running) -> None:
    child = load_demo(engine)

    os.kill(engine.pid, signal.SIGKILL)

    wait_until(is_gone(child))


def test_a_process_number_that_somebody_else_has_now_is_left_alone(engine: Running) -> None:
    place = find_place()
    record = place.read()
    assert record is not None
    launcher.stop()
    with process(HOLD.replace("launcher.connect()", "launcher")) as innocent:
        place.write(Record(record.url, record.token, innocent.pid, record.version))

        assert launcher.status() is None
        assert launcher.stop() is False
        assert innocent.poll() is None


def test_a_stale_address_is_not_trusted_with_a_request(engine: Running) -> None:
    # Somebody else may listen there by now; only the lock says that the engine lives.
    place = find_place()
    old = place.read()
    assert old is not None
    launcher.stop()
    place.write(old)

    again = launcher.connect()

    assert again.token != old.token
    again.close()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"url": 1}', '{"url": "", "token": "", "pid": 1, "version": "", "x": 1}'],
)
def test_a_runtime_file_that_is_none_is_replaced(text: str) -> None:
    find_place().record.write_text(text)

    running = launcher.connect()

    assert running.is_alive
    running.close()


def make_older(place: Place) -> None:
    record = place.read()
    assert record is not None
    place.write(Record(record.url, record.token, record.pid, "0.0.1"))


@pytest.mark.usefixtures("lingering")
def test_an_idle_engine_from_before_an_upgrade_is_replaced(engine: Running) -> None:
    engine.close()
    wait_until(lambda: leases() == 0)
    make_older(find_place())

    again = launcher.connect()

    assert again.pid != engine.pid
    wait_until(is_gone(engine.pid))
    again.close()


def test_a_busy_engine_from_before_an_upgrade_is_used(engine: Running) -> None:
    make_older(find_place())

    again = launcher.connect()

    assert again.pid == engine.pid
    again.close()


def test_a_home_that_cannot_be_written_leads_to_a_private_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/proc/runtime")
    monkeypatch.setenv("OLLAMA_LAB_ENGINE_MODELS", "/proc/models")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    running = launcher.connect()

    place = find_place()
    assert place.directory.parent == tmp_path
    assert stat.S_IMODE(place.directory.stat().st_mode) == 0o700
    assert f"models are kept in {place.directory}/models" in place.log.read_text()
    assert version(running, running.token) == 200
    running.close()
    wait_until(is_gone(running.pid))


def test_a_temporary_directory_that_others_can_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/proc/runtime")
    directory = tmp_path / f"ollama-lab-{os.getuid()}"
    directory.mkdir(mode=0o755)

    with pytest.raises(Forbidden) as caught:
        launcher.connect()

    assert str(caught.value) == (
        f"{directory} is not a private directory of yours. "
        "Set JUPYTER_RUNTIME_DIR to a directory that is."
    )
    directory.chmod(0o700)


def test_a_start_that_fails_says_the_last_line_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tornado.py").write_text("raise RuntimeError('no tornado today')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(Unreachable) as caught:
        launcher.connect()

    assert str(caught.value) == (
        "The embedded engine ended while it was starting: RuntimeError: no tornado today "
        f"Its log is {find_place().log}."
    )


def test_a_start_that_takes_too_long_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tornado.py").write_text("print('waiting')\nimport time; time.sleep(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")

    with pytest.raises(TimedOut, match=r"within 1 seconds; its log ends: (waiting|\(empty\))"):
        launcher.connect(start_seconds=1)

    wait_until(lambda: not locks.is_held(find_place().running))


def test_a_start_that_another_process_never_finishes_is_not_waited_for_for_ever() -> None:
    lock = locks.FileLock(find_place().starting)
    lock.acquire()

    with pytest.raises(TimedOut) as caught:
        launcher.connect(start_seconds=0.2)

    lock.release()
    assert str(caught.value) == (
        "The embedded engine did not answer within 0.2 seconds; its log ends: (no log) "
        f"The whole log is {find_place().log}."
    )


def test_an_engine_that_does_not_stop_is_named_with_the_command_that_ends_it() -> None:
    place = find_place()
    lock = locks.FileLock(place.running)
    lock.acquire()
    place.write(Record("http://127.0.0.1:9", "token", 12345, "0.1.0"))

    with pytest.raises(TimedOut) as caught:
        launcher.stop(wait_seconds=0.1)

    lock.release()
    assert str(caught.value) == (
        "The embedded engine did not stop within 0.1 seconds. End it with: kill -9 12345"
    )


def test_an_engine_that_finds_another_one_alive_leaves_the_place_to_it(home: Path) -> None:
    place = find_place()
    lock = locks.FileLock(place.running)
    lock.acquire()

    second = subprocess.run(
        [sys.executable, "-m", "ollama_lab.engine", place.directory, place.host],
        check=False,
        timeout=60,
    )

    lock.release()
    assert second.returncode == launcher.ANOTHER_RUNS
    assert not place.record.exists()


def test_without_jupyter_the_platform_s_runtime_directory_is_used(home: Path) -> None:
    code = (
        "import sys; sys.modules['jupyter_core'] = None;"
        "from ollama_lab.engine.runtime import find_place; print(find_place().directory)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout

    assert answer.strip() == str(home / "runtime" / "ollama-lab")


def test_a_missing_library_is_named_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libgomp.so.1").write_bytes(b"not a library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))

    with pytest.raises(Unreachable, match=r"libgomp\.so\.1.*apt-get install libgomp1"):
        launcher.connect()

    assert not find_place().log.exists()


def test_files_in_the_notebook_s_folder_do_not_get_into_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tornado.py").write_text("raise RuntimeError('mine')")
    monkeypatch.chdir(tmp_path)

    running = launcher.connect()

    assert running.is_alive
    running.close()


def test_importing_the_launcher_is_light() -> None:
    code = (
        "import sys; before = set(sys.modules); from ollama_lab.engine import launcher;"
        "heavy = {'tornado', 'requests', 'xllamacpp', 'urllib3', 'jupyter_core', 'asyncio'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    ).stdout

    assert answer.strip() == "[]"


def test_a_lock_is_free_again_when_its_holder_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys; from pathlib import Path; from ollama_lab.engine.locks import FileLock;"
        f"lock = FileLock(Path({str(path)!r})); print(int(lock.acquire()), flush=True);"
        "sys.stdin.read()"
    )
    with process(code) as holder:
        assert number(holder.stdout) == 1
        assert locks.is_held(path)

        holder.kill()

        wait_until(lambda: not locks.is_held(path))


def test_a_lock_on_a_file_that_was_removed_locks_the_new_file(tmp_path: Path) -> None:
    first, second = locks.FileLock(tmp_path / "lock"), locks.FileLock(tmp_path / "lock")
    first.acquire()
    first.path.unlink()

    assert second.acquire()
    assert locks.is_held(second.path)
    first.release()
    assert locks.is_held(second.path)
    second.release()


def test_hosts_that_share_a_home_have_files_of_their_own(tmp_path: Path) -> None:
    one, two = Place(tmp_path, "one"), Place(tmp_path, "two")

    assert not {one.record, one.running, one.log} & {two.record, two.running, two.log}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away: run as root")
def test_a_runtime_file_of_somebody_else_is_not_believed(engine: Running) -> None:
    place = find_place()
    os.chown(place.record, 65534, 65534)

    assert place.read() is None

    os.chown(place.record, os.getuid(), os.getgid())


@pytest.mark.usefixtures("lingering")
def test_a_kernel_that_is_interrupted_and_restarted_keeps_its_engine() -> None:
    cell = (
        "from ollama_lab.engine import launcher; e = launcher.connect(); print(e.pid, e.is_alive)"
    )
    with Kernel(os.environ) as kernel:
        first = kernel.run(cell).stdout
        kernel.interrupt()
        assert kernel.run("print(e.is_alive)").stdout == "True\n"
    wait_until(lambda: leases() == 0)

    with Kernel(os.environ) as kernel:
        second = kernel.run(cell).stdout

    assert first == second
    assert first.endswith("True\n")


@pytest.mark.parametrize("module", [launcher, requirements, daemon, download, registry])
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_reading_a_place_without_a_runtime_file_says_none(tmp_path: Path) -> None:
    assert Place(tmp_path, "here").read() is None
