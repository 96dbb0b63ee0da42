"""What `lineside watch` shows, on a clock that the test moves."""

import json

import pytest
from rich.console import Console

from lineside.cli.watch_board import Language, Link, WatchBoard, format_age
from lineside.core.model import Status


def status_message(**statuses: str) -> str:
    """An `equipment_status` of the contract; codes are the keywords."""
    return json.dumps(
        {
            "type": "equipment_status",
            "timestamp": "2025-11-03T10:30:45.000Z",
            "equipment": [
                {
                    "equipment_code": code,
                    "equipment_name": f"{code} 로봇 용접",
                    "status": status,
                    "tags": {
                        "status_tag": int(status == "running"),
                        "error_tag": int(status == "error"),
                        "connection": status != "disconnected",
                    },
                    "last_updated": "2025-11-03T10:30:45.000Z",
                }
                for code, status in statuses.items()
            ],
        }
    )


def new_board(language: Language = Language.EN) -> WatchBoard:
    return WatchBoard("ws://x/ws/monitor", language, now_s=0.0)


def shown(board: WatchBoard, now_s: float) -> str:
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(board.render(now_s))
    return capture.get()


def test_every_status_has_its_word_in_both_languages() -> None:
    message = status_message(A="running", B="idle", C="stopped", D="error", E="disconnected")
    words = {
        Language.KO: ["가동", "비가동", "정지", "설비이상", "접속이상"],
        Language.EN: ["Running", "Idle", "Stopped", "Fault", "Offline"],
    }
    for language, expected in words.items():
        board = new_board(language)
        board.opened(0)
        board.heard(message, 1)
        rows = shown(board, 1).splitlines()[4:]
        assert [row.split()[5] for row in rows] == expected


def test_time_in_status_counts_by_itself_between_messages() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running"), 1)
    board.heard(status_message(A="idle"), 2)
    assert " 0:00" in shown(board, 2)
    assert " 0:03" in shown(board, 5)


def test_a_status_that_was_there_before_the_watch_is_at_least_so_old() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running"), 1)
    assert "≥ 0:02" in shown(board, 3)


def test_ticks_that_stop_turn_everything_gray_without_any_event() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running", B="idle"), 10)
    assert board.link(12.9) is Link.LIVE
    assert "Running" in shown(board, 12.9)
    late = shown(board, 13.1)
    assert board.link(13.1) is Link.STALE
    assert "Running 0" in late
    assert "Offline 2" in late
    assert "no data" in late
    assert "last data 0:03 ago" in late


def test_a_lost_connection_is_gray_at_once_and_counts_its_attempts() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running"), 1)
    board.closed(1.5, "the connection was closed: 1012 restart")
    assert board.link(1.5) is Link.RECONNECTING
    assert "Offline 1" in shown(board, 1.5)
    board.closed(4.5, "no connection: refused")
    assert "reconnecting #2" in shown(board, 4.5)
    assert "no connection: refused" in shown(board, 4.5)


def test_after_a_gap_no_time_in_status_is_claimed_to_be_exact() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running", B="running"), 1)
    board.closed(2, "gone")
    board.opened(60)
    board.heard(status_message(A="stopped", B="running"), 61)
    rows = shown(board, 63).splitlines()[-2:]
    assert all(row.endswith("≥ 0:02") for row in rows)
    assert board.link(62) is Link.LIVE


def test_reopened_is_not_live_before_a_snapshot_has_come() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running"), 1)
    board.closed(2, "gone")
    board.opened(2.5)
    board.heard('{"type":"connection_status","status":"connected","message":"m"}', 2.6)
    assert board.link(2.6) is Link.CONNECTING
    assert board.link(6) is Link.STALE
    assert "Running 0" in shown(board, 2.6)


@pytest.mark.parametrize(
    "message",
    [
        "not json",
        "[]",
        "{}",
        '{"type":"news"}',
        '{"type":"equipment_status","equipment":[{"status":"dancing"}]}',
        b"\xff\xfe",
    ],
)
def test_what_cannot_be_understood_is_counted_and_changes_nothing(message: str | bytes) -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running"), 1)
    assert board.heard(message, 2) == []
    assert board.malformed_count == 1
    assert "Running 1" in shown(board, 2)
    assert "messages not understood: 1" in shown(board, 2)


def test_connection_false_is_offline_whatever_the_status_says() -> None:
    board = new_board()
    board.opened(0)
    lie = status_message(A="running").replace('"connection": true', '"connection": false')
    assert [change.status for change in board.heard(lie, 1)] == [Status.DISCONNECTED]


def test_changes_are_told_once() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running", B="idle"), 1)
    changes = board.heard(status_message(A="error", B="idle"), 2)
    assert [(c.code, c.previous, c.status) for c in changes] == [
        ("A", Status.RUNNING, Status.ERROR)
    ]
    assert board.heard(status_message(A="error", B="idle"), 3) == []


def test_a_machine_that_leaves_the_config_leaves_the_table() -> None:
    board = new_board()
    board.opened(0)
    board.heard(status_message(A="running", B="idle"), 1)
    board.heard(status_message(B="idle"), 2)
    assert "A 로봇" not in shown(board, 2)


def test_columns_stay_aligned_under_korean_names() -> None:
    board = new_board(Language.KO)
    board.opened(0)
    board.heard(status_message(A="running", LONGCODE="running"), 1)
    console = Console(width=100, color_system=None)
    lines = console.render_lines(board.render(1), pad=False)[4:]
    widths = {sum(segment.cell_length for segment in line) for line in lines}
    assert len(widths) == 1


def test_ages_read_like_a_clock() -> None:
    assert [format_age(s) for s in (0, 7, 724, 12051)] == ["0:00", "0:07", "12:04", "3:20:51"]
