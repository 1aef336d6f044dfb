"""Chat templates for GGUF files that carry none.

Old registry models come with a Go TEMPLATE layer and no Jinja template. The engine cannot run Go
templates; it knows the family by its markers instead.
"""

from __future__ import annotations


def _family(
    *,
    system: tuple[str, str],
    user: tuple[str, str],
    assistant: str,
    end: str,
    start: str = "",
    opening: str | None = None,
) -> str:
    """Build a Jinja template from the text around each role's words."""
    opening = assistant if opening is None else opening
    return (
        f"{start}{{%- for m in messages -%}}"
        f"{{%- if m.role == 'system' -%}}{{{{- '{system[0]}' + m.content + '{system[1]}' -}}}}"
        f"{{%- elif m.role == 'assistant' -%}}{{{{- '{assistant}' + m.content + '{end}' -}}}}"
        f"{{%- else -%}}{{{{- '{user[0]}' + m.content + '{user[1]}' -}}}}{{%- endif -%}}"
        "{%- endfor -%}"
        f"{{%- if add_generation_prompt -%}}{{{{- '{opening}' -}}}}{{%- endif -%}}"
    )


_BOS = "{{- bos_token -}}"
CHATML = _family(
    system=("<|im_start|>system\\n", "<|im_end|>\\n"),
    user=("<|im_start|>user\\n", "<|im_end|>\\n"),
    assistant="<|im_start|>assistant\\n",
    end="<|im_end|>\\n",
)
LLAMA3 = _family(
    system=("<|start_header_id|>system<|end_header_id|>\\n\\n", "<|eot_id|>"),
    user=("<|start_header_id|>user<|end_header_id|>\\n\\n", "<|eot_id|>"),
    assistant="<|start_header_id|>assistant<|end_header_id|>\\n\\n",
    end="<|eot_id|>",
    start=_BOS,
)
GEMMA = _family(
    # Gemma has no system role: its words go into a turn of the user's.
    system=("<start_of_turn>user\\n", "<end_of_turn>\\n"),
    user=("<start_of_turn>user\\n", "<end_of_turn>\\n"),
    assistant="<start_of_turn>model\\n",
    end="<end_of_turn>\\n",
    start=_BOS,
)
PHI3 = _family(
    system=("<|system|>\\n", "<|end|>\\n"),
    user=("<|user|>\\n", "<|end|>\\n"),
    assistant="<|assistant|>\\n",
    end="<|end|>\\n",
)
ZEPHYR = _family(
    system=("<|system|>\\n", "</s>\\n"),
    user=("<|user|>\\n", "</s>\\n"),
    assistant="<|assistant|>\\n",
    end="</s>\\n",
)
MISTRAL = _family(
    system=("[INST] ", " [/INST]"),
    user=("[INST] ", " [/INST]"),
    assistant=" ",
    end="</s>",
    start=_BOS,
    opening="",
)
VICUNA = _family(
    system=("", "\\n\\n"),
    user=("USER: ", "\\n"),
    assistant="ASSISTANT: ",
    end="</s>\\n",
    opening="ASSISTANT:",
)
ALPACA = _family(
    system=("", "\\n\\n"),
    user=("### Instruction:\\n", "\\n\\n"),
    assistant="### Response:\\n",
    end="\\n\\n",
)
PLAIN = "{%- for m in messages -%}{{- m.content -}}{%- endfor -%}"

#: What Ollama says of a model that brings no template.
NO_TEMPLATE = "{{ .Prompt }}"

_MARKS = (
    ("<|im_start|>", CHATML),
    ("<|start_header_id|>", LLAMA3),
    ("<start_of_turn>", GEMMA),
    ("<|end|>", PHI3),
    ("<|user|>", ZEPHYR),
    ("[INST]", MISTRAL),
    ("USER:", VICUNA),
    ("### Instruction", ALPACA),
)


def substitute(gguf_template: str, go_template: str) -> str:
    """Return the Jinja template to run instead of the file's own; ``""`` runs the file's own.

    >>> substitute("{{ messages }}", "whatever")
    ''
    >>> substitute("", "[INST] {{ .Prompt }} [/INST]") == MISTRAL
    True
    """
    if gguf_template:
        return ""
    for mark, template in _MARKS:
        if mark in go_template:
            return template
    return PLAIN if go_template.strip() in ("", NO_TEMPLATE) else CHATML
