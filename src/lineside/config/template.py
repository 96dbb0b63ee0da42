"""The commented configuration that `lineside init` writes: complete, valid, and a first lesson."""

from __future__ import annotations

_TEMPLATE = """\
# Lineside: what to read, and what it means. Every key: docs/reference/config.md
# Try it without a PLC:  lineside check lineside.toml     finds mistakes, shows the requests
#                        lineside simulate lineside.toml  plays the PLCs on this computer
# Durations carry their unit: "500ms", "3s", "5m", "1h".

[server]
host = "127.0.0.1"              # this computer only; "0.0.0.0" serves the plant network
port = 8000
allowed_origins = []            # other web pages that may read: ["http://localhost:3001"]
# allowed_hosts = ["monitor.plant.local"]   # names by which browsers reach this server

[plant]
time_zone = "Asia/Seoul"        # whose clock shifts and days follow
# holidays = "KR"               # public holidays are free

[[line]]
id = "line1"                    # used below, and in the address /ws/monitor/line1
name = "1라인"                  # as the monitor shows it
stop_after = "5m"               # a machine that waits longer is stopped; 0: at once; or "never"
stale_after = "3s"              # without a good read for so long, a machine is disconnected
# floor_plan = "line1.svg"      # image of the line, beside this file

[[plc]]
id = "PLC01"
driver = "melsec"
host = "192.168.3.39"
port = 5010                     # of the open setting in GX Works, in decimal (1392H is 5010)
family = "Q"                    # Q, L, iQ-R, iQ-F
frame = "3E"                    # 3E, 4E
code = "binary"                 # communication data code: binary, ascii
transport = "tcp"               # tcp, udp
period = "1s"                   # from poll to poll
timeout = "1s"                  # longest wait for an answer
# heartbeat = "D0"              # a word that the PLC program keeps counting

[[equipment]]
code = "KRCWO12ELOA101"         # 14 characters, once in the plant
name = "Upper 로봇 용접"
line = "line1"                  # may be left out with one line
plc = "PLC01"
status_tag = "M100"             # 1 runs, 0 does not
error_tag = "M200"              # 1 has a fault; wins over running
position = { x = 8, y = 20 }    # percent of the floor plan, from its upper left corner

[[equipment]]
code = "KRCWO12ELOA102"
name = "Lower 로봇 용접"
plc = "PLC01"
status_tag = "D100"             # a word that tells more than 0 and 1 ...
value_map = { 0 = "stopped", 1 = "running", 2 = "idle", 3 = "error" }   # ... and what it means

# When is work planned? Without shifts: all the time. In breaks and outside, nothing is "stopped".
# [[shift]]
# id = "day"
# name = "주간"
# days = ["mon-fri"]
# start = "06:00"
# end = "14:00"
# breaks = ["12:00-12:40"]

# When is a fault an alarm, and what does the word that tells which it is mean?
# [alarms]
# on_delay = "2s"               # a shorter fault is no alarm
# off_delay = "5s"              # what flickers is one alarm
# [[alarm_table]]               # for machines with  alarm_code_tag = "D200"
# id = "robot"
# file = "alarms.csv"           # columns code, severity, text_ko, text_en, advice_ko, advice_en

# Many machines? Keep them in a spreadsheet; its first row names the columns like the keys above.
# [equipment_csv]
# file = "equipment.csv"
"""


def template() -> str:
    """Return the text of a first lineside.toml."""
    return _TEMPLATE
