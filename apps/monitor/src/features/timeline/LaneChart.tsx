import {
  type RefObject,
  useCallback,
  useEffect,
  useEffectEvent,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Chart, type ChartOptions } from '@/features/timeline/chart';
import { describeInterval } from '@/features/timeline/describe';
import { listenToGestures } from '@/features/timeline/gestures';
import { IntervalTip, type Tip } from '@/features/timeline/IntervalTip';
import { LaneNames } from '@/features/timeline/LaneNames';
import { answerChartKey, type Chosen } from '@/features/timeline/chartKeys';
import { chooseText } from '@/lib/alarms/text';
import { useElementSize } from '@/lib/hooks/useElementSize';
import { useSettings } from '@/lib/hooks/useSettings';
import { useStrings } from '@/lib/i18n/useStrings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { LineSession } from '@/lib/session/lineSession';
import type { Zone } from '@/lib/time/zone';
import { getLaneAt, hitInterval, layOutLanes, toMs, toPx } from '@/lib/timeline/laneLayout';
import type { AlarmMark, Interval } from '@/lib/timeline/model';
import { AXIS_HEIGHT_PX } from '@/lib/timeline/paint';
import type { TimelineStore } from '@/lib/timeline/timelineStore';
import type { ViewportStore } from '@/lib/timeline/viewportStore';
import styles from './LaneChart.module.css';

export interface ChartLane {
  readonly code: string;
  readonly name: string;
}

/** Where the time machine stands; null: in the present. */
export interface Cursor {
  readonly subscribe: (listener: () => void) => () => void;
  readonly getMs: () => number | null;
}

interface LaneChartProps {
  /** What the signs beside the names show: the present, or the moment. */
  readonly session: LineSession;
  readonly store: TimelineStore;
  readonly viewport: ViewportStore;
  readonly lanes: readonly ChartLane[];
  readonly zone: Zone;
  readonly cursor: Cursor;
  readonly getNowMs: () => number;
  readonly onMoment: (atMs: number) => void;
  readonly onTable: (code: string) => void;
}

const NAMES_PX = 216;
const NARROW_PX = 640;
const REACH_PX = 6;
const TOUCH_REACH_PX = 14;
const ALARM_REACH_PX = 8;
const ALARMS_MAX = 3;

