"""JSON as Go writes it: compact, with ``<``, ``>``, ``&`` and two line separators escaped."""

from __future__ import annotations

import json
import re
from typing import Any

# Go's encoder escapes these so that JSON can stand in HTML and in JavaScript. U+0085 it does not.
_ESCAPED = re.compile("[<>&\u2028\u2029]")
# No UTF-8 can hold a lone surrogate: Go writes U+FFFD.
_SURROGATES = re.compile("[\ud800-\udfff]")


def encode(value: Any) -> str:
    r"""Write a value as one line of JSON without a newline.

    >>> encode({"a": "<b>", "c": 1.5})
    '{"a":"\\u003cb\\u003e","c":1.5}'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = _SURROGATES.sub("\ufffd", text)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def number(value: float) -> float:
    """Write a whole float as an integer, as Go does.

    >>> number(0.0), number(0.5)
    (0, 0.5)
    """
    return int(value) if value.is_integer() else value
