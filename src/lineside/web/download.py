"""A body that is made while it is sent, and ends when nobody takes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping

from fastapi.responses import StreamingResponse
from starlette.types import Send


class Download(StreamingResponse):
    """Sends chunks as they are made. However it ends, what makes them is closed at once."""

    def __init__(
        self,
        chunks: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        headers: Mapping[str, str],
        taken_within_s: float,
    ) -> None:
        """Send `chunks`; the answer breaks off when one is not taken within `taken_within_s`."""
        super().__init__(chunks, media_type=media_type, headers=headers)
        self._chunks = chunks
        self._taken_within_s = taken_within_s

    async def stream_response(self, send: Send) -> None:
        """Send head and body; without its last message the client knows that it is not whole."""
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        try:
            async for chunk in self._chunks:
                part = {"type": "http.response.body", "body": chunk, "more_body": True}
                try:
                    async with asyncio.timeout(self._taken_within_s):
                        await send(part)
                except TimeoutError:
                    return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._chunks.aclose()
