import { withParticle } from '@/lib/i18n/particle';
import type { Strings } from '@/lib/i18n/strings';

const subject = (word: string): string => withParticle(word, '이', '가');
const object = (word: string): string => withParticle(word, '을', '를');
const copula = (word: string): string => withParticle(word, '이', '');

export const ko: Strings = {
  languageName: '한국어',
  duration: { day: '일', hour: '시간', minute: '분', second: '초' },
  status: {
    running: '가동',
    idle: '비가동',
    stopped: '정지',
    error: '설비이상',
    disconnected: '접속이상',
  },
  panel: {
    failed: '이 부분을 표시하지 못했습니다. 다시 시도하고 있습니다.',
    missing: '이 부분을 서버에서 불러오지 못했습니다. 다시 시도하고 있습니다.',
    old: '서버에 새 버전이 설치되었습니다. 화면을 새로 고치면 이 부분이 열립니다.',
    retry: '지금 다시 시도',
    reload: '새로 고침',
  },
  link: { connecting: '연결 중', online: '정상', retrying: '재시도 중', lost: '응답 없음' },
  cpu: { run: 'RUN', stop: 'STOP', pause: 'PAUSE', unknown: '알 수 없음' },
  quality: { good: '정상', uncertain: '불확실', bad: '불량' },
  role: {
    status_tag: '상태 태그',
    error_tag: '이상 태그',
    idle_tag: '비가동 태그',
    alarm_code_tag: '알람 코드',
  },
  why: {
    not_configured: () =>
      '이 설비에는 읽을 태그가 설정되어 있지 않아 상태를 알 수 없습니다. 설정 파일에 PLC와 상태 태그를 지정하세요.',
    never_read: ({ plc }) => `${plc}에서 이 설비의 값을 아직 한 번도 읽지 못했습니다.`,
    plc_lost: ({ plc, lasted }) =>
      `${subject(plc)} ${lasted} 동안 응답하지 않아 설비 상태를 볼 수 없습니다. 마지막 값은 믿지 않습니다.`,
    plc_not_in_run: ({ plc }) =>
      `${plc}의 CPU가 RUN 상태가 아니어서 태그 값이 실제 설비 상태를 나타내지 않습니다.`,
    heartbeat_still: ({ plc, tag, lasted }) =>
      `${plc}의 하트비트 카운터 ${subject(tag)} ${lasted} 동안 멈춰 있어 PLC 프로그램이 멎은 것으로 봅니다.`,
    tag_bad: ({ tag, detail }) =>
      `태그 ${object(tag)} 읽을 수 없습니다. 주소가 PLC에 없거나 읽기가 거부되었습니다.${detail === '' ? '' : ` (${detail})`}`,
    stale: ({ staleAfter }) =>
      `${staleAfter} 안에 새 값을 읽지 못해 마지막 값을 더 이상 믿을 수 없습니다.`,
    unmapped_value: ({ tag, value }) =>
      `태그 ${tag}의 값 ${value}에 해당하는 상태가 설정되어 있지 않습니다.`,
    error_tag: ({ tag, value, lasted }) =>
      `이상 태그 ${subject(tag)} ${value}입니다. 설비가 ${lasted} 전부터 이상을 알리고 있습니다. 이상은 가동 신호보다 우선합니다.`,
    running: ({ tag, value, lasted }) =>
      `상태 태그 ${subject(tag)} ${copula(value)}고 이상 신호가 없습니다. ${lasted}째 가동 중입니다.`,
    idle_tag: ({ tag, value }) =>
      `비가동 태그 ${subject(tag)} ${value}입니다. 설비가 대기를 알립니다.`,
    idle_wait: ({ tag, value, stopAfter, left }) =>
      stopAfter === null || left === null
        ? `상태 태그 ${subject(tag)} ${value}입니다. 이 설비는 기다려도 정지로 바뀌지 않습니다.`
        : `상태 태그 ${subject(tag)} ${copula(value)}지만 멈춘 지 ${subject(stopAfter)} 되지 않아 아직 비가동입니다.`,
    stop_elapsed: ({ tag, value, stopAfter }) =>
      stopAfter === null
        ? `상태 태그 ${subject(tag)} ${withParticle(value, '이어서', '여서')} 정지입니다.`
        : `상태 태그 ${subject(tag)} ${value}인 채로 ${subject(stopAfter)} 넘어 정지로 바뀌었습니다.`,
    value_map: ({ tag, value }) => `태그 ${tag}의 값 ${value}에 설정된 상태입니다.`,
    outside_shift: ({ tag, value, left }) =>
      left === null
        ? `상태 태그 ${subject(tag)} ${copula(value)}지만 지금은 근무 시간이 아니거나 휴식 시간이어서 정지가 아니라 비가동으로 봅니다.`
        : `상태 태그 ${subject(tag)} ${copula(value)}지만 지금은 근무 시간이 아니거나 휴식 시간이어서 정지가 아니라 비가동으로 봅니다. ${left} 후 근무가 시작됩니다.`,
  },
  reason: {
    not_configured: () => '태그 미설정',
    never_read: ({ plc }) => `${plc} 읽기 대기`,
    plc_lost: ({ plc }) => `${plc} 응답 없음`,
    plc_not_in_run: ({ plc }) => `${plc} RUN 아님`,
    heartbeat_still: ({ plc }) => `${plc} 하트비트 멈춤`,
    tag_bad: ({ tag }) => `${tag} 읽기 불가`,
    stale: ({ plc }) => `${plc} 데이터 늦음`,
    unmapped_value: ({ tag, value }) => `${tag} = ${value} · 미정의 값`,
    error_tag: ({ tag, value }) => `${tag} = ${value} · 이상 신호`,
    running: ({ tag, value }) => `${tag} = ${value}`,
    idle_tag: ({ tag, value }) => `${tag} = ${value} · 대기`,
    idle_wait: ({ left }) => (left === null ? '대기' : `대기 · ${left} 후 정지`),
    stop_elapsed: ({ stopAfter }) =>
      stopAfter === null ? '정지 신호' : `${stopAfter} 넘게 비가동`,
    value_map: ({ tag, value }) => `${tag} = ${value}`,
    outside_shift: ({ left }) =>
      left === null ? '근무 시간 아님' : `근무 시간 아님 · ${left} 후 시작`,
  },
  connection: {
    connecting: '연결 중',
    connected: '연결됨',
    stale: '데이터 지연',
    reconnecting: (attempt, max) => `재연결 중 ${attempt}/${max}`,
    failed: '연결 실패',
    refusedTitle: '서버가 이 화면의 연결을 거부합니다',
    refusedText: (origin) =>
      `화면의 주소(${origin})를 서버가 모릅니다. 프록시가 Host 헤더를 그대로 전달하게 하거나, lineside.toml의 [server]에 allowed_origins = ["${origin}"]을 적으세요.`,
    failedTitle: '서버에 연결할 수 없습니다',
    failedText:
      '설비 상태를 볼 수 없어 모두 접속이상으로 표시합니다. 서버가 돌아오면 저절로 다시 연결합니다.',
    reconnect: '다시 연결',
    staleTitle: '데이터가 들어오지 않습니다',
    staleText: '연결은 열려 있지만 새 데이터가 없어 설비 상태를 믿을 수 없습니다.',
    historyTitle: '이력 저장이 밀려 있습니다',
    historyText:
      '화면의 상태는 실시간입니다. 변화는 서버가 보관하고 있다가 데이터베이스가 돌아오면 저장합니다.',
    notice: (message) => `서버 알림: ${message}`,
    dismiss: '닫기',
    malformedShort: (count) => `형식 오류 ${count}`,
    malformed: (count) => `형식이 잘못된 메시지 ${count}건을 무시했습니다`,
  },
  header: {
    demo: 'DEMO',
    demoTitle: '시뮬레이션된 공장이고 지난 한 주의 이력은 생성된 것입니다. 실제 설비가 아닙니다.',
    line: '라인',
    views: '화면',
    board: '현황',
    timeline: '타임라인',
    report: '보고서',
    alarms: '경보',
    machine: '설비',
    past: '과거',
    filters: '상태별 설비 수와 필터',
    plantTime: '공장 시각',
    screenAhead: (off) => `화면 시계 ${off} 빠름`,
    screenBehind: (off) => `화면 시계 ${off} 느림`,
    screenClockTitle:
      '이 화면 컴퓨터의 시계가 서버와 다릅니다. 여기 보이는 시각과 기간은 모두 서버 시계를 따릅니다.',
    dataAge: (age) => `데이터 ${age} 전`,
    dataAgeTitle: '표시 중인 값 가운데 가장 오래된 것의 나이',
    noData: '데이터 없음',
    settings: '화면 설정',
    language: '언어',
    theme: '화면 밝기',
    dark: '어둡게',
    light: '밝게',
    palette: '상태 색',
    paletteContract: '기본 색',
    paletteIec: 'IEC 60073',
    view: '보기',
    grid: '격자',
    plan: '배치도',
    wall: '벽면 모드',
    leaveWall: '벽면 모드 끝내기',
  },
  board: {
    title: '설비 현황',
    planTitle: '설비 배치도',
    empty: '이 라인에는 설비가 없습니다',
    loading: '설비 상태를 불러오는 중',
    unknownLine: '이 주소의 라인은 설정에 없습니다. 있는 라인을 고르세요.',
    filtered: (shown, total) => `${total}대 중 ${shown}대만 보는 중`,
    clearFilter: '모두 보기',
    late: (age) => `데이터 ${age} 늦음`,
    lateUnknown: '데이터 없음',
    unplaced: '위치 없음',
    now: '지금',
    summary: '라인 요약',
    runningNow: '지금 가동',
    runningShare: (window) => `최근 ${window} 가동 비율`,
    share: (percent) => `${percent}%`,
    coverage: (percent) => `관측 ${percent}%`,
    insufficient: '데이터 부족',
    machines: (count) => `${count}대`,
  },
  attention: {
    title: '조치 필요',
    none: '모두 이상 없음',
    noneText: '지금 조치가 필요한 설비가 없습니다.',
    plcLost: (plc, count) => `${plc} 응답 없음 · 설비 ${count}대`,
    pageDeaf: (count) => `수신 끊김 · 설비 ${count}대`,
    pageDeafText: '이 화면이 새 데이터를 받지 못합니다',
    recent: '최근 변화',
    noRecent: '최근 변화가 없습니다',
    show: (count) => `조치 필요 ${count}건 보기`,
    hide: '목록 접기',
  },
  detail: {
    close: '닫기',
    why: '왜 이 색인가?',
    since: (time) => `${time}부터`,
    untilStopped: '정지로 바뀌기까지',
    neverStops: '정지로 바뀌지 않음',
    tags: '원시 태그',
    noTags: '설정된 태그가 없습니다',
    role: '역할',
    address: '주소',
    value: '값',
    quality: '품질',
    readAt: '읽은 시각',
    ago: (age) => `${age} 전`,
    today: '오늘',
    unobserved: '관측 안 됨',
    deleted: '삭제됨',
    plc: 'PLC 상태',
    endpoint: '접속 주소',
    link: '연결',
    linkSince: (time) => `${time}부터`,
    latency: '응답 시간',
    dataAge: '화면 데이터의 경과 시간',
    dataAgeValue: (last, p50, p95) => `${last} (중앙값 ${p50}, 95% ${p95})`,
    latencyValue: (last, p50, p95) => `${last} (중앙값 ${p50}, 95% ${p95})`,
    polls: '읽기',
    pollsValue: (polls, faults, reconnects) => `${polls}회 · 실패 ${faults} · 재접속 ${reconnects}`,
    cpu: 'CPU',
    lastFault: '마지막 고장',
    noFault: '기록된 고장 없음',
    nextAttempt: '다음 시도',
    unavailable: '상세 정보를 불러올 수 없습니다. 아래는 마지막으로 받은 값입니다.',
    late: '데이터가 늦습니다',
    ownLateWhy: (age) =>
      `이 화면이 ${age} 동안 새 데이터를 받지 못해 회색으로 바꿨습니다. 아래 값은 마지막으로 받은 것입니다.`,
    changes: '상태 변화',
    lastUpdated: '마지막 갱신',
    never: '없음',
    endCode: (code) => `종료 코드 ${code}`,
  },
  memory: {
    alarms: '경보',
    alarmsTitle: (count, unacknowledged) => `경보 ${count}건, 미확인 ${unacknowledged}건`,
    alarmsIncomplete: (count, number) => (count === 0 ? '알 수 없음' : `${number} 이상`),
    alarmsIncompleteTitle: (count, unacknowledged) =>
      count === 0
        ? '경보가 몇 건인지 알 수 없음: 서버가 지금 모든 경보를 읽지 못함'
        : `경보 ${count}건 이상, 미확인 ${unacknowledged}건 이상: 서버가 지금 모든 경보를 읽지 못함`,
    alarmsIncompleteText: '경보가 더 있을 수 있습니다. 서버가 지금 모든 경보를 읽지 못합니다.',
    alarmSince: (time) => `${time} 발생`,
    unacknowledged: '아직 아무도 확인하지 않음',
    acknowledgedBy: (by, time) => `${by} ${time} 확인`,
    todayTitle: '오늘의 고장과 경보',
    today: (failures, stops) => {
      if (failures === 0 && stops > 0) return `오늘 정지 ${stops}회`;
      if (stops === 0 && failures > 0) return `오늘 고장 ${failures}회`;
      return `오늘 고장 ${failures}회, 정지 ${stops}회`;
    },
    machinePage: '설비 페이지',
  },
  live: {
    machine: (name, status) => `${name}: ${status}`,
    machines: (count, status) => `설비 ${count}대 ${status}`,
  },
};
