from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from fake_registry import LAYER, FakeRegistry, Sending
from waiting import DEADLINE_SECONDS, wait_until

from ollama_lab.engine.failure import EngineError
from ollama_lab.engine.pull import Cancelled, pull
from ollama_lab.engine.registry import _Session
from ollama_lab.engine.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BIG = bytes(range(256)) * 16_000  # 4 MB that only has to arrive
PULLING = re.compile(r"pulling [0-9a-f]{12}")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def never() -> bool:
    return False


def quiet(line: dict[str, Any]) -> None:
    """Drop a progress object."""


def fetch(store: Store, name: str, **options: Any) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    pull(store, name, lines.append, cancelled=never, **options)
    return lines


def partial_of(store: Store, digest: str) -> Path:
    return store.root / "blobs" / f"{digest.replace(':', '-')}-partial"


def big_model(registry: FakeRegistry, name: str = "tiny") -> tuple[str, str]:
    """Publish a model of one big layer; return its name and the layer's digest."""
    layer = registry.add_blob(BIG)
    return registry.add_model(name, [layer, registry.add_blob(b"none")]), layer["digest"]


def test_a_pull_stores_manifest_and_blobs_byte_for_byte(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)

    fetch(store, name)

    model = store.get(name)
    blob = store.blob(digest)
    assert model.path.read_bytes() == registry.manifests["tiny"]
    assert blob is not None
    assert blob.read_bytes() == BIG
    assert not list(store.root.rglob("*-partial*"))


def test_the_steps_are_those_of_ollama(registry: FakeRegistry, store: Store) -> None:
    name, _ = big_model(registry)

    lines = fetch(store, name)

    steps = [line["status"] for line in lines if not PULLING.fullmatch(line["status"])]
    assert steps == [
        "pulling manifest",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]


def test_a_slow_layer_reports_digest_total_and_growing_completed(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(pace_seconds=0.01))

    lines = [line for line in fetch(store, name) if line.get("digest") == digest]

    assert {line["status"] for line in lines} == {f"pulling {digest[7:19]}"}
    assert {line["total"] for line in lines} == {len(BIG)}
    assert [line["completed"] for line in lines] == sorted({line["completed"] for line in lines})
    assert list(lines[0]) == ["status", "digest", "total", "completed"]


