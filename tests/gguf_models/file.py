"""A llama-architecture GGUF from numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Tensors = Mapping[str, NDArray[np.float32]]

END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (END_OF_TEXT, TURN_START, TURN_END)
# Tokens of their own that a model may print, unlike the special ones.
PRINTED = ("<tool_call>", "</tool_call>", "<think>", "</think>")
CORPUS = (
    "the model runs in a container and the notebook talks to it over http. "
    "pull a model, list the models, ask a question, stream the answer. "
    "docker compose starts the ollama service and the jupyter service. "
    '{"name": "value", "count": 12, "items": ["a", "b"], "ok": true} '
) * 8


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a llama model; ``context`` is what it claims to be trained for."""

    dim: int
    layers: int
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 128
    context: int = 2048


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens, merges, and which of the tokens never reach the text."""

    tokens: Sequence[str]
    merges: Sequence[tuple[str, str]]
    specials: Sequence[str] = field(default=SPECIALS)


def write(  # noqa: PLR0917 (the parts of one file)
    path: Path,
    name: str,
    shape: Shape,
    vocabulary: Vocabulary,
    tensors: Tensors,
    template: str | None,
    *,
    is_embedding: bool = False,
    is_fill_in: bool = False,
) -> None:
    """Write the file."""
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name(name)
    writer.add_type("model")
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_shape(writer, shape, len(vocabulary.tokens))
    if is_embedding:
        writer.add_pooling_type(gguf.PoolingType.MEAN)
    _add_tokenizer(writer, vocabulary)
    if is_fill_in:
        for index, part in enumerate(("pre", "suf", "mid")):
            writer.add_uint32(f"tokenizer.ggml.fim_{part}_token_id", 20 + index)
    if template:
        writer.add_chat_template(template)
    for key, array in tensors.items():
        writer.add_tensor(key, array.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: Any, shape: Shape, vocabulary_size: int) -> None:
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.dim)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(shape.dim // shape.heads)
    writer.add_vocab_size(vocabulary_size)


def _add_tokenizer(writer: Any, vocabulary: Vocabulary) -> None:
    tokens = list(vocabulary.tokens)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([_token_type(token, vocabulary.specials) for token in tokens])
    writer.add_token_merges([f"{first} {second}" for first, second in vocabulary.merges])
    writer.add_bos_token_id(tokens.index(END_OF_TEXT))
    writer.add_eos_token_id(tokens.index(TURN_END))
    writer.add_pad_token_id(tokens.index(END_OF_TEXT))
    writer.add_add_bos_token(False)


def _token_type(token: str, specials: Sequence[str]) -> Any:
    if token in PRINTED:
        return gguf.TokenType.USER_DEFINED
    return gguf.TokenType.CONTROL if token in specials else gguf.TokenType.NORMAL
