"""The models by name; each is made once for a test run.

``shelf.path("tiny")`` gives a file; ``shelf.store(root, "tiny", "script")`` a store that has them.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from gguf_models import script, tiny
from ollama_lab.engine.build import Plan, build
from ollama_lab.engine.names import Name
from ollama_lab.engine.store import Store

#: The babblers. ``slow`` is slow enough to be stopped in the middle of an answer.
RECIPES = {
    "tiny": tiny.Recipe(),
    "tiny-plain": tiny.Recipe(template=tiny.PLAIN_TEMPLATE),
    "tiny-endless": tiny.Recipe(end_bias=-80.0),
    "tiny-tools": tiny.Recipe(tool_bias=32.0, vocabulary_size=300),
    "tiny-think": tiny.Recipe(think_bias=26.0, vocabulary_size=300, template=tiny.THINK_TEMPLATE),
    "tiny-embed": tiny.Recipe(is_embedding=True),
    "tiny-fill": tiny.Recipe(is_fill_in=True),
    "slow": tiny.Recipe(dim=384, layers=8, context=4096, end_bias=-10_000.0),
}
#: The windows of the recordings.
PARAMETERS = {"script": {"num_ctx": 1024}}
_USUAL_PARAMETERS = {"num_ctx": 512}


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ollama-lab-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def path(name: str) -> Path:
    """Make a model, once, and return its file."""
    target = _folder() / f"{name}.gguf"
    if name == "script":
        script.make(target)
    else:
        tiny.make(target, RECIPES[name])
    return target


def store(root: Path, *names: str) -> Store:
    """Make a store that has some of the models, with the windows of the recordings."""
    made = Store(root)
    for name in names:
        digest = made.put(path(name).read_bytes())
        parameters = PARAMETERS.get(name, _USUAL_PARAMETERS)
        plan = Plan(Name.parse(name), digest=digest, parameters=parameters)
        build(made, plan, lambda _line: None)
    return made