/** The lanes with their axis: canvas for eyes and hands, keys and words for everyone else. */
export function LaneChart(props: LaneChartProps) {
  const { session, store, viewport, lanes, zone, cursor, getNowMs, onMoment, onTable } = props;
  const words = useTimelineStrings();
  const strings = useStrings();
  const [settings] = useSettings();
  const [frameRef, frame] = useElementSize();
  const [scrollTopPx, setScrollTopPx] = useState(0);
  const [hovered, setHovered] = useState<Tip | null>(null);
  const [pinned, setPinned] = useState<Tip | null>(null);
  const elements = useRef<ElementRefs>({});
  const chartRef = useRef<Chart | null>(null);

  const isNarrow = frame.widthPx < NARROW_PX;
  const namesPx = isNarrow ? 0 : NAMES_PX;
  const widthPx = Math.max(0, frame.widthPx - namesPx);
  const heightPx = Math.max(0, frame.heightPx - AXIS_HEIGHT_PX);
  const layout = useMemo(
    () => layOutLanes(lanes.length, { widthPx: frame.widthPx, heightPx }),
    [lanes.length, frame.widthPx, heightPx],
  );
  const codes = useMemo(() => lanes.map(({ code }) => code), [lanes]);
  const chosen = pinned === null ? null : { lane: pinned.lane, interval: pinned.interval };
  const options: ChartOptions = {
    store,
    viewport,
    layout,
    codes,
    widthPx,
    heightPx,
    zone,
    language: settings.language,
    words: words.status,
    restWord: words.rest,
    chosen,
    dress: `${settings.theme} ${settings.palette}`,
    getNowMs,
    getCursorMs: cursor.getMs,
  };

  useChart(chartRef, elements, options, cursor);

  const getIntervals = (lane: number): readonly Interval[] => {
    const { startMs, endMs } = viewport.get();
    const level = chartRef.current?.getLevel();
    const code = codes[lane];
    if (level === undefined || code === undefined) return [];
    const spareMs = (endMs - startMs) / 2;
    return store.getIntervals(
      level,
      code,
      startMs - spareMs,
      Math.min(getNowMs(), endMs + spareMs),
    );
  };

  const buildTip = (lane: number, interval: Interval, atMs: number, isPinned: boolean): Tip => {
    const window_ = viewport.get();
    const topPx = AXIS_HEIGHT_PX + lane * layout.rowPx - readScroll(elements) + layout.barTopPx;
    const code = codes[lane] ?? '';
    const msPerPx = (window_.endMs - window_.startMs) / Math.max(1, widthPx);
    return {
      lane,
      name: lanes[lane]?.name ?? code,
      interval,
      alarms: listAlarms(store, code, interval, atMs, msPerPx * ALARM_REACH_PX),
      atMs,
      xPx: namesPx + toPx(window_, atMs, widthPx),
      topPx,
      footPx: topPx + layout.barPx,
      isPinned,
    };
  };

  const findTip = (xPx: number, yPx: number, reachPx: number, isPinned: boolean): Tip | null => {
    const lane = getLaneAt(layout, yPx + readScroll(elements));
    if (lane === -1) return null;
    const window_ = viewport.get();
    const interval = hitInterval(getIntervals(lane), window_, xPx, widthPx, reachPx);
    if (interval === null) return null;
    const atMs = toMs(window_, xPx, widthPx);
    const insideMs = Math.min(interval.endMs - 1, Math.max(interval.beginMs, atMs));
    return buildTip(lane, interval, insideMs, isPinned);
  };

  const onTap = useEffectEvent((xPx: number, yPx: number, isTouch: boolean) => {
    setHovered(null);
    setPinned(findTip(xPx, yPx, isTouch ? TOUCH_REACH_PX : REACH_PX, true));
  });
  const onHover = useEffectEvent((point: { xPx: number; yPx: number } | null) => {
    setHovered(point === null ? null : findTip(point.xPx, point.yPx, REACH_PX, false));
  });
  const onPan = useEffectEvent((deltaPx: number) => {
    const { startMs, endMs } = viewport.get();
    viewport.pan((-deltaPx / Math.max(1, widthPx)) * (endMs - startMs));
    setPinned(null);
  });
  const onZoom = useEffectEvent((factor: number, xPx: number) => {
    viewport.zoom(factor, toMs(viewport.get(), xPx, widthPx));
    setPinned(null);
    setHovered(null);
  });
  const doesScroll = useEffectEvent(() => layout.totalPx > heightPx);
  const onAxis = useEffectEvent((xPx: number) => {
    onMoment(toMs(viewport.get(), xPx, widthPx));
  });

  useEffect(() => {
    const { lanes: surface, axis, scroller } = elements.current;
    if (surface == null || axis == null || scroller == null) return;
    const stopped = new AbortController();
    const handlers = {
      onPan: (deltaPx: number) => onPan(deltaPx),
      onZoom: (factor: number, xPx: number) => onZoom(factor, xPx),
      onTap: (xPx: number, yPx: number, isTouch: boolean) => onTap(xPx, yPx, isTouch),
      onHover: (point: { xPx: number; yPx: number } | null) => onHover(point),
      onScroll: (deltaPx: number) => scroller.scrollBy(0, deltaPx),
      doesScroll: () => doesScroll(),
    };
    listenToGestures(surface, handlers, stopped.signal);
    listenToAxis(axis, (xPx) => onAxis(xPx), handlers, stopped.signal);
    return () => stopped.abort();
  }, []);

  function choose({ lane, interval }: Chosen): void {
    const { startMs, endMs } = viewport.get();
    const middleMs = (Math.max(startMs, interval.beginMs) + Math.min(endMs, interval.endMs)) / 2;
    const scroller = elements.current.scroller;
    if (scroller != null) {
      const [topPx, footPx] = [lane * layout.rowPx, (lane + 1) * layout.rowPx];
      if (topPx < scroller.scrollTop) scroller.scrollTop = topPx;
      if (footPx > scroller.scrollTop + heightPx) scroller.scrollTop = footPx - heightPx;
    }
    setPinned(buildTip(lane, interval, middleMs, true));
  }

  const tip = hovered ?? pinned;
  const said =
    pinned === null
      ? ''
      : say(pinned, { zone, nowMs: getNowMs(), words, strings, language: settings.language });
  const setElement = useCallback(
    <Name extends keyof ElementRefs>(name: Name) =>
      (element: ElementRefs[Name]) => {
        elements.current = { ...elements.current, [name]: element };
      },
    [],
  );
  return (
    <div ref={frameRef} className={styles.frame} data-narrow={isNarrow ? 'true' : undefined}>
      <div className={styles.axis} style={{ marginInlineStart: namesPx, height: AXIS_HEIGHT_PX }}>
        <canvas ref={setElement('axis')} className={styles.axisCanvas} aria-hidden="true" />
      </div>
      <div
        ref={setElement('scroller')}
        className={styles.scroller}
        onScroll={(event) => {
          setScrollTopPx(event.currentTarget.scrollTop);
          chartRef.current?.invalidate();
          setPinned(null);
        }}
      >
        <div className={styles.content} style={{ height: Math.max(layout.totalPx, heightPx) }}>
          <LaneNames
            session={session}
            lanes={lanes}
            layout={layout}
            widthPx={isNarrow ? frame.widthPx : namesPx}
            scrollTopPx={scrollTopPx}
            heightPx={heightPx}
            onTable={onTable}
          />
          <div
            className={styles.lanes}
            style={{ marginInlineStart: namesPx, height: heightPx }}
            role="application"
            aria-label={words.lanes}
            aria-describedby="timeline-help"
            tabIndex={0}
            onKeyDown={(event) => {
              answerChartKey(event, {
                viewport,
                laneCount: lanes.length,
                chosen,
                getIntervals,
                onChoose: choose,
                onMoment,
                onLeave: () => setPinned(null),
              });
            }}
          >
            <canvas ref={setElement('lanes')} className={styles.lanesCanvas} aria-hidden="true" />
          </div>
        </div>
      </div>
      <div className={styles.cursorTrack} style={{ insetInlineStart: namesPx }} aria-hidden="true">
        <div ref={setElement('cursor')} className={styles.cursor} hidden>
          <i />
        </div>
      </div>
      {tip !== null && (
        <IntervalTip
          tip={tip}
          chart={frame}
          zone={zone}
          nowMs={getNowMs()}
          onMoment={(atMs) => {
            setPinned(null);
            onMoment(atMs);
          }}
        />
      )}
      <p id="timeline-help" className="visually-hidden">
        {words.lanesHelp}
      </p>
      <p role="status" className="visually-hidden" data-live="timeline">
        {said}
      </p>
    </div>
  );
}