def test_layers_on_disk_report_once_and_are_not_downloaded(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    fetch(store, name)
    registry.seen.clear()

    lines = fetch(store, name)

    assert [seen.path for seen in registry.seen] == ["/v2/library/tiny/manifests/latest"]
    assert lines[1] == {
        "status": f"pulling {digest[7:19]}",
        "digest": digest,
        "total": len(BIG),
        "completed": len(BIG),
    }
    assert len(lines) == 7  # manifest, three layers, verifying, writing, success


def test_a_layer_in_a_read_only_store_is_not_downloaded(
    registry: FakeRegistry, store: Store, tmp_path: Path
) -> None:
    name, digest = big_model(registry)
    fetch(store, name)

    fetch(Store(tmp_path / "second", [store.root]), name)

    assert len(registry.ranges(digest)) == 1


def test_a_cut_connection_goes_on_with_a_range(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(cut_after=3_000_000), Sending())

    fetch(store, name)

    first, second = registry.ranges(digest)
    assert first is None
    assert second is not None
    assert int(second[6:-1]) > 2_900_000
    assert store.blob(digest) is not None


def test_a_killed_pull_goes_on_where_it_ended(
    registry: FakeRegistry, store: Store, tmp_path: Path
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(stall_after=2_000_000), Sending())
    code = (
        "import sys; from pathlib import Path; from ollama_lab.engine import pull, store;"
        "pull.pull(store.Store(Path(sys.argv[1])), sys.argv[2], print, cancelled=lambda: False)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.root), name], stdout=subprocess.DEVNULL
    ) as process:
        assert registry.stalled.wait(DEADLINE_SECONDS)
        wait_until(lambda: partial_of(store, digest).stat().st_size > 1_800_000)
        process.send_signal(signal.SIGKILL)
    have = partial_of(store, digest).stat().st_size

    fetch(store, name)

    assert registry.ranges(digest)[-1] == f"bytes={have}-"
    blob = store.blob(digest)
    assert blob is not None
    assert blob.read_bytes() == BIG


def test_a_server_without_ranges_starts_over(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(cut_after=1_000_000), Sending(has_ranges=False))

    fetch(store, name)

    blob = store.blob(digest)
    assert blob is not None
    assert blob.read_bytes() == BIG


def test_a_range_that_begins_elsewhere_is_not_written(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(cut_after=1_000_000), Sending(wrong_range=True), Sending())

    fetch(store, name)

    blob = store.blob(digest)
    assert blob is not None
    assert blob.read_bytes() == BIG


def test_a_silent_connection_is_tried_again(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(stall_after=1_000_000), Sending())

    fetch(store, name, stall_seconds=1.0)

    assert len(registry.ranges(digest)) == 2
    assert store.blob(digest) is not None


def test_a_connection_that_stays_silent_ends_the_pull_in_words(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(stall_after=0))

    with pytest.raises(EngineError, match=r"max retries exceeded: Get .* no byte came in time"):
        fetch(store, name, stall_seconds=0.2, tries=2)


def test_a_registry_that_never_answers_ends_the_pull_in_words(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(is_silent=True))

    with pytest.raises(EngineError, match=r"max retries exceeded: Get .* no byte came in time"):
        fetch(store, name, stall_seconds=0.2, tries=2)


def test_a_blob_that_the_registry_does_not_have_ends_the_pull_at_once(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(status=404))

    with pytest.raises(EngineError, match=r"^file does not exist$"):
        fetch(store, name)

    assert len(registry.ranges(digest)) == 1


def test_a_blob_that_is_shorter_than_its_manifest_says_ends_in_words(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(cut_after=100_000), Sending(status=416))

    with pytest.raises(EngineError, match="the registry has no bytes after that"):
        fetch(store, name, tries=2)


def test_a_server_that_always_cuts_ends_the_pull_in_words(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(cut_after=0))

    with pytest.raises(EngineError, match="max retries exceeded: unexpected EOF"):
        fetch(store, name, tries=2)


def test_a_server_error_is_quoted_when_it_stays(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(status=503))

    with pytest.raises(EngineError, match="max retries exceeded: 503: no such luck"):
        fetch(store, name, tries=2)


def test_a_wrong_digest_is_refused_and_nothing_of_it_stays(
    registry: FakeRegistry, store: Store
) -> None:
    layer = registry.add_blob(b"what the manifest means")
    name = registry.add_model("wrong", [layer])
    registry.blobs[layer["digest"]] = b"what the registry sends"
    got = hashlib.sha256(b"what the registry sends").hexdigest()

    with pytest.raises(EngineError) as caught:
        fetch(store, name)

    assert caught.value.message == (
        f"digest mismatch, file must be downloaded again: want {layer['digest']}, got sha256:{got}"
    )
    assert not [path for path in store.root.rglob("*") if path.is_file()]


def test_more_bytes_than_the_manifest_says_are_not_written(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(extra=b"x" * 1_000_000))

    with pytest.raises(EngineError, match="sends more than the 4096000 bytes"):
        fetch(store, name)

    assert partial_of(store, digest).stat().st_size <= len(BIG)


def test_a_partial_file_that_is_too_long_is_thrown_away(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    store.own_blob(digest)
    partial_of(store, digest).write_bytes(BIG + b"more")

    fetch(store, name)

    assert registry.ranges(digest) == [None]
    assert store.blob(digest) is not None


def test_an_unknown_model_is_said_as_ollama_says_it(registry: FakeRegistry, store: Store) -> None:
    with pytest.raises(EngineError) as caught:
        fetch(store, f"{registry.host}/library/nope")

    assert caught.value.message == "pull model manifest: file does not exist"


def test_a_model_that_is_too_new_is_said_as_ollama_says_it(
    registry: FakeRegistry, store: Store
) -> None:
    name, _ = big_model(registry)
    registry.manifest_status = 412
    registry.manifests["tiny"] = b"needs a newer version"

    with pytest.raises(EngineError, match="pull model manifest: 412: needs a newer version"):
        fetch(store, name)


def test_a_model_for_signed_in_users_is_refused_in_words(
    registry: FakeRegistry, store: Store
) -> None:
    name, _ = big_model(registry)
    registry.manifest_status = 401

    with pytest.raises(EngineError, match="unauthorized: access denied"):
        fetch(store, name)


def test_an_unknown_host_is_said_as_ollama_says_it(store: Store) -> None:
    with pytest.raises(EngineError) as caught:
        fetch(store, "no-such-host.invalid/library/tiny")

    assert caught.value.message == (
        'pull model manifest: Get "https://no-such-host.invalid/v2/library/tiny/manifests/latest": '
        "dial tcp: lookup no-such-host.invalid: no such host"
    )


def test_a_registry_that_is_not_there_is_said_as_ollama_says_it(store: Store) -> None:
    with FakeRegistry() as gone:
        host = gone.host

    with pytest.raises(EngineError) as caught:
        fetch(store, f"{host}/library/tiny")

    assert caught.value.message.endswith(f"dial tcp {host}: connect: connection refused")


def test_a_registry_that_hangs_up_is_quoted(store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()

        with pytest.raises(EngineError, match=r"^pull model manifest: Get \"http://127"):
            fetch(store, f"{host}/library/tiny")

        thread.join(DEADLINE_SECONDS)


def test_a_manifest_without_an_end_is_refused(registry: FakeRegistry, store: Store) -> None:
    name = registry.publish("long", ["x" * 5_000_000])

    with pytest.raises(EngineError, match="the registry's answer is too long for one"):
        fetch(store, name)


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param("a text", id="a string"),
        pytest.param([], id="a list"),
        pytest.param({}, id="no layers"),
        pytest.param({"layers": [{"digest": "sha256:00"}]}, id="no size"),
        pytest.param({"layers": ["a"]}, id="a layer that is a string"),
        pytest.param({"layers": [{"digest": "sha256:" + "0" * 64, "size": -1}]}, id="negative"),
    ],
)
def test_an_answer_that_is_no_manifest_is_refused(
    registry: FakeRegistry, store: Store, manifest: Any
) -> None:
    name = registry.publish("odd", manifest)

    with pytest.raises(EngineError, match="the registry's answer is no manifest"):
        fetch(store, name)


@pytest.mark.parametrize("digest", ["sha256:../../../../etc/x", "../x", "sha256:" + "A" * 64])
def test_a_digest_that_is_none_is_refused(
    registry: FakeRegistry, store: Store, digest: str
) -> None:
    name = registry.publish("odd", {"layers": [{"digest": digest, "size": 1}]})

    with pytest.raises(EngineError, match="invalid digest format"):
        fetch(store, name)


def test_a_model_of_tensors_is_refused_as_ollama_does(registry: FakeRegistry, store: Store) -> None:
    layer = {"mediaType": f"{LAYER}tensor", **registry.add_blob(b"weights")}
    name = registry.publish("mlx", {"layers": [layer]})

    with pytest.raises(EngineError, match="requires MLX support"):
        fetch(store, name)


def once_silent(registry: FakeRegistry, partial: Path) -> Callable[[], bool]:
    """Return a `cancelled` that says True when all that came before a silence is on disk."""
    # The rest of the 2,000,000 bytes is no whole piece of 64 kB, so it is awaited when this holds.
    return lambda: registry.stalled.is_set() and partial.stat().st_size >= 30 * 65_536


def test_cancelling_keeps_what_came_and_closes_a_silent_connection(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(stall_after=2_000_000))
    cancelled = once_silent(registry, partial_of(store, digest))
    raised: list[BaseException] = []

    def run() -> None:
        try:
            pull(store, name, quiet, cancelled=cancelled)
        except Cancelled as exc:
            raised.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    # The connection may be silent for 30 s, so only the cancelling can end it this soon.
    thread.join(DEADLINE_SECONDS)

    assert not thread.is_alive()
    assert len(raised) == 1
    assert registry.hung_up.wait(DEADLINE_SECONDS)
    assert partial_of(store, digest).stat().st_size > 1_800_000


def test_cancelling_works_before_the_first_byte_of_a_layer(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(is_silent=True))

    with pytest.raises(Cancelled):
        pull(store, name, quiet, cancelled=registry.stalled.is_set)

    assert registry.hung_up.wait(DEADLINE_SECONDS)


def test_cancelling_works_before_the_first_byte_of_the_manifest(
    registry: FakeRegistry, store: Store
) -> None:
    name, _ = big_model(registry)
    registry.manifest_is_silent = True

    with pytest.raises(Cancelled):
        pull(store, name, quiet, cancelled=registry.stalled.is_set)

    assert registry.hung_up.wait(DEADLINE_SECONDS)


def test_cancelling_works_between_two_tries(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(status=503))

    with pytest.raises(Cancelled):
        pull(store, name, quiet, cancelled=lambda: len(registry.ranges(digest)) > 3)


def test_cancelling_works_while_another_pull_brings_the_layer(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(stall_after=2_000_000))
    is_over = threading.Event()

    def run() -> None:
        with suppress(Cancelled):
            pull(Store(store.root), name, quiet, cancelled=is_over.is_set)

    first = threading.Thread(target=run)
    first.start()
    assert registry.stalled.wait(DEADLINE_SECONDS)
    lines: list[dict[str, Any]] = []

    with pytest.raises(Cancelled):
        pull(store, name, lines.append, cancelled=lambda: len(lines) > 1)

    is_over.set()
    first.join(DEADLINE_SECONDS)
    assert lines[1]["digest"] == digest
    assert len(registry.ranges(digest)) == 1


def test_the_next_pull_goes_on_after_a_cancelled_one(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(stall_after=2_000_000), Sending())
    with pytest.raises(Cancelled):
        pull(store, name, quiet, cancelled=once_silent(registry, partial_of(store, digest)))
    have = partial_of(store, digest).stat().st_size

    fetch(store, name)

    assert registry.ranges(digest)[-1] == f"bytes={have}-"


def test_two_pulls_of_a_layer_share_one_download(registry: FakeRegistry, store: Store) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(pace_seconds=0.01))

    with ThreadPoolExecutor(2) as threads:
        pulls = [threads.submit(fetch, Store(store.root), name) for _ in range(2)]
        ends = [each.result(DEADLINE_SECONDS)[-1]["status"] for each in pulls]

    assert ends == ["success", "success"]
    assert len(registry.ranges(digest)) == 1


