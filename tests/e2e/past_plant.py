"""A plant with a past: two weeks are written into a real history before its server starts.

Yesterday's day shift is told by hand for two machines, so that its figures can be computed by hand;
all else is drawn from a seed. Times are those of Seoul.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from builders import code
from e2e.past import remember
from e2e.plant import Plant
from history.alarms import raised
from history.alarms import told as happened
from history.told import a_run
from lineside.config import load_config
from lineside.core.alarm import AlarmEventKind
from lineside.core.model import Status
from lineside.drivers import DRIVERS
from lineside.history.records import AlarmRecord, Batch, ChangeRecord, Record
from web.memory import told

SEOUL = ZoneInfo("Asia/Seoul")
DAYS = 14
DAY_MINUTES = 24 * 60
#: Two machines whose yesterday is told by hand.
TOLD, UNSEEN = 101, 102
#: A machine that fails as soon as it is seen first, a little after it was configured.
FAILED_FIRST = 105
UNSEEN_FIRST_MS = 10
#: What the alarm of a machine says, by its number.
MESSAGES = (
    ("안전문이 열림", "Safety door open"),
    ("서보 과부하", "Servo overload"),
    ("클램프 압력 낮음", "Clamp pressure low"),
)

_EXTRA = """
[plant]
time_zone = "Asia/Seoul"
failure_after = "5m"

[[shift]]
id = "day"
name = "주간"
days = ["mon-sun", "holiday"]
start = "08:00"
end = "17:00"
breaks = ["12:00-13:00"]

[[shift]]
id = "night"
name = "야간"
days = ["mon-sun", "holiday"]
start = "20:00"
end = "05:00"

[[downtime_reason]]
code = "E"
name = "설비 고장"
name_en = "Breakdown"

[[downtime_reason]]
code = "E10"
name = "전기"
name_en = "Electrical"
parent = "E"

[[downtime_reason]]
code = "M"
name = "자재 부족"
name_en = "Out of material"
"""


class PastPlant(Plant):
    """The plant of the other browser tests, with shifts, reasons and two weeks behind it."""

    def __init__(self, folder: Path) -> None:
        """Write the config and the past into `folder`."""
        super().__init__(folder)
        self.yesterday: date = (datetime.now(SEOUL) - timedelta(days=1)).date()
        remember(self.first_history, self._past())

    def _toml(self) -> str:
        return super()._toml() + _EXTRA

    def _past(self) -> list[Batch]:
        site = load_config(self.config, DRIVERS).site
        numbers = [int(machine["code"][-3:]) for machine in self.machines]
        batches: list[Batch] = []
        for back in range(DAYS, 0, -1):
            midnight = datetime.combine(
                self.yesterday - timedelta(days=back - 1), datetime.min.time(), SEOUL
            )
            days = {number: _drawn_day(number, back) for number in numbers}
            if back == 1:
                days[TOLD], days[UNSEEN] = _told_day(), _unseen_day()
            if back == DAYS:
                days[FAILED_FIRST] = "e" * 12 + days[FAILED_FIRST][12:]
            if back == 6:  # the server stood for three hours of the day shift
                days = {number: letters[: 14 * 60] for number, letters in days.items()}
            begin_ms = round(midnight.timestamp() * 1000)
            for batch in told(site, begin_ms, days):
                run = a_run(100 - back, begin_ms)
                seen = _seen_late(batch, begin_ms) if back == DAYS else batch
                batches.append(replace(self._with_alarms(seen), run=run))
        return batches

    def _with_alarms(self, batch: Batch) -> Batch:
        """Return `batch` with an alarm for each fault: raised, cleared, and then acknowledged."""
        alarms: list[AlarmRecord] = []
        faults: dict[str, int] = {}  # when those rose that stand
        changes = [each for each in batch.records if isinstance(each, ChangeRecord)]
        for change in changes:
            machine, since_ms = change.equipment_code, faults.pop(change.equipment_code, None)
            if since_ms is not None:
                alarms += self._alarm(machine, since_ms, change.at_ms)
            if change.status is Status.ERROR:
                faults[machine] = change.at_ms
        for machine, since_ms in faults.items():
            alarms += self._alarm(machine, since_ms, batch.stopped_ms or batch.alive_ms)
        first = len(batch.records) + 1
        numbered = (replace(each, seq=seq) for seq, each in enumerate(alarms, first))
        return replace(batch, records=(*batch.records, *numbered))

    def _alarm(self, machine: str, begin_ms: int, end_ms: int) -> list[AlarmRecord]:
        number = int(machine[-3:])
        text_ko, text_en = MESSAGES[number % len(MESSAGES)]
        alarm, first = raised(
            begin_ms * 1_000 + number,
            at_ms=begin_ms,
            source=machine,
            name=self.names[machine],
            text_ko=text_ko,
            text_en=text_en,
        )
        alarm, second = happened(alarm, AlarmEventKind.CLEARED, end_ms)
        _, third = happened(alarm, AlarmEventKind.ACKNOWLEDGED, end_ms, "김정비")
        return [first, second, third]


def _seen_late(batch: Batch, begin_ms: int) -> Batch:
    """Return `batch` with `FAILED_FIRST` seen a little later than all others."""

    def later(record: Record) -> Record:
        if not isinstance(record, ChangeRecord) or record.at_ms != begin_ms:
            return record
        is_late = record.equipment_code == FAILED_FIRST_CODE
        return replace(record, at_ms=begin_ms + UNSEEN_FIRST_MS) if is_late else record

    return replace(batch, records=tuple(later(each) for each in batch.records))


def _told_day() -> str:
    """Runs all day but for one stop of 27 min, one micro-stop of 1 min and 10 min out of sight."""
    minutes = ["r"] * DAY_MINUTES
    _put(minutes, "10:00", "e" * 12 + "s" * 15)
    _put(minutes, "13:30", "i")
    _put(minutes, "15:00", "d" * 10)
    return "".join(minutes)


def _unseen_day() -> str:
    """Runs all day, but for one hour of the day shift nobody sees it."""
    minutes = ["r"] * DAY_MINUTES
    _put(minutes, "09:00", "d" * 60)
    return "".join(minutes)


def _put(minutes: list[str], at: str, letters: str) -> None:
    first = int(at[:2]) * 60 + int(at[3:])
    minutes[first : first + len(letters)] = letters


def _drawn_day(number: int, back: int) -> str:
    """Return a believable day: mostly running, some short waits, now and then a fault."""
    random_ = random.Random(number * 1000 + back)
    letters = ""
    while len(letters) < DAY_MINUTES:
        letters += "r" * random_.randint(20, 150)
        letters += random_.choices(
            ["i" * random_.randint(1, 2), "i" + "e" * random_.randint(3, 25), "s" * 14, "d" * 2],
            [10, 4, 3, 1],
        )[0]
    return letters[:DAY_MINUTES]


TOLD_CODE, UNSEEN_CODE, FAILED_FIRST_CODE = code(TOLD), code(UNSEEN), code(FAILED_FIRST)
