"""Put a trained GGUF file into a read-only Ollama store, labeled as what it is.

    python tools/demo_model/pack.py demo.gguf ollama_lab/engine/demo

The same file gives the same store, byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

LABEL = (
    "This is the demo model of ollama-lab: a demonstration of the pipeline with 1.5 million "
    "weights, not a source of facts."
)
# A tiny model is at its best with the likeliest token every time.
PARAMETERS = {"temperature": 0}
MANIFEST = Path("manifests/registry.ollama.ai/library/demo/latest")
LAYER = "application/vnd.ollama.image."
CONFIG = "application/vnd.docker.container.image.v1+json"
IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
REPOSITORY = Path(__file__).resolve().parents[2]


def compact(value: Any) -> bytes:
    """Return JSON as the store keeps it: no blanks, keys in the order given."""
    return json.dumps(value, separators=(",", ":")).encode()


def put(store: Path, media_type: str, data: bytes) -> dict[str, Any]:
    """Write one blob and return the manifest's entry for it."""
    digest = hashlib.sha256(data).hexdigest()
    blobs = store / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    (blobs / f"sha256-{digest}").write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def pack(gguf: Path, store: Path) -> None:
    """Make `store` an Ollama store that holds the model as ``demo:latest``."""
    # The label is in the license and not in a system text as well: the model's template has no
    # place for one, so llama.cpp puts it in front of the question, and of 20 right answers to
    # held-out questions 3 remain.
    legal = f"{LABEL}\n\n{(REPOSITORY / 'LICENSE').read_text('utf-8')}"
    layers = [
        put(store, f"{LAYER}model", gguf.read_bytes()),
        put(store, f"{LAYER}license", legal.encode()),
        put(store, f"{LAYER}params", compact(PARAMETERS)),
    ]
    about = {
        "model_format": "gguf",
        "model_family": "llama",
        "model_families": ["llama"],
        "model_type": "1.51M",
        "file_type": "Q8_0",
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": put(store, CONFIG, compact(about)),
        "layers": layers,
    }
    (store / MANIFEST).parent.mkdir(parents=True, exist_ok=True)
    (store / MANIFEST).write_bytes(compact(manifest))


def main() -> None:
    """Read the two paths and pack."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("gguf", type=Path, help="file written by train.py")
    parser.add_argument("store", type=Path, help="directory to fill: ollama_lab/engine/demo")
    arguments = parser.parse_args()
    pack(arguments.gguf, arguments.store)


if __name__ == "__main__":
    main()
