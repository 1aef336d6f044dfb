"""What one writes by hand: a handler that passes every line on with a write of its own.

A Jupyter server extension for `relay.py` to measure beside ours; nobody should use it.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.base.handlers import APIHandler
from tornado import web


class NaiveRelay(APIHandler):
    """Sends a prompt to OLLAMA_HOST and gives each token its own line."""

    @web.authenticated
    async def post(self) -> None:
        """Relay one answer."""
        model = json.loads(self.request.body)["model"]
        body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
        async for line in _lines(json.dumps(body).encode()):
            value = json.loads(line)
            delta = {"type": "delta", "text": value["message"]["content"]}
            self.write(json.dumps(delta) + "\n")
            await self.flush()


async def _lines(body: bytes) -> Any:
    address = urlsplit(os.environ["OLLAMA_HOST"])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        head = f"POST /api/chat HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await reader.readuntil(b"\r\n\r\n")
        while size := int(await reader.readline(), 16):
            data = await reader.readexactly(size + 2)
            yield data[:-2]
    finally:
        writer.close()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "naive_relay"}]


def _load_jupyter_server_extension(app: Any) -> None:
    app.web_app.add_handlers(".*$", [("/ollama-lab/api/naive", NaiveRelay)])
