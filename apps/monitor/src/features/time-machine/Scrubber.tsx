import {
  type KeyboardEvent,
  useCallback,
  useEffect,
  useEffectEvent,
  useRef,
  useSyncExternalStore,
} from 'react';
import { useElementSize } from '@/lib/hooks/useElementSize';
import { useSession } from '@/lib/hooks/useSession';
import { useSettings } from '@/lib/hooks/useSettings';
import { useTimelineStrings } from '@/lib/i18n/useTimelineStrings';
import type { LineSession } from '@/lib/session/lineSession';
import { formatZoneMoment, type Zone } from '@/lib/time/zone';
import { toMs, toPx } from '@/lib/timeline/laneLayout';
import { AXIS_HEIGHT_PX, paintAxis, paintOverview, prepare } from '@/lib/timeline/paint';
import { type Palette, readPalette } from '@/lib/timeline/palette';
import { buildAxis } from '@/lib/timeline/ticks';
import { chooseLevel } from '@/lib/timeline/tiles';
import type { TimeMachine } from '@/lib/timeline/timeMachine';
import type { TimelineStore } from '@/lib/timeline/timelineStore';
import type { ViewportStore } from '@/lib/timeline/viewportStore';
import styles from './TimeDock.module.css';

interface ScrubberProps {
  readonly machine: TimeMachine;
  readonly live: LineSession;
  readonly store: TimelineStore;
  readonly viewport: ViewportStore;
  readonly zone: Zone;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const OVERVIEW_PX = 58;
const LABEL_PX = 62;

/** The whole line in one low picture, with the moment as a cursor to be dragged. */
export function Scrubber({ machine, live, store, viewport, zone }: ScrubberProps) {
  const words = useTimelineStrings();
  const [settings] = useSettings();
  const [frameRef, { widthPx }] = useElementSize();
  const order = useSession(live, (state) => state.board.order);
  const atS = useSyncExternalStore(machine.subscribe, () =>
    Math.floor(machine.getState().playback.atMs / SECOND_MS),
  );
  const axisRef = useRef<HTMLCanvasElement>(null);
  const overviewRef = useRef<HTMLCanvasElement>(null);
  const cursorRef = useRef<HTMLDivElement>(null);
  const palette = useRef<{ key: string; palette: Palette } | null>(null);
  const getNowMs = useCallback(() => live.getState().nowS * SECOND_MS, [live]);

  const draw = useEffectEvent(() => {
    const [axisCanvas, overview, cursor] = [
      axisRef.current,
      overviewRef.current,
      cursorRef.current,
    ];
    if (axisCanvas === null || overview === null || cursor === null || widthPx <= 0) return;
    const { startMs, endMs } = viewport.get();
    const level = chooseLevel((endMs - startMs) / widthPx);
    const nowMs = getNowMs();
    store.want(level, startMs, endMs, nowMs);
    const ratio = Math.min(3, window.devicePixelRatio);
    const key = `${settings.theme} ${settings.palette} ${ratio}`;
    if (palette.current?.key !== key) {
      palette.current = { key, palette: readPalette(overview, ratio) };
    }
    const scene = {
      viewport: { startMs, endMs },
      parts: store.collect(level, startMs, endMs),
      axis: buildAxis({ startMs, endMs, widthPx }, zone, settings.language, LABEL_PX),
      palette: palette.current.palette,
      nowMs,
      codes: order,
    };
    const axisSurface = prepare(axisCanvas, { widthPx, heightPx: AXIS_HEIGHT_PX }, ratio);
    if (axisSurface !== null) paintAxis(axisSurface, scene, words.rest);
    const surface = prepare(overview, { widthPx, heightPx: OVERVIEW_PX }, ratio);
    if (surface !== null) paintOverview(surface, scene);
  });
  const place = useEffectEvent(() => {
    const cursor = cursorRef.current;
    if (cursor === null) return;
    const { atMs, playedMs } = machine.getState().playback;
    const window_ = viewport.get();
    if (playedMs !== null) viewport.reveal(atMs);
    const x = toPx(window_, atMs, widthPx);
    cursor.hidden = x < 0 || x > widthPx;
    cursor.style.translate = `${x.toFixed(1)}px`;
  });

  useEffect(() => {
    let frame = 0;
    const redraw = (): void => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        draw();
        place();
      });
    };
    redraw();
    const stops = [store, viewport].map((source) => source.subscribe(redraw));
    stops.push(machine.subscribe(() => place()));
    // A canvas does not draw itself anew when letters come for which it had none.
    document.fonts.addEventListener('loadingdone', redraw);
    stops.push(() => document.fonts.removeEventListener('loadingdone', redraw));
    return () => {
      cancelAnimationFrame(frame);
      for (const stop of stops) stop();
    };
  }, [store, viewport, machine, widthPx, zone, order, settings, words]);

  const seekTo = (event: { clientX: number; currentTarget: Element }): void => {
    const box = event.currentTarget.getBoundingClientRect();
    machine.seek(toMs(viewport.get(), event.clientX - box.left, box.width));
  };
  function onKeyDown(event: KeyboardEvent): void {
    const { atMs } = machine.getState().playback;
    const stepMs = event.shiftKey ? MINUTE_MS : SECOND_MS;
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: atMs - stepMs,
      ArrowDown: atMs - stepMs,
      ArrowRight: atMs + stepMs,
      ArrowUp: atMs + stepMs,
      PageUp: atMs - HOUR_MS,
      PageDown: atMs + HOUR_MS,
      Home: viewport.get().startMs,
      End: getNowMs(),
    };
    const target = targets[event.key];
    if (target === undefined) return;
    event.preventDefault();
    machine.seek(target);
    viewport.reveal(target);
  }
  const { startMs, endMs } = viewport.get();
  return (
    <div
      ref={frameRef}
      className={styles.scrubber}
      role="slider"
      tabIndex={0}
      aria-label={words.scrubber}
      aria-describedby="scrubber-help"
      aria-valuemin={Math.floor(startMs / SECOND_MS)}
      aria-valuemax={Math.floor(Math.max(endMs, atS * SECOND_MS) / SECOND_MS)}
      aria-valuenow={atS}
      aria-valuetext={formatZoneMoment(zone, atS * SECOND_MS)}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        seekTo(event);
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) seekTo(event);
      }}
    >
      <canvas ref={overviewRef} style={{ height: OVERVIEW_PX }} aria-hidden="true" />
      <canvas ref={axisRef} style={{ height: AXIS_HEIGHT_PX }} aria-hidden="true" />
      <div ref={cursorRef} className={styles.cursor} hidden>
        <i />
      </div>
      <span id="scrubber-help" className="visually-hidden">
        {words.scrubberHelp}
      </span>
    </div>
  );
}
