"""The demo model's network: a llama of 1.5 million weights, and how it goes into a GGUF file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gguf
import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from pathlib import Path

    from bpe import Tokenizer

CONTEXT = 512
ROPE_BASE = 10_000.0
EPSILON = 1e-5
END_OF_TEXT, START, END = SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{%- for m in messages %}{%- if m.role == 'user' or m.role == 'assistant' %}"
    "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
# Names of the parts below in llama.cpp.
_GGUF_NAMES = {
    "attention_norm": "attn_norm",
    "feed_norm": "ffn_norm",
    "query": "attn_q",
    "key": "attn_k",
    "value": "attn_v",
    "output": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the network is."""

    tokens: int = 1500
    width: int = 160
    layers: int = 4
    heads: int = 5
    feed: int = 448

    @property
    def head_width(self) -> int:
        """Numbers in one attention head."""
        return self.width // self.heads


class Block(nn.Module):
    """Attention and feed-forward, each added to what comes in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, feed = shape.width, shape.feed
        self.shape = shape
        self.attention_norm = nn.RMSNorm(width, eps=EPSILON)
        self.feed_norm = nn.RMSNorm(width, eps=EPSILON)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.output = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, feed, bias=False)
        self.up = nn.Linear(width, feed, bias=False)
        self.down = nn.Linear(feed, width, bias=False)

    def forward(self, x: torch.Tensor, turns: torch.Tensor, dropout: float) -> torch.Tensor:
        """Return what comes in with attention and feed-forward added."""
        mixed = self.output(self._attend(self.attention_norm(x), turns))
        x = x + functional.dropout(mixed, dropout, self.training)
        y = self.feed_norm(x)
        fed = self.down(functional.silu(self.gate(y)) * self.up(y))
        return x + functional.dropout(fed, dropout, self.training)

    def _attend(self, y: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
        batch, length, width = y.shape

        def heads(z: torch.Tensor) -> torch.Tensor:
            split = z.view(batch, length, self.shape.heads, self.shape.head_width)
            return split.transpose(1, 2)

        query, key = _rotate(heads(self.query(y)), turns), _rotate(heads(self.key(y)), turns)
        found = functional.scaled_dot_product_attention(
            query, key, heads(self.value(y)), is_causal=True
        )
        return found.transpose(1, 2).reshape(batch, length, width)


class Network(nn.Module):
    """Token ids to the last hidden states; the embedding is the output matrix as well."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.tokens, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, eps=EPSILON)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                # What feeds back into the sum starts smaller the more layers there are.
                narrows = module.in_features > shape.width
                std = 0.02 / math.sqrt(2 * shape.layers) if narrows else 0.02
                nn.init.normal_(module.weight, std=std)

    def forward(self, ids: torch.Tensor, dropout: float = 0.0) -> torch.Tensor:
        """Return one hidden state for each token."""
        turns = _turns(ids.shape[1], self.shape.head_width)
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, turns, dropout)
        return self.norm(x)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return how likely each token is to come next."""
        return hidden @ self.embedding.weight.T


def write_gguf(path: Path, network: Network, tokenizer: Tokenizer) -> None:
    """Write the network as llama.cpp reads it: matrices in Q8_0, the rest in F32."""
    writer = gguf.GGUFWriter(str(path), "llama")
    _write_facts(writer, network.shape)
    _write_tokenizer(writer, tokenizer)
    for name, tensor in network.state_dict().items():
        array = tensor.numpy().astype("float32")
        if array.ndim > 1:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(_gguf_name(name), gguf.quants.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(_gguf_name(name), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_facts(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("ollama-lab-demo")
    writer.add_type("model")
    writer.add_license("BSD-3-Clause")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_vocab_size(shape.tokens)


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    kinds = gguf.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokenizer.tokens)
    writer.add_token_types(
        [kinds.CONTROL if token in SPECIALS else kinds.NORMAL for token in tokenizer.tokens]
    )
    writer.add_token_merges([" ".join(pair) for pair in tokenizer.merges])
    writer.add_bos_token_id(tokenizer.tokens.index(END_OF_TEXT))
    writer.add_eos_token_id(tokenizer.tokens.index(END))
    writer.add_pad_token_id(tokenizer.tokens.index(END_OF_TEXT))
    writer.add_add_bos_token(value=False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _gguf_name(name: str) -> str:
    """Translate ``blocks.0.query.weight`` to ``blk.0.attn_q.weight``."""
    whole = {"embedding.weight": "token_embd.weight", "norm.weight": "output_norm.weight"}
    if name in whole:
        return whole[name]
    _, layer, part, _ = name.split(".")
    return f"blk.{layer}.{_GGUF_NAMES[part]}.weight"


def _turns(length: int, width: int) -> torch.Tensor:
    steps = ROPE_BASE ** (-torch.arange(0, width, 2) / width)
    return torch.arange(length)[:, None] * steps[None]


def _rotate(x: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    # Neighbors are a pair, as in ggml's NORM order.
    left, right = x[..., 0::2], x[..., 1::2]
    cosine, sine = turns.cos(), turns.sin()
    turned = (left * cosine - right * sine, left * sine + right * cosine)
    return torch.stack(turned, -1).flatten(-2)
