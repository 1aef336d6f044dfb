"""What a kernel published for one cell, and what a notebook would show of it in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OUTPUT_TYPES = frozenset(
    {"stream", "display_data", "update_display_data", "execute_result", "clear_output", "error"}
    | {"comm_open", "comm_msg"}
)


@dataclass(frozen=True, slots=True)
class Message:
    """One iopub message: its size is that of all its frames, its time the monotonic clock's."""

    type: str
    content: dict[str, Any]
    size_bytes: int
    seen_ns: int

    @property
    def text(self) -> str:
        """What a reader could see of it, as one text."""
        if self.type == "stream":
            return str(self.content["text"])
        return "".join(str(value) for value in self.content.get("data", {}).values())


@dataclass
class Result:
    """One executed cell.

    Attributes
    ----------
    status : str
        The reply's: ``ok``, ``error`` or ``aborted``.
    ename, evalue : str
        The error in the reply; empty when there is none.
    messages : list of Message
        Everything on iopub that belongs to the cell, in order.
    started_ns, interrupted_ns, idle_ns : int
        When the request left, the interrupt was sent (0: none), the kernel was idle again.
    """

    started_ns: int
    status: str = ""
    ename: str = ""
    evalue: str = ""
    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    interrupted_ns: int = 0
    idle_ns: int = 0

    @property
    def seconds(self) -> float:
        """From the request to the idle kernel."""
        return (self.idle_ns - self.started_ns) / 1e9

    @property
    def seconds_to_idle(self) -> float:
        """From the interrupt to the idle kernel."""
        return (self.idle_ns - self.interrupted_ns) / 1e9

    @property
    def published(self) -> list[Message]:
        """The messages that carry output."""
        return [message for message in self.messages if message.type in OUTPUT_TYPES]

    @property
    def size_bytes(self) -> int:
        """All frames of all messages of the cell."""
        return sum(message.size_bytes for message in self.messages)

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """What a notebook saves: updates applied, streams joined, clears obeyed."""
        return final_outputs(self.published)

    @property
    def displayed(self) -> list[dict[str, Any]]:
        """The final mime bundles, in the order in which they first appeared."""
        return [output["data"] for output in self.outputs if "data" in output]

    @property
    def stdout(self) -> str:
        """What was printed."""
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        """What was printed to stderr."""
        return self._stream("stderr")

    @property
    def error_text(self) -> str:
        """What the cell shows of an error, joined."""
        return "\n".join(line for output in self.outputs for line in output.get("traceback", ()))

    def _stream(self, name: str) -> str:
        return "".join(output["text"] for output in self.outputs if output.get("name") == name)


def final_outputs(messages: list[Message]) -> list[dict[str, Any]]:
    """Apply messages one after the other, as a notebook front end does."""
    outputs: list[dict[str, Any]] = []
    shown: dict[str, list[dict[str, Any]]] = {}
    clear_next = False
    for message in messages:
        content = message.content
        if message.type == "clear_output":
            clear_next = True
            if not content.get("wait"):
                outputs.clear()
            continue
        if message.type == "update_display_data":
            for output in shown.get(content["transient"]["display_id"], []):
                output.update(data=content["data"], metadata=content["metadata"])
            continue
        if message.type.startswith("comm"):
            continue
        if clear_next:
            outputs.clear()
            clear_next = False
        last = outputs[-1] if outputs else {}
        if message.type == "stream" and last.get("name") == content["name"]:
            last["text"] += content["text"]
            continue
        kept = {key: value for key, value in content.items() if key != "transient"}
        output = {"output_type": message.type, **kept}
        outputs.append(output)
        if display_id := content.get("transient", {}).get("display_id"):
            shown.setdefault(display_id, []).append(output)
    return outputs
