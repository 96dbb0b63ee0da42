"""The web application over a plant of which some machines have failed, with a real history."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from builders import T0_S, WebPlant, code, snapshot, state_change
from builders import site_change as a_site_change
from lineside.clock import system_clock
from lineside.core.model import Status
from lineside.history.service import History
from lineside.history.settings import HistorySettings
from serving import eventually

KIM = {"by": "김철수"}


class Scene(WebPlant):
    """A plant with a history; its machines 101 to 103 have failed, one second after another."""

    history: History

    @classmethod
    def with_history(cls, folder: Path) -> Scene:
        history = History(HistorySettings(folder=folder), system_clock, "1.2.3")
        scene = cls(history=history)
        scene.history = history
        return scene

    @classmethod
    async def opened(cls, folder: Path) -> Scene:
        scene = cls.with_history(folder)
        history = scene.history
        scene.hear(a_site_change(scene.site))
        scene.tick()
        for number in range(101, 106):
            scene.hear(state_change(number, Status.RUNNING, at_s=T0_S))
        for number in (101, 102, 103):
            scene.clock.turn(1.0)
            scene.hear(state_change(number, Status.ERROR, at_s=scene.clock.unix_s))
        scene.tick()
        history.start()
        async with asyncio.timeout(60):
            await history.recall_alarms()
        await scene.stored()
        return scene

    def hear(self, message: Any) -> None:
        self.live.on_message(message)
        self.history.on_message(message)

    def tick(self) -> None:
        super().tick()
        self.history.on_message(snapshot(self.site, at_s=self.clock.unix_s))

    async def stored(self) -> None:
        await eventually(
            lambda: self.history.health().written >= self.history.recorder.heard_count - 1,
            "not everything was written",
        )

    async def get(self, path: str) -> Any:
        answer = await self.ask(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: object, status: int = 200) -> Any:
        answer = await self.ask(path, method="POST", body=body)
        assert answer.status_code == status, answer.text
        if status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
        return answer.json()

    async def codes(self, query: str = "") -> list[str]:
        body = await self.get(f"/api/alarms?{query}")
        return [alarm["code"][-3:] for alarm in body["alarms"]]

    async def id_of(self, number: int) -> int:
        body = await self.get("/api/alarms")
        return int(next(a["id"] for a in body["alarms"] if a["code"] == code(number)))
