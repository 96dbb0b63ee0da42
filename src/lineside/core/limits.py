"""Every bound of the house in one place. Bytes and seconds, unless named otherwise."""

TICK_PERIOD_S = 1.0
FRESH_FOR_S = 3.0  # three missed ticks: what is older is not shown, nor kept, as what was
FIRST_TICK_WAIT_S = 0.25  # for the PLCs' first answers after a start

# Inbound WebSocket messages (contract: one message a second per client).
INBOUND_MESSAGE_MAX_BYTES = 64 * 1024
INBOUND_MESSAGES_PER_S = 1.0
INBOUND_BURST = 5  # messages answered before the rate applies
INBOUND_FLOOD = 60  # unanswered messages within FLOOD_WINDOW_S after which the client is closed
FLOOD_WINDOW_S = 10.0
CONTROL_FRAMES_PER_S = 10.0  # frames that are no whole message: ping, pong, fragments
CONTROL_BURST = 20
CONTROL_FLOOD = 200

# Subscribers.
CONNECTIONS_MAX = 12_000
CONNECTIONS_PER_ADDRESS_MAX = 11_000  # a plant may sit behind one proxy or one load generator
HANDSHAKE_TIMEOUT_S = 9.0  # gone from the outside, too, within 10 s
UNDRAINED_TIMEOUT_S = 15.0
UNACKNOWLEDGED_TIMEOUT_S = 15.0  # for TCP itself: a cable pulled, a lid closed, a full receiver
SEND_BUFFER_BYTES = 32 * 1024
SHUTDOWN_TIMEOUT_S = 5.0

# PLC links.
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 10.0
BACKOFF_JITTER = 0.2  # each wait is stretched or shrunk by up to this share
LATENCY_WINDOW = 100  # polls, and ticks for the age of what they show
POLL_LEAD_JITTER_S = 0.003  # by which answers are aimed before the tick: timers are that exact
POLL_LEAD_SPREAD_MAX_S = 0.015  # how far beyond its usual response time a PLC is waited for
OFF_BEAT_LOOKS = 3  # between two polls, for lamps and heartbeats that seem to stand still
OFF_BEAT_EVERY_POLLS = 8  # a look between two polls where nothing asks for one
RECONNECT_PAUSE_S = 0.05  # some PLCs refuse a new connection sooner than this after a close
BAD_TAG_FIRST_RETEST_S = 5.0  # and twice as long after each refusal
BAD_TAG_RETEST_S = 180.0  # at most
RETRY_LOG_INTERVAL_S = 60.0

# The site.
EQUIPMENT_MAX = 5_000
SHIFTS_MAX = 500
SHIFT_EXCEPTIONS_MAX = 1_000
SHIFT_EXCEPTION_DAYS_MAX = 366
DOWNTIME_REASONS_MAX = 1_000
ALARM_TABLES_MAX = 100
ALARM_MESSAGES_MAX = 10_000  # in one table
RECENT_CHANGES_PER_EQUIPMENT = 500
