"""The demo line's life: believable, repeatable, and everything to be seen within two minutes."""

from collections import Counter
from itertools import islice, pairwise

import pytest

from lineside.core.model import Instant, PlcLink, Quality, Status, StatusRule, TagRole, TagValue
from lineside.core.status import Evidence, PlcEvidence, TagEvidence, decide_status
from lineside.demo.behaviour import (
    Activity,
    LineBehaviour,
    MachineProfile,
    MachineSignals,
    opening_script,
    plc_outages,
)

STOP_AFTER_S = 45.0
PROFILES = tuple(
    MachineProfile(code=f"M{n:02}", plc_id=f"PLC0{min(n // 6, 2) + 1}", stop_after_s=STOP_AFTER_S)
    for n in range(17)
)
PLC_IDS = ("PLC01", "PLC02", "PLC03")


def line(seed: int) -> LineBehaviour:
    return LineBehaviour(PROFILES, seed, script=opening_script(PROFILES, seed))


class Judge:
    """Applies the real status rule to one machine's signals, sampled once a second."""

    def __init__(self) -> None:
        self.since: dict[str, Instant] = {}

    def status(
        self, profile: MachineProfile, signals: MachineSignals, silent: bool, now_s: float
    ) -> Status:
        now = Instant(unix_s=now_s, monotonic_s=now_s)
        if profile.code not in self.since or (signals.is_running and not signals.has_fault):
            self.since[profile.code] = now
        tags = {
            TagRole.STATUS: evidence("M100", int(signals.is_running), now),
            TagRole.ERROR: evidence("M200", int(signals.has_fault), now),
        }
        link = PlcLink.LOST if silent else PlcLink.ONLINE
        return decide_status(
            StatusRule(stop_after_s=STOP_AFTER_S),
            Evidence(
                plc=PlcEvidence(id=profile.plc_id, link=link),
                tags=tags,
                not_running_since=self.since[profile.code],
            ),
            now,
        ).status


def evidence(address: str, value: int, now: Instant) -> TagEvidence:
    good = TagValue(value=value, quality=Quality.GOOD, read_at=now)
    return TagEvidence(address=address, good=good, latest=good)


@pytest.mark.parametrize("seed", range(40))
def test_all_five_statuses_are_seen_within_two_minutes(seed: int) -> None:
    behaviour, judge = line(seed), Judge()
    outage = next(plc_outages(PLC_IDS, seed))
    first_seen: dict[Status, int] = {}
    most_at_once, running = 0, 0
    for second in range(120):
        signals = behaviour.step(second)
        # A lost PLC is noticed up to four seconds late: timeout, retry, lost.
        is_silent = outage.start_s + 4 < second < outage.end_s
        statuses = [
            judge.status(p, signals[p.code], is_silent and p.plc_id == outage.plc_id, second)
            for p in PROFILES
        ]
        for status in statuses:
            first_seen.setdefault(status, second)
        most_at_once = max(most_at_once, len(set(statuses)))
        running += statuses.count(Status.RUNNING)
    assert set(first_seen) == set(Status)
    assert first_seen[Status.ERROR] <= 15
    assert first_seen[Status.IDLE] <= 15
    assert first_seen[Status.STOPPED] <= STOP_AFTER_S + 5
    assert 60 <= first_seen[Status.DISCONNECTED] <= 75
    assert most_at_once == 5
    assert running / (120 * 17) > 0.55


@pytest.mark.parametrize("seed", range(2))
def test_most_of_the_line_runs_over_a_shift(seed: int) -> None:
    behaviour = line(seed)
    count: Counter[Activity] = Counter()
    for second in range(0, 8 * 3600, 10):
        count.update(signal.activity for signal in behaviour.step(second).values())
    share = {activity: n / count.total() for activity, n in count.items()}
    assert 0.70 <= share[Activity.RUNNING] <= 0.86
    assert set(share) == set(Activity)
    assert share[Activity.FAULTED] < 0.12
    assert share[Activity.HALTED] < 0.12


def test_the_same_seed_gives_the_same_life_however_often_it_is_asked() -> None:
    often, seldom = line(7), line(7)
    for tenth in range(6000):
        last = often.step(tenth / 10)
    seldom.step(123.4)
    assert seldom.step(599.9) == last


def test_another_seed_gives_another_life() -> None:
    assert line(1).step(400) != line(2).step(400)


def test_time_that_runs_backwards_changes_nothing() -> None:
    behaviour = line(3)
    now = behaviour.step(200)
    assert behaviour.step(100) == now


def test_a_gap_of_days_is_jumped_over_not_replayed() -> None:
    behaviour = line(3)
    behaviour.step(10)
    assert len(behaviour.step(30 * 86400.0)) == 17


def test_a_held_machine_stays_as_it_is_held_until_it_is_released() -> None:
    behaviour, free = line(5), line(5)
    behaviour.hold("M03", Activity.FAULTED)
    for second in range(300):
        assert behaviour.step(second)["M03"].has_fault
        free.step(second)
    behaviour.release("M03")
    assert behaviour.step(300) == free.step(300)


def test_a_steady_line_runs_for_ever() -> None:
    behaviour = LineBehaviour(PROFILES, 1, is_steady=True)
    assert all(signals.is_running for signals in behaviour.step(3600.0).values())


def test_some_run_bits_stay_on_under_a_fault() -> None:
    behaviour = line(1)
    for profile in PROFILES:
        behaviour.hold(profile.code, Activity.FAULTED)
    kinds = {signals.is_running for signals in behaviour.step(0).values()}
    assert kinds == {True, False}


def test_a_long_halt_is_felt_by_a_neighbour_but_does_not_stop_the_line() -> None:
    behaviour = LineBehaviour(PROFILES, 1)
    felt = set()
    for second in range(3600):
        felt |= {s.activity for s in behaviour.step(second).values()}
    assert {Activity.STARVED, Activity.BLOCKED} <= felt


@pytest.mark.parametrize("seed", range(20))
def test_outages_never_overlap_and_last_ten_to_twenty_five_seconds(seed: int) -> None:
    outages = list(islice(plc_outages(PLC_IDS, seed), 50))
    assert outages[0].plc_id == "PLC03"
    assert all(10 <= o.end_s - o.start_s <= 25 for o in outages)
    assert all(b.start_s - a.end_s >= 240 for a, b in pairwise(outages))
    assert {o.plc_id for o in outages} == set(PLC_IDS)


def test_a_lone_plc_is_never_silenced() -> None:
    assert list(plc_outages(("PLC01",), 1)) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_small_line_needs_no_opening(count: int) -> None:
    assert opening_script(PROFILES[:count], 1) == ()
