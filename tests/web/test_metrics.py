from collections import Counter

from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from builders import QUIET_HUB, T0_S, WebPlant, line, site, snapshot

HUB = replace(
    QUIET_HUB, subscribers=51, aside=1, frames_sent_total=1000, bytes_sent_total=4_700_000
)


async def scrape(plant: WebPlant) -> dict[str, Metric]:
    answer = await plant.ask("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    for family in families.values():
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    raise AssertionError(f"no sample {name} {labels}")


async def test_machines_are_counted_per_line_and_status() -> None:
    families = await scrape(WebPlant.ticking())
    assert value(families, "lineside_equipment", line="weld1", status="error") == 1
    assert value(families, "lineside_equipment", line="pack", status="error") == 0
    assert len(families["lineside_equipment"].samples) == 10


async def test_what_left_the_site_is_counted_nowhere_before_the_next_tick() -> None:
    plant = WebPlant.ticking()
    smaller = site(line("weld1", range(101, 104)))
    plant.configure(replace(smaller, plcs=smaller.plcs[:1]))
    families = await scrape(plant)
    listed = (await plant.ask("/api/equipment?line=weld1")).json()["equipment"]
    (only,) = (await plant.ask("/api/lines")).json()["lines"]
    statuses = Counter(each["status"] for each in listed)
    assert statuses.total() == only["equipment_count"] == 3
    for status, count in only["counts"].items():
        assert count == statuses[status]
        assert value(families, "lineside_equipment", line="weld1", status=status) == count
    assert [each.labels["plc"] for each in families["lineside_plc_up"].samples] == ["PLC01"]


async def test_stopped_board_is_not_ready_and_shows_no_machine_running() -> None:
    plant = WebPlant.ticking()
    assert value(await scrape(plant), "lineside_ready") == 1
    plant.clock.turn(10)
    families = await scrape(plant)
    assert value(families, "lineside_ready") == 0
    assert value(families, "lineside_snapshot_age_seconds") == 10
    assert value(families, "lineside_equipment", line="weld1", status="running") == 0
    assert value(families, "lineside_equipment", line="weld1", status="disconnected") == 5
    assert value(families, "lineside_plc_up", plc="PLC01") == 0


async def test_server_without_a_first_snapshot_can_be_scraped() -> None:
    families = await scrape(WebPlant())
    assert value(families, "lineside_ready") == 0
    assert "lineside_snapshot_age_seconds" not in families


async def test_tick_lag_is_from_the_second_it_stands_for_to_its_arrival() -> None:
    plant = WebPlant()
    plant.configure()
    at_s = plant.clock.unix_s
    plant.clock.turn(0.25)
    plant.live.on_message(snapshot(site(), sequence=9, at_s=at_s))
    families = await scrape(plant)
    assert value(families, "lineside_tick_lag_seconds") == 0.25
    assert value(families, "lineside_snapshot_sequence") == 9


async def test_plc_figures_are_in_seconds_and_per_plc() -> None:
    families = await scrape(WebPlant.ticking())
    assert value(families, "lineside_plc_up", plc="PLC01") == 1
    assert value(families, "lineside_plc_up", plc="PLC02") == 0
    assert value(families, "lineside_plc_link", plc="PLC02", link="lost") == 1
    latency = "lineside_plc_poll_latency_seconds"
    assert value(families, latency, plc="PLC01", quantile="0.95") == 0.00925
    assert value(families, "lineside_plc_data_age_seconds", plc="PLC01") == 0.25
    tick_age = "lineside_plc_tick_data_age_seconds"
    assert value(families, tick_age, plc="PLC01", quantile="0.5") == 0.0115
    assert value(families, tick_age, plc="PLC01", quantile="0.95") == 0.01425
    assert value(families, "lineside_plc_poll_lead_seconds", plc="PLC01") == 0.011
    assert value(families, "lineside_plc_late_polls_total", plc="PLC01") == 2
    assert value(families, "lineside_plc_backoff_seconds", plc="PLC02") == 4
    assert value(families, "lineside_plc_polls_total", plc="PLC01") == 200
    assert value(families, "lineside_plc_requests_total", plc="PLC01") == 400
    assert value(families, "lineside_plc_faults_total", plc="PLC02") == 7
    assert value(families, "lineside_plc_reconnects_total", plc="PLC02") == 3


async def test_hub_figures_are_the_hubs_own() -> None:
    families = await scrape(WebPlant(hub_stats=HUB))
    assert value(families, "lineside_subscribers") == 51
    assert value(families, "lineside_subscribers_aside") == 1
    assert value(families, "lineside_frames_sent_total") == 1000
    assert value(families, "lineside_sent_bytes_total") == 4_700_000


async def test_process_and_build_are_told() -> None:
    families = await scrape(WebPlant.ticking())
    assert value(families, "process_resident_memory_bytes") > 1_000_000
    assert value(families, "process_open_fds") > 0
    assert value(families, "lineside_build_info", version="1.2.3", build="unbuilt") == 1
    assert value(families, "lineside_start_time_seconds") == T0_S - 60


async def test_names_follow_the_conventions_of_prometheus() -> None:
    for name, family in (await scrape(WebPlant.ticking())).items():
        assert name.startswith(("lineside_", "process_", "python_gc_"))
        assert family.documentation
        assert not name.endswith(("_ms", "_milliseconds", "_minutes"))
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample


async def test_two_servers_in_one_process_keep_their_figures_apart() -> None:
    one, other = WebPlant.ticking(), WebPlant(hub_stats=HUB)
    assert value(await scrape(one), "lineside_subscribers") == 0
    assert value(await scrape(other), "lineside_subscribers") == 51


async def test_scraper_that_asks_for_openmetrics_gets_it() -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    answer = await WebPlant.ticking().ask("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = parse_openmetrics(answer.text)  # type: ignore[no-untyped-call]
    assert "lineside_equipment" in {family.name for family in families}
