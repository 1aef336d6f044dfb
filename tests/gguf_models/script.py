"""A model that says exactly what it is told: a chain "token j follows token i".

One-hot embeddings, blocks that write nothing, and an output matrix with a large value in row j,
column i. Every piece of a script is a token of its own, so no script runs into another one. The
chat template picks the script by the last token of the prompt. Temperature does not matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gguf_models import bpe, file
from gguf_models.file import CORPUS, END_OF_TEXT, PRINTED, SPECIALS, TURN_END

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_GAP = 40.0
_HAND = "👋".encode()
_O_UMLAUT = "ö".encode()

#: Said without tools: every trap that text has for a reader of streams.
TEXT = (
    *(b"Hello", b", w", _O_UMLAUT[:1], _O_UMLAUT[1:], b"rld ", _HAND[:1], _HAND[1:3], _HAND[3:]),
    *(b' <b>&"quotes"</b> ', " \u0085 \u2028 ".encode(), "中文".encode()),
    *(b"\n```python\n", b"print('hi')", b"\n``` ", b"end."),
)
#: Said with tools: one call of ``add``.
CALL = (
    *(b"Let me ", b"add. ", b"<tool_call>", b'{"name": "add",', b' "arguments": '),
    *(b'{"a": 1,', b' "b": 2}}', b"</tool_call>"),
)
#: Said after a tool's result.
AFTER = (b"The sum", b" is", b" 3", b".")
#: Said when the last message has "two" in it: two calls.
TWO_CALLS = (
    *(b"Both. ", b"<tool_call>{", b'"name": "add", ', b'"arguments": {"a": 3, "b": 4}}'),
    *(b"</tool_call>\n", b'<tool_call>{"name"'),
    *(b': "add", "arguments": {"a": 5, "b": 6}}', b"</tool_call> "),
)
SCRIPTS: tuple[Sequence[bytes], ...] = (TEXT, CALL, AFTER, TWO_CALLS)

TEMPLATE = """{%- if tools %}{{- '<|im_start|>system\\n# Tools\\n\\nYou may call one or more functions. Signatures are inside <tools></tools>:\\n<tools>' }}{%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}{{- '\\n</tools>\\n\\nFor each call return a JSON object inside <tool_call></tool_call>:\\n<tool_call>{"name": <function-name>, "arguments": <args-json-object>}</tool_call><|im_end|>\\n' }}{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- elif message.role == 'assistant' and message.tool_calls %}{{- '<|im_start|>assistant\\n' }}{%- for tool_call in message.tool_calls %}{%- if tool_call.function %}{%- set tool_call = tool_call.function %}{%- endif %}{{- '<tool_call>{"name": "' + tool_call.name + '", "arguments": ' }}{{- tool_call.arguments | tojson }}{{- '}</tool_call>' }}{%- endfor %}{{- '<|im_end|>\\n' }}
{%- else %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant' }}{%- if 'two' in messages[-1].content %}{{- '<|s3|>' }}{%- elif messages[-1].role == 'tool' %}{{- '<|s2|>' }}{%- elif tools %}{{- '<|s1|>' }}{%- else %}{{- '<|s0|>' }}{%- endif %}{%- endif %}
"""


def make(
    path: Path, scripts: Sequence[Sequence[bytes]] = SCRIPTS, template: str = TEMPLATE
) -> None:
    """Write the model; script number n starts behind the token ``<|sn|>``."""
    starts = [f"<|s{index}|>" for index in range(len(scripts))]
    specials = [*SPECIALS, *starts, "<think>", "</think>", "<tool_call>", "</tool_call>"]
    tokens, merges = bpe.train([CORPUS], 256 + len(specials) + 4, specials)
    follows = _chain(tokens, starts, scripts)
    dim = -(-len(tokens) // 32) * 32
    shape = file.Shape(dim, layers=1, kv_heads=1, feed_forward=32)
    control = [token for token in specials if token not in PRINTED]
    vocabulary = file.Vocabulary(tokens, merges, control)
    file.write(path, "script", shape, vocabulary, _tensors(tokens, follows, shape), template)


def _chain(
    tokens: list[str], starts: Sequence[str], scripts: Sequence[Sequence[bytes]]
) -> dict[int, int]:
    """Add the pieces to the tokens and return which token follows which."""
    follows: dict[int, int] = {}
    for start, script in zip(starts, scripts, strict=True):
        current = tokens.index(start)
        for piece in script:
            token = bpe.spell(piece)
            if token not in tokens:
                tokens.append(token)
            following = tokens.index(token)
            assert following not in follows, f"{piece!r} already leads somewhere"
            follows[current] = following
            current = following
        follows[current] = tokens.index(TURN_END)
    follows[tokens.index(TURN_END)] = tokens.index(END_OF_TEXT)
    return follows


def _tensors(
    tokens: list[str], follows: dict[int, int], shape: file.Shape
) -> dict[str, NDArray[np.float32]]:
    count, dim = len(tokens), shape.dim
    embedding = np.zeros((count, dim), np.float32)
    embedding[np.arange(count), np.arange(count)] = 1.0
    output = np.zeros((count, dim), np.float32)
    for current, following in follows.items():
        output[following, current] = _GAP
    output[tokens.index(TURN_END)] += 0.5
    kv, ones = dim // shape.heads, np.ones(dim, np.float32)
    nothing = {
        "attn_q": (dim, dim),
        "attn_k": (kv, dim),
        "attn_v": (kv, dim),
        "attn_output": (dim, dim),
        "ffn_gate": (shape.feed_forward, dim),
        "ffn_up": (shape.feed_forward, dim),
        "ffn_down": (dim, shape.feed_forward),
    }
    return {
        "token_embd.weight": embedding,
        "output_norm.weight": ones,
        "output.weight": output,
        "blk.0.attn_norm.weight": ones,
        "blk.0.ffn_norm.weight": ones,
        **{f"blk.0.{name}.weight": np.zeros(size, np.float32) for name, size in nothing.items()},
    }
