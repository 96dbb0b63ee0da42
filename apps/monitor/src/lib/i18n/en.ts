import type { Strings } from '@/lib/i18n/strings';

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;

export const en: Strings = {
  languageName: 'English',
  // No-break spaces: a number and its unit stay on one line.
  duration: { day: '\u00a0d', hour: '\u00a0h', minute: '\u00a0min', second: '\u00a0s' },
  status: {
    running: 'Running',
    idle: 'Idle',
    stopped: 'Stopped',
    error: 'Fault',
    disconnected: 'Offline',
  },
  panel: {
    failed: 'This part could not be shown. Trying again.',
    missing: 'This part could not be loaded from the server. Trying again.',
    old: 'The server has a new version. Reload the page to open this part.',
    retry: 'Try again now',
    reload: 'Reload',
  },
  link: { connecting: 'Connecting', online: 'Online', retrying: 'Retrying', lost: 'No answer' },
  cpu: { run: 'RUN', stop: 'STOP', pause: 'PAUSE', unknown: 'Unknown' },
  quality: { good: 'Good', uncertain: 'Uncertain', bad: 'Bad' },
  role: {
    status_tag: 'Status tag',
    error_tag: 'Error tag',
    idle_tag: 'Idle tag',
    alarm_code_tag: 'Alarm code',
  },
  why: {
    not_configured: () =>
      'No tags are configured for this machine, so its status cannot be known. Name its PLC and status tag in the configuration.',
    never_read: ({ plc }) => `No value of this machine has been read from ${plc} yet.`,
    plc_lost: ({ plc, lasted }) =>
      `${plc} has not answered for ${lasted}, so the machine cannot be seen. Its last values are not trusted.`,
    plc_not_in_run: ({ plc }) =>
      `The CPU of ${plc} is not in RUN, so its tags do not say what the machine is doing.`,
    heartbeat_still: ({ plc, tag, lasted }) =>
      `The heartbeat counter ${tag} of ${plc} has stood still for ${lasted}: its program is taken to be frozen.`,
    tag_bad: ({ tag, detail }) =>
      `Tag ${tag} cannot be read: the PLC does not have this address, or refuses it.${detail === '' ? '' : ` (${detail})`}`,
    stale: ({ staleAfter }) =>
      `No new value was read within ${staleAfter}, so the last one can no longer be trusted.`,
    unmapped_value: ({ tag, value }) =>
      `No status is configured for the value ${value} of tag ${tag}.`,
    error_tag: ({ tag, value, lasted }) =>
      `Error tag ${tag} is ${value}. The machine has reported a fault for ${lasted}. A fault wins over a run signal.`,
    running: ({ tag, value, lasted }) =>
      `Status tag ${tag} is ${value} and there is no fault signal. It has been running for ${lasted}.`,
    idle_tag: ({ tag, value }) => `Idle tag ${tag} is ${value}: the machine says that it waits.`,
    idle_wait: ({ tag, value, stopAfter, left }) =>
      stopAfter === null || left === null
        ? `Status tag ${tag} is ${value}. However long this machine waits, it stays idle.`
        : `Status tag ${tag} is ${value}, but for less than ${stopAfter} so far, so it still counts as idle.`,
    stop_elapsed: ({ tag, value, stopAfter }) =>
      stopAfter === null
        ? `Status tag ${tag} is ${value}, so it is stopped.`
        : `Status tag ${tag} has been ${value} for more than ${stopAfter}, so idle became stopped.`,
    value_map: ({ tag, value }) =>
      `This status is configured for the value ${value} of tag ${tag}.`,
    outside_shift: ({ tag, value, left }) =>
      left === null
        ? `Status tag ${tag} is ${value}, but no work is planned now: outside of a shift or in a break it counts as idle, never as stopped.`
        : `Status tag ${tag} is ${value}, but no work is planned now: outside of a shift or in a break it counts as idle, never as stopped. Work is planned again in ${left}.`,
  },
  reason: {
    not_configured: () => 'No tags configured',
    never_read: ({ plc }) => `Waiting for ${plc}`,
    plc_lost: ({ plc }) => `${plc} does not answer`,
    plc_not_in_run: ({ plc }) => `${plc} not in RUN`,
    heartbeat_still: ({ plc }) => `${plc} heartbeat still`,
    tag_bad: ({ tag }) => `${tag} unreadable`,
    stale: ({ plc }) => `${plc} data late`,
    unmapped_value: ({ tag, value }) => `${tag} = ${value} · unknown value`,
    error_tag: ({ tag, value }) => `${tag} = ${value} · fault signal`,
    running: ({ tag, value }) => `${tag} = ${value}`,
    idle_tag: ({ tag, value }) => `${tag} = ${value} · waiting`,
    idle_wait: ({ left }) => (left === null ? 'Waiting' : `Stopped in ${left}`),
    stop_elapsed: ({ stopAfter }) =>
      stopAfter === null ? 'Stop signal' : `Idle for over ${stopAfter}`,
    value_map: ({ tag, value }) => `${tag} = ${value}`,
    outside_shift: ({ left }) => (left === null ? 'No work planned' : `Work planned in ${left}`),
  },
  connection: {
    connecting: 'Connecting',
    connected: 'Connected',
    stale: 'Data late',
    reconnecting: (attempt, max) => `Reconnecting ${attempt}/${max}`,
    failed: 'Connection failed',
    refusedTitle: 'The server refuses this page.',
    refusedText: (origin) =>
      `It does not know the page’s address ${origin}. Let the proxy pass the Host header on, or write allowed_origins = ["${origin}"] under [server] in lineside.toml.`,
    failedTitle: 'The server cannot be reached',
    failedText:
      'No machine can be seen, so all are shown as offline. The page reconnects by itself when the server is back.',
    reconnect: 'Reconnect',
    staleTitle: 'No data is arriving',
    staleText: 'The connection is open but silent, so no status shown can be trusted.',
    historyTitle: 'History is behind',
    historyText:
      'What is shown is live. Changes are kept by the server and stored once its database takes them again.',
    notice: (message) => `Server notice: ${message}`,
    dismiss: 'Dismiss',
    malformedShort: (count) => `${count} malformed`,
    malformed: (count) => `${plural(count, 'malformed message')} ignored`,
  },
  header: {
    demo: 'DEMO',
    demoTitle: 'This plant is simulated, and its past week generated. These are not real machines.',
    line: 'Line',
    views: 'Views',
    board: 'Board',
    timeline: 'Timeline',
    report: 'Report',
    alarms: 'Alarms',
    machine: 'Machine',
    past: 'PAST',
    filters: 'Machines per status, and filters',
    plantTime: 'Plant time',
    screenAhead: (off) => `Screen ${off} fast`,
    screenBehind: (off) => `Screen ${off} slow`,
    screenClockTitle:
      'The clock of this screen’s computer differs from the server’s. All times and periods shown here follow the server’s clock.',
    dataAge: (age) => `Data ${age} old`,
    dataAgeTitle: 'Age of the oldest value that is shown',
    noData: 'No data',
    settings: 'Display settings',
    language: 'Language',
    theme: 'Brightness',
    dark: 'Dark',
    light: 'Light',
    palette: 'Status colours',
    paletteContract: 'Standard',
    paletteIec: 'IEC 60073',
    view: 'View',
    grid: 'Grid',
    plan: 'Floor plan',
    wall: 'Wall mode',
    leaveWall: 'Leave wall mode',
  },
  board: {
    title: 'Machines',
    planTitle: 'Floor plan',
    empty: 'This line has no machines',
    loading: 'Loading the state of the line',
    unknownLine: 'The line of this address is not configured. Choose one that is.',
    filtered: (shown, total) => `Showing ${shown} of ${total}`,
    clearFilter: 'Show all',
    late: (age) => `Data ${age} late`,
    lateUnknown: 'No data',
    unplaced: 'Not on the plan',
    now: 'now',
    summary: 'Line summary',
    runningNow: 'Running now',
    runningShare: (window) => `Running, last ${window}`,
    share: (percent) => `${percent}%`,
    coverage: (percent) => `${percent}% observed`,
    insufficient: 'Insufficient data',
    machines: (count) => plural(count, 'machine'),
  },
  attention: {
    title: 'Needs attention',
    none: 'All clear',
    noneText: 'No machine needs anyone right now.',
    plcLost: (plc, count) => `${plc} does not answer · ${plural(count, 'machine')}`,
    pageDeaf: (count) => `Not receiving · ${plural(count, 'machine')}`,
    pageDeafText: 'This screen receives no new data',
    recent: 'Recent changes',
    noRecent: 'No recent changes',
    show: (count) => `Show ${plural(count, 'item')} needing attention`,
    hide: 'Hide the list',
  },
  detail: {
    close: 'Close',
    why: 'Why is it this colour?',
    since: (time) => `since ${time}`,
    untilStopped: 'Until it counts as stopped',
    neverStops: 'Never counts as stopped',
    tags: 'Raw tags',
    noTags: 'No tags are configured',
    role: 'Role',
    address: 'Address',
    value: 'Value',
    quality: 'Quality',
    readAt: 'Read at',
    ago: (age) => `${age} ago`,
    today: 'Today',
    unobserved: 'Not observed',
    deleted: 'Deleted',
    plc: 'PLC health',
    endpoint: 'Endpoint',
    link: 'Link',
    linkSince: (time) => `since ${time}`,
    latency: 'Latency',
    dataAge: 'Data age on the screen',
    dataAgeValue: (last, p50, p95) => `${last} (median ${p50}, 95% ${p95})`,
    latencyValue: (last, p50, p95) => `${last} (median ${p50}, 95% ${p95})`,
    polls: 'Polls',
    pollsValue: (polls, faults, reconnects) =>
      `${polls} · ${faults} failed · ${reconnects} reconnects`,
    cpu: 'CPU',
    lastFault: 'Last fault',
    noFault: 'No fault on record',
    nextAttempt: 'Next attempt',
    unavailable: 'The details cannot be loaded. Below is what was last received.',
    late: 'The data is late',
    ownLateWhy: (age) =>
      `This screen has received no new data for ${age} and turned the machine gray. The values below are the last ones received.`,
    changes: 'Status changes',
    lastUpdated: 'Last updated',
    never: 'never',
    endCode: (code) => `End code ${code}`,
  },
  memory: {
    alarms: 'Alarms',
    alarmsTitle: (count, unacknowledged) =>
      `${plural(count, 'alarm')}, ${unacknowledged} unacknowledged`,
    alarmsIncomplete: (count, number) => (count === 0 ? 'not known' : `${number} or more`),
    alarmsIncompleteTitle: (count, unacknowledged) =>
      count === 0
        ? 'How many alarms there are is not known: the server cannot read all of them now'
        : `At least ${plural(count, 'alarm')}, ${unacknowledged} unacknowledged; the server cannot read all of them now`,
    alarmsIncompleteText: 'There may be more alarms: the server cannot read all of them now.',
    alarmSince: (time) => `raised ${time}`,
    unacknowledged: 'Not acknowledged yet',
    acknowledgedBy: (by, time) => `acknowledged by ${by}, ${time}`,
    todayTitle: 'Faults and alarms today',
    today: (failures, stops) => {
      // What did not happen is only said where nothing did.
      if (failures === 0 && stops > 0) return `Today ${plural(stops, 'stop')}`;
      if (stops === 0 && failures > 0) return `Today ${plural(failures, 'fault')}`;
      return `Today ${plural(failures, 'fault')}, ${plural(stops, 'stop')}`;
    },
    machinePage: 'Machine page',
  },
  live: {
    machine: (name, status) => `${name}: ${status}`,
    machines: (count, status) => `${plural(count, 'machine')} ${status}`,
  },
};
