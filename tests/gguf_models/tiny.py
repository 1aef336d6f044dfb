"""A tiny model with random weights: half a megabyte, thousands of babbled tokens a second.

A random head would spend most of its mass on bytes that are no UTF-8 on their own. Channel 0 of
the embedding is therefore a constant that no block writes to, so that column 0 of the output
matrix is a bias for each token: printable ASCII up, the rest down, the end of a turn wherever
``end_bias`` puts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gguf_models import bpe, file
from gguf_models.file import CORPUS, END_OF_TEXT, SPECIALS, TURN_END

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_NEVER = -80.0

TOOL_TEMPLATE = """\
{%- if tools %}
{{- '<|im_start|>system\\n' }}
{%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
{{- '# Tools\\n\\nYou may call one or more functions. Signatures are inside <tools></tools>:\\n<tools>' }}
{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
{{- '\\n</tools>\\n\\nFor each call return a JSON object inside <tool_call></tool_call>:\\n<tool_call>{"name": <function-name>, "arguments": <args-json-object>}</tool_call><|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif message.role == 'assistant' and message.tool_calls %}
{{- '<|im_start|>assistant\\n' }}
{%- if message.content %}{{- message.content }}{%- endif %}
{%- for tool_call in message.tool_calls %}
{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}
{{- '<tool_call>{"name": "' + tool_call.name + '", "arguments": ' }}{{- tool_call.arguments | tojson }}{{- '}</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- elif message.role != 'system' or not loop.first %}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""
_OPENING = "{{- '<|im_start|>assistant\\n' }}{%- endif %}\n"
_THINK_OPENING = (
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- else %}{{- '<think>\\n' }}{%- endif %}{%- endif %}\n"
)
_CALLS = "{%- elif message.role == 'assistant' and message.tool_calls %}"
# A template that can think has to render earlier thoughts too, or the answer is not split.
_THOUGHTS = (
    "{%- elif message.role == 'assistant' and message.reasoning_content %}"
    "{{- '<|im_start|>assistant\\n<think>\\n' + message.reasoning_content"
    " + '\\n</think>\\n\\n' + message.content + '<|im_end|>\\n' }}\n"
)
THINK_TEMPLATE = TOOL_TEMPLATE.replace(_OPENING, _THINK_OPENING).replace(_CALLS, _THOUGHTS + _CALLS)
PLAIN_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What kind of babbler. A bias raises how often a token comes; None leaves the token out."""

    seed: int = 0
    vocabulary_size: int = 384
    dim: int = 64
    layers: int = 2
    context: int = 2048
    end_bias: float = -1.0
    tool_bias: float | None = None
    think_bias: float | None = None
    template: str = TOOL_TEMPLATE
    is_embedding: bool = False
    is_fill_in: bool = False


def make(path: Path, recipe: Recipe) -> None:
    """Write the model."""
    printed = [
        *(file.PRINTED[:2] if recipe.tool_bias is not None else ()),
        *(file.PRINTED[2:] if recipe.think_bias is not None else ()),
    ]
    specials = [*SPECIALS, *printed]
    tokens, merges = bpe.train([CORPUS], recipe.vocabulary_size, specials)
    if len(tokens) % 32 == 31:  # llama.cpp's LLGuidance panics on such sizes
        del tokens[-1], merges[-1]
    random = np.random.default_rng(recipe.seed)
    embedding = _random(random, len(tokens), recipe.dim, scale=0.5)
    embedding[:, 0] = 2.0
    output = _output(random, tokens, specials, recipe)
    shape = file.Shape(
        recipe.dim, recipe.layers, feed_forward=2 * recipe.dim, context=recipe.context
    )
    tensors = {
        "token_embd.weight": embedding,
        "output_norm.weight": np.ones(recipe.dim, np.float32),
        "output.weight": output,
    }
    for index in range(recipe.layers):
        tensors |= _block(random, f"blk.{index}", shape)
    file.write(
        path,
        "tiny-embed" if recipe.is_embedding else "tiny",
        shape,
        file.Vocabulary(tokens, merges, specials),
        tensors,
        None if recipe.is_embedding else recipe.template,
        is_embedding=recipe.is_embedding,
        is_fill_in=recipe.is_fill_in,
    )


def _random(random: np.random.Generator, *shape: int, scale: float = 0.25) -> NDArray[np.float32]:
    return (random.standard_normal(shape) * scale).astype(np.float32)


def _output(
    random: np.random.Generator, tokens: list[str], specials: list[str], recipe: Recipe
) -> NDArray[np.float32]:
    output = _random(random, len(tokens), recipe.dim, scale=0.35)
    biases = {
        TURN_END: recipe.end_bias,
        END_OF_TEXT: min(recipe.end_bias, _NEVER),  # llama.cpp ends an answer there as well
        "<tool_call>": recipe.tool_bias,
        "</think>": recipe.think_bias,
    }
    for index, token in enumerate(tokens):
        if token in specials:
            bias = biases.get(token)
            if token in ("<tool_call>", "</think>"):
                output[index] = 0.0
            output[index, 0] = _NEVER if bias is None else bias
        else:
            output[index, 0] = _readable_bias(token)
    return output


def _readable_bias(token: str) -> float:
    raw = [bpe.BYTE_OF_CHARACTER[character] for character in token]
    if not all(32 <= byte < 127 or byte == 10 for byte in raw):
        return _NEVER
    return 0.5 if len(raw) > 1 else 0.0


def _block(
    random: np.random.Generator, name: str, shape: file.Shape
) -> dict[str, NDArray[np.float32]]:
    dim, wide = shape.dim, shape.feed_forward
    kv = dim // shape.heads * shape.kv_heads
    attention_output, down = _random(random, dim, dim), _random(random, dim, wide)
    attention_output[0, :] = 0.0  # nothing writes to channel 0
    down[0, :] = 0.0
    ones = np.ones(dim, np.float32)
    return {
        f"{name}.attn_norm.weight": ones,
        f"{name}.attn_q.weight": _random(random, dim, dim),
        f"{name}.attn_k.weight": _random(random, kv, dim),
        f"{name}.attn_v.weight": _random(random, kv, dim),
        f"{name}.attn_output.weight": attention_output,
        f"{name}.ffn_norm.weight": ones,
        f"{name}.ffn_gate.weight": _random(random, wide, dim),
        f"{name}.ffn_up.weight": _random(random, wide, dim),
        f"{name}.ffn_down.weight": down,
    }
