"""The process that holds one model: llama.cpp's own server, from xllamacpp.

Run as a script, with nothing of this package imported. It reads one line of JSON from stdin (a
recipe and a key), prints one line with its address, and lives until stdin closes: when the engine
dies, so does this.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

_FAILED = 3
_SET_PARENT_DEATH_SIGNAL = 1  # linux/prctl.h


def main() -> None:
    """Load the model that stdin names and serve it."""
    _die_at_once_with_parent()
    settings = json.loads(sys.stdin.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _offer_to_oom_killer()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # llama.cpp logs to stdout as well; the engine reads stderr for the reason
    try:
        server = _serve(settings)
    except Exception as error:  # noqa: BLE001 (the top of a process: told to the engine, then out)
        _tell(answers, {"error": str(error)})
        os._exit(_FAILED)
    _tell(answers, {"url": server.listening_address})
    threading.Event().wait()


def _die_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _die_at_once_with_parent() -> None:
    """Ask Linux for a SIGKILL: while a model is being loaded no thread of Python's gets a turn."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _offer_to_oom_killer() -> None:
    """Be the first to go when memory runs out, before the user's notebook does."""
    with contextlib.suppress(OSError):  # not Linux, or not allowed: nothing is lost
        Path("/proc/self/oom_score_adj").write_text("800", encoding="ascii")


def _tell(answers: IO[str], message: dict[str, Any]) -> None:
    answers.write(json.dumps(message) + "\n")
    answers.flush()


def _serve(settings: dict[str, Any]) -> Any:
    import xllamacpp  # slow, and its failure must reach the engine

    params = xllamacpp.CommonParams()
    _set_model(params, settings, xllamacpp)
    _set_server(params, settings)
    return xllamacpp.Server(params)


def _set_model(params: Any, settings: dict[str, Any], xllamacpp: Any) -> None:
    params.model.path = settings["model"]
    params.n_ctx = settings["window"] * settings["slots"]
    params.n_parallel = settings["slots"]
    params.n_batch = settings["num_batch"]
    # An embedding has to fit into one physical batch.
    params.n_ubatch = params.n_batch if settings["embedding"] else min(params.n_batch, 512)
    params.cpuparams.n_threads = settings["threads"]
    params.cpuparams_batch.n_threads = settings["threads"]
    params.embedding = settings["embedding"]
    if settings["num_gpu"] >= 0:
        params.n_gpu_layers = settings["num_gpu"]
    if settings["chat_template"]:
        params.chat_template = settings["chat_template"]
    if settings["projector"]:
        params.mmproj.path = settings["projector"]
    if settings["adapters"]:
        params.lora_adapters = [
            xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in settings["adapters"]
        ]


def _set_server(params: Any, settings: dict[str, Any]) -> None:
    params.verbosity = 2
    params.warmup = False
    params.api_keys = [settings["key"]]
    # Names drift with llama.cpp ("ui" was "webui"), so each is set where it exists.
    for name, value in {
        "ui": False,
        "webui": False,
        "offline": True,
        "endpoint_slots": False,
        "cors_origins": "null",
        "cache_ram_mib": 512,
        # Each waiting request holds one; the question whether the child is alive needs one, too.
        "n_threads_http": 16 + settings["slots"],
        "ctx_shift": False,
        # With one cache for all slots, parallel long prompts ended in "context exceeded".
        "kv_unified": False,
    }.items():
        if hasattr(params, name):
            setattr(params, name, value)


if __name__ == "__main__":
    main()