interface ElementRefs {
  readonly axis?: HTMLCanvasElement | null;
  readonly lanes?: HTMLCanvasElement | null;
  readonly scroller?: HTMLElement | null;
  readonly cursor?: HTMLElement | null;
}

function readScroll(elements: RefObject<ElementRefs>): number {
  return elements.current.scroller?.scrollTop ?? 0;
}

/** Own a chart for as long as the component lives, and draw again whatever changes. */
function useChart(
  chartRef: RefObject<Chart | null>,
  elements: RefObject<ElementRefs>,
  options: ChartOptions,
  cursor: Cursor,
): void {
  const getOptions = useEffectEvent(() => options);
  const { store, viewport } = options;
  useEffect(() => {
    const { axis, lanes, scroller, cursor: mark } = elements.current;
    if (axis == null || lanes == null || scroller == null || mark == null) return;
    const chart = new Chart({ axis, lanes, scroller, cursor: mark }, getOptions());
    chartRef.current = chart;
    const stops = [store, viewport, cursor].map((source) => source.subscribe(chart.invalidate));
    // A canvas does not draw itself anew when letters come for which it had none.
    document.fonts.addEventListener('loadingdone', chart.invalidate);
    stops.push(() => document.fonts.removeEventListener('loadingdone', chart.invalidate));
    return () => {
      for (const stop of stops) stop();
      chart.destroy();
      chartRef.current = null;
    };
  }, [chartRef, elements, store, viewport, cursor]);
  useEffect(() => chartRef.current?.update(options));
}

/** On the axis a press and every move of it mean a moment; the wheel zooms, whatever scrolls below. */
function listenToAxis(
  axis: HTMLElement,
  onMoment: (xPx: number) => void,
  { onZoom, onPan }: { onZoom: (factor: number, xPx: number) => void; onPan: (px: number) => void },
  signal: AbortSignal,
): void {
  const at = (event: PointerEvent): number => event.clientX - axis.getBoundingClientRect().left;
  axis.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      axis.setPointerCapture(event.pointerId);
      onMoment(at(event));
    },
    { signal },
  );
  axis.addEventListener(
    'pointermove',
    (event) => {
      if (axis.hasPointerCapture(event.pointerId)) onMoment(at(event));
    },
    { signal },
  );
  axis.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const isSideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
      if (isSideways) onPan(-(event.deltaX || event.deltaY));
      else onZoom(Math.exp(event.deltaY * 0.0018), event.offsetX);
    },
    { signal, passive: false },
  );
}

/** Alarms under the pointer, and those that the stretch holds. */
function listAlarms(
  store: TimelineStore,
  code: string,
  { beginMs, endMs }: Interval,
  atMs: number,
  reachMs: number,
): readonly AlarmMark[] {
  return store
    .listAlarms(Math.min(beginMs, atMs - reachMs), Math.max(endMs, atMs + reachMs))
    .filter((alarm) => {
      const isInside = alarm.atMs >= beginMs && alarm.atMs < endMs;
      return alarm.code === code && (isInside || Math.abs(alarm.atMs - atMs) <= reachMs);
    })
    .slice(0, ALARMS_MAX);
}

interface SayOptions {
  readonly zone: Zone;
  readonly nowMs: number;
  readonly words: ReturnType<typeof useTimelineStrings>;
  readonly strings: ReturnType<typeof useStrings>;
  readonly language: string;
}

/** What the tip shows, for those who read by ear. */
function say(tip: Tip, { zone, nowMs, words, strings, language }: SayOptions): string {
  const { from, to, duration } = describeInterval(tip.interval, zone, nowMs, strings.duration);
  const reason = tip.interval.reason === null ? '' : `, ${words.reason[tip.interval.reason]}`;
  const status = words.status[tip.interval.status];
  const alarms = tip.alarms.map(
    ({ textKo, textEn }) => `. ${words.alarm} ${chooseText(textKo, textEn, language)}`,
  );
  const times = `${from} – ${to ?? words.ongoing}, ${duration}`;
  return `${tip.name}: ${status}${reason}, ${times}${alarms.join('')}`;
}