def test_a_newer_version_removes_what_only_the_older_one_needed(
    registry: FakeRegistry, store: Store
) -> None:
    name, digest = big_model(registry)
    fetch(store, name)
    registry.add_model("tiny", [registry.add_blob(b"new weights"), registry.add_blob(b"none")])

    lines = fetch(store, name)

    assert lines[-2] == {"status": "removing unused layers"}
    assert store.blob(digest) is None
    assert store.blob(registry.add_blob(b"none")["digest"]) is not None


def test_a_model_larger_than_the_disk_is_refused_with_figures_before_it_is_sent(
    registry: FakeRegistry, store: Store
) -> None:
    layer = {**registry.add_blob(b"weights"), "size": 10**18}
    name = registry.add_model("huge", [layer])

    with pytest.raises(EngineError) as caught:
        fetch(store, name)

    assert caught.value.message.startswith(
        "no space left on device: the download needs 1000000000000.0 MB more, and "
    )
    assert str(store.root) in caught.value.message
    assert registry.ranges(layer["digest"]) == []


def test_a_disk_that_fills_up_during_the_download_is_said_with_figures(
    registry: FakeRegistry, store: Store
) -> None:
    # A limit on the size of a file stands in for a full disk: the write itself is refused.
    name, digest = big_model(registry)
    code = (
        "import resource, sys; from pathlib import Path; from ollama_lab.engine import pull, store;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000));"
        "pull.pull(store.Store(Path(sys.argv[1])), sys.argv[2], print, cancelled=lambda: False)"
    )

    process = subprocess.run(
        [sys.executable, "-c", code, str(store.root), name],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    last = process.stderr.strip().split("\n")[-1]
    assert "EngineError: file too large: the download needs 3.1 MB more, and" in last
    assert last.endswith("MB free")
    assert partial_of(store, digest).stat().st_size == 1_000_000


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(
        ["unshare", "--mount", "true"], check=False, capture_output=True, timeout=60
    ).returncode
    != 0,
    reason="needs the right to mount a small disk: run as root",
)
def test_a_disk_that_others_fill_up_meanwhile_is_said_with_figures(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    name, digest = big_model(registry)
    registry.send(digest, Sending(pace_seconds=0.02))
    # 6 MB are enough at first; after the first progress the rest is taken away.
    code = (
        "import os, sys; from pathlib import Path; from ollama_lab.engine import pull, store\n"
        "def report(line):\n"
        "    if line.get('completed'):\n"
        "        with open(sys.argv[1] + '/other', 'wb') as f:\n"
        "            try:\n"
        "                while True: os.write(f.fileno(), bytes(65536))\n"
        "            except OSError: pass\n"
        "pull.pull(store.Store(Path(sys.argv[1])), sys.argv[2], report, cancelled=lambda: False)"
    )
    script = 'mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" -c "$3" "$1" "$4"'

    process = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", tmp_path, sys.executable, code, name],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    last = process.stderr.strip().split("\n")[-1]
    assert "EngineError: no space left on device: the download needs" in last
    assert last.endswith(f"and {tmp_path} has 0.0 MB free")


def test_no_credentials_and_no_cookies_are_sent_anywhere(
    registry: FakeRegistry, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    lines = [f"machine {host} login me password secret" for host in ("127.0.0.1", "localhost")]
    netrc.write_text("\n".join(lines) + "\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("OLLAMA_API_KEY", "secret")
    name, _ = big_model(registry)

    fetch(store, name)

    assert len(registry.seen) > 3
    assert not [seen for seen in registry.seen if "secret" in json.dumps(seen.headers)]
    assert not [seen for seen in registry.seen if "authorization" in seen.headers]


def test_proxies_are_not_asked_for_this_machine(
    registry: FakeRegistry, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, _ = big_model(registry)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")

    assert fetch(store, name)[-1] == {"status": "success"}


def test_a_redirect_from_https_to_http_is_refused() -> None:
    answer = requests.Response()
    answer.status_code = 307
    answer.url = "https://registry.example/v2/library/tiny/blobs/x"
    answer.headers["Location"] = "http://cdn.example/x"

    with _Session(lambda _: None) as session, pytest.raises(EngineError, match="insecure protocol"):
        session.get_redirect_target(answer)


def test_a_scheme_that_is_none_is_no_name(store: Store) -> None:
    with pytest.raises(EngineError, match="invalid model name"):
        fetch(store, "ftp://registry.example/library/tiny")


def test_http_to_another_machine_needs_to_be_asked_for(store: Store) -> None:
    with pytest.raises(EngineError) as caught:
        fetch(store, "http://registry.example/library/tiny")

    assert caught.value.message == "insecure protocol http"


def test_insecure_allows_http_to_another_machine(store: Store) -> None:
    with pytest.raises(EngineError, match=r'Get "http://no-such-host\.invalid/v2/'):
        fetch(store, "http://no-such-host.invalid/library/tiny", insecure=True)


def test_a_name_with_the_scheme_of_the_registry_is_understood(
    registry: FakeRegistry, store: Store
) -> None:
    name, _ = big_model(registry)

    fetch(store, f"http://{name}:latest", insecure=True)

    assert store.find(name) is not None


def test_a_folder_of_blobs_that_leads_out_of_the_store_is_not_written_to(
    registry: FakeRegistry, store: Store, tmp_path: Path
) -> None:
    name, _ = big_model(registry)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store.root.mkdir()
    (store.root / "blobs").symlink_to(elsewhere)

    with pytest.raises(EngineError, match="leads out of the store"):
        fetch(store, name)

    assert os.listdir(elsewhere) == []  # noqa: PTH208 (a list to compare with)


def test_a_partial_file_that_is_a_link_is_not_written_through(
    registry: FakeRegistry, store: Store, tmp_path: Path
) -> None:
    name, digest = big_model(registry)
    treasure = tmp_path / "treasure"
    treasure.write_bytes(b"gold")
    store.own_blob(digest)
    partial_of(store, digest).symlink_to(treasure)

    with pytest.raises(EngineError, match=r"is a link; nothing is written through it"):
        fetch(store, name)

    assert treasure.read_bytes() == b"gold"


def test_a_store_that_cannot_be_written_is_named(registry: FakeRegistry) -> None:
    name, _ = big_model(registry)

    with pytest.raises(EngineError, match=r"^/proc/models"):
        fetch(Store(Path("/proc/models")), name)
