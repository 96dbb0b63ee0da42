"""Keys of `[server]` and `[history]`: where the monitor is served, and what is kept."""

from __future__ import annotations

from pydantic import Field

from lineside.config.base import Table
from lineside.config.values import (
    AllowedHost,
    BasePath,
    DatabaseUrl,
    FolderName,
    Host,
    Keep,
    Origin,
)
from lineside.core.limits import CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX

_DAY_S = 86_400.0


class ServerConfig(Table):
    """`[server]`: where the monitor is served, and to whom. May be left out."""

    host: Host = Field(
        default="127.0.0.1",
        description="Address to listen on. 127.0.0.1 serves this computer only; 0.0.0.0 serves "
        "the plant network.",
        examples=["0.0.0.0"],
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        strict=True,
        description="TCP port to listen on. 0 lets the system pick a free one.",
        examples=[8000],
    )
    allowed_origins: tuple[Origin, ...] = Field(
        default=("http://localhost:3001",),
        description="Web pages from elsewhere that may read the data and treat alarms: scheme, "
        "host and port, compared exactly. The server's own pages are always allowed.",
        examples=[["http://localhost:3001"]],
    )
    allowed_hosts: tuple[AllowedHost, ...] = Field(
        default=(),
        description="Names, besides this computer's own addresses and host name, by which "
        "browsers reach the server, with a port or for any port. A request for any other name is "
        "refused, which keeps foreign web pages out (DNS rebinding).",
        examples=[["monitor.plant.local"]],
    )
    base_path: BasePath = Field(
        default="",
        description="Folder in which a reverse proxy shows the monitor, as in "
        "`http://portal/line/`. It works whether the proxy takes the folder off or passes it on. "
        "Left out: the server has its own name or port.",
        examples=["/line"],
    )
    frame_ancestors: tuple[Origin, ...] = Field(
        default=(),
        description="Web pages that may show the monitor in a frame, as a portal or a dashboard "
        "does: scheme, host and port. The server's own pages always may.",
        examples=[["http://portal.plant.local"]],
    )
    connections_max: int = Field(
        default=CONNECTIONS_MAX,
        ge=1,
        le=CONNECTIONS_MAX,
        strict=True,
        description="Most WebSocket clients at one time; the next is refused.",
        examples=[200],
    )
    connections_per_address_max: int = Field(
        default=CONNECTIONS_PER_ADDRESS_MAX,
        ge=1,
        le=CONNECTIONS_MAX,
        strict=True,
        description="Most WebSocket clients from one IP address. Browsers behind one proxy share "
        "an address. With what it asks over HTTP an address may have 500 connections more in all, "
        "and never the last tenth of what the server can hold.",
        examples=[50],
    )


class HistoryConfig(Table):
    """`[history]`: where every change is kept, and for how long. May be left out."""

    enabled: bool = Field(
        default=True,
        strict=True,
        description="false keeps nothing: what was is forgotten when the server stops.",
        examples=[False],
    )
    folder: FolderName | None = Field(
        default=None,
        description="Folder for `lineside-history.db` and for what waits while the database "
        "cannot be written to; the path counts from the folder of the config file. Left out: the "
        "folder of the config file or, as a systemd service with `StateDirectory=`, that one.",
        examples=["/var/lib/lineside"],
    )
    url: DatabaseUrl | None = Field(
        default=None,
        description="A PostgreSQL database in place of the file. Keep the password out of the "
        "config with `PGPASSWORD` or a `.pgpass` file. Behind a ? it takes words as `sslmode` and "
        "`connect_timeout`. Left out: a SQLite file in `folder`.",
        examples=["postgresql+asyncpg://lineside@db.plant.local/lineside"],
    )
    keep_changes: Keep = Field(
        default=3 * 365 * _DAY_S,
        description="How long status changes are kept, at least 1 day. Of each machine the last "
        'one before that stays. "forever": all are kept.',
        examples=["730d", "forever"],
        json_schema_extra={"default": "1095d"},
    )
    keep_plc_events: Keep = Field(
        default=365 * _DAY_S,
        description="How long it is kept when each PLC was lost and came back, and why.",
        examples=["365d"],
        json_schema_extra={"default": "365d"},
    )
    keep_server_events: Keep = Field(
        default=3 * 365 * _DAY_S,
        description="How long starts, stops and faults of the server itself are kept.",
        examples=["1095d"],
        json_schema_extra={"default": "1095d"},
    )
    keep_alarms: Keep = Field(
        default=3 * 365 * _DAY_S,
        description="How long alarms that are over are kept, with all that was done to them.",
        examples=["1095d"],
        json_schema_extra={"default": "1095d"},
    )
