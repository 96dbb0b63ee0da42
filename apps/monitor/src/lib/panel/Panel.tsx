import { Component, Fragment, type ReactNode } from 'react';
import { StringsContext } from '@/lib/i18n/useStrings';
import { askBuild, isBeingWritten, isOtherBuild, reloadPage } from '@/lib/panel/build';
import { AttemptContext, PanelMissing } from '@/lib/panel/lazyPanel';
import styles from './Panel.module.css';

interface PanelProps {
  readonly children: ReactNode;
}

interface PanelState {
  readonly error: unknown;
  /** Null while it is shown. */
  readonly trouble: 'failed' | 'missing' | 'old' | null;
  readonly attempt: number;
}

const RETRY_MS = 5_000;
/** What fails so soon after an attempt fails again: the next one waits. */
const SOON_MS = 10_000;
/** Some browsers remember that a file was missing; only a reload makes them forget. */
const MISSING_MAX = 3;

let attempts = 0;

/**
 * A part of the page that fails alone: whatever is thrown below it, it says so in its own place and
 * tries again until it succeeds. The rest of the page lives on.
 */
export class Panel extends Component<PanelProps, PanelState> {
  static override contextType = StringsContext;
  declare context: React.ContextType<typeof StringsContext>;
  override state: PanelState = { error: null, trouble: null, attempt: 0 };
  #stopped = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #missingCount = 0;

  static getDerivedStateFromError(error: unknown): Partial<PanelState> {
    return { error, trouble: error instanceof PanelMissing ? 'missing' : 'failed' };
  }

  override componentDidMount(): void {
    this.#stopped = new AbortController();
    window.addEventListener('online', this.#tryAgain, { signal: this.#stopped.signal });
  }

  override componentDidCatch(): void {
    // The first time at once: what was wrong may have been the document, which is made anew.
    const isFirst = performance.now() - this.#triedAtMs > SOON_MS;
    this.#wait(isFirst ? 0 : RETRY_MS);
  }

  override componentWillUnmount(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  override render(): ReactNode {
    const { trouble, attempt } = this.state;
    if (trouble === null) {
      return (
        <AttemptContext value={attempt}>
          <Fragment key={attempt}>{this.props.children}</Fragment>
        </AttemptContext>
      );
    }
    const words = this.context.panel;
    return (
      <div className={styles.panel} role="status" data-panel={trouble}>
        <p>{words[trouble]}</p>
        <button
          type="button"
          onClick={trouble === 'old' ? () => window.location.reload() : this.#tryAgain}
        >
          {trouble === 'old' ? words.reload : words.retry}
        </button>
      </div>
    );
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#tryAgain, ms);
  }

  readonly #tryAgain = (): void => {
    const { trouble } = this.state;
    if (trouble === 'missing') void this.#tryMissing();
    else if (trouble === 'failed') this.#show();
  };

  async #tryMissing(): Promise<void> {
    clearTimeout(this.#timer);
    const { signal } = this.#stopped;
    const build = await askBuild(signal);
    if (signal.aborted || this.state.trouble !== 'missing') return;
    if (build === null) return this.#wait(RETRY_MS);
    const isOld = isOtherBuild(build);
    this.#missingCount += 1;
    if (isOld || this.#missingCount > MISSING_MAX) {
      if (!isBeingWritten() && reloadPage()) return;
      return this.setState({ trouble: isOld ? 'old' : 'missing' }, () => this.#wait(RETRY_MS));
    }
    this.#show();
  }

  #show(): void {
    clearTimeout(this.#timer);
    this.#triedAtMs = performance.now();
    attempts += 1;
    this.setState({ error: null, trouble: null, attempt: attempts });
  }
}
