/**
 * What the server tells by itself: a summary each second at most, and hints that jobs have changed.
 *
 *     closed ──seen──▶ opening ──summary──▶ live        hidden: any ──▶ closed
 *                        ▲  └──error, silence──┐ │
 *                        └──── 5 s … 1 min ── looking   (GET api/summary each 5 s; `lostSinceMs` while that fails too)
 *
 * A stream that is silent for long is opened anew: a machine that slept, or a proxy in between, leaves it dead without a word.
 */
import type { Session, Summary } from '../../src/ui/wire.ts';
import { addressOf, get } from './api.ts';
import { now, setClock } from './clock.ts';

const LOOK_MS = 5_000;
const LONGEST_WAIT_MS = 60_000;
/** The server says something at least this often, or the stream is opened anew. */
const SILENCE_MS = 45_000;
/** From opening to the first summary: longer, and something on the way keeps the stream back. */
const FIRST_MS = 12_000;

export interface LiveView {
  /** The latest of a store that could be looked at; null: none has come. */
  readonly summary: Summary | null;
  /** Why the store cannot be looked at now; null: it can. */
  readonly trouble: string | null;
  readonly state: 'closed' | 'opening' | 'live' | 'looking';
  /** Null: the server answers. */
  readonly lostSinceMs: number | null;
  /** Rises when jobs may have changed. */
  readonly hints: number;
  /** Of the server that answers now, as long as it is of the version that gave this page: one that was started anew may have other settings. */
  readonly session: Session;
  /** The version of the server that answers now, when it is not the one that gave this page. */
  readonly newVersion: string | null;
}

/** Before anything has come. */
export function unseen(session: Session): LiveView {
  return { summary: null, trouble: null, state: 'closed', lostSinceMs: null, hints: 0, session, newVersion: null };
}

export class Live {
  #view: LiveView;
  readonly #changed: (view: LiveView) => void;
  readonly #locked: () => void;
  #stream: EventSource | null = null;
  #timer: number | undefined;
  #waitMs = LOOK_MS;
  #nextOpenMs = 0;

  constructor(session: Session, changed: (view: LiveView) => void, locked: () => void) {
    this.#view = unseen(session);
    this.#changed = changed;
    this.#locked = locked;
  }

  start(): () => void {
    const seen = (): void => (document.hidden ? this.#close() : this.#open());
    const online = (): void => {
      if (!document.hidden) this.#open();
    };
    document.addEventListener('visibilitychange', seen);
    addEventListener('online', online);
    seen();
    return () => {
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('online', online);
      this.#close();
    };
  }

  /** Jobs have changed: we have done it ourselves. */
  hint(): void {
    this.#set({ hints: this.#view.hints + 1 });
  }

  #set(part: Partial<LiveView>): void {
    this.#view = { ...this.#view, ...part };
    this.#changed(this.#view);
  }

  #close(): void {
    this.#drop();
    if (this.#view.state !== 'closed') this.#set({ state: 'closed' });
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = null;
  }

  #open(): void {
    this.#drop();
    if (this.#view.state !== 'looking') this.#set({ state: 'opening' });
    const stream = new EventSource(addressOf('api/events'));
    this.#stream = stream;
    stream.addEventListener('summary', (event) => this.#told(event));
    // Before the first summary it is not live: what else belongs to that would be left out.
    stream.addEventListener('jobs', () => {
      if (this.#view.state === 'live') this.#alive({ hints: this.#view.hints + 1 });
      else this.hint();
    });
    stream.addEventListener('error', () => this.#failed());
    this.#watch(FIRST_MS, () => this.#failed());
  }

  #told({ data }: MessageEvent<string>): void {
    const summary = summaryIn(data);
    if (summary === null) return this.#failed();
    const part = taken(summary);
    const isFirst = this.#view.state !== 'live';
    // What has changed while nobody listened, or nobody could look, is looked at anew.
    const isAnew = isFirst || (this.#view.trouble !== null && part.trouble === null);
    this.#alive({ ...part, ...(isAnew ? { hints: this.#view.hints + 1 } : {}) });
    if (isFirst) void this.#askSession();
  }

  #alive(part: Partial<LiveView>): void {
    this.#waitMs = LOOK_MS;
    this.#watch(SILENCE_MS, () => this.#open());
    this.#set({ ...part, state: 'live', lostSinceMs: null });
  }

  #failed(): void {
    this.#drop();
    this.#nextOpenMs = Date.now() + this.#waitMs;
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    this.#set({ state: 'looking' });
    void this.#look();
  }

  async #look(): Promise<void> {
    const came = await get<Summary>('api/summary', undefined, FIRST_MS);
    const summary = came.kind === 'got' ? summaryIn(came.text) : null;
    if (this.#view.state !== 'looking' || this.#stream !== null) return;
    if (came.kind === 'locked') this.#locked();
    else if (summary !== null) {
      if (this.#view.lostSinceMs !== null) this.#nextOpenMs = 0;
      this.#set({ ...taken(summary), lostSinceMs: null, hints: this.#view.hints + 1 });
    } else {
      this.#set({ lostSinceMs: this.#view.lostSinceMs ?? now() });
    }
    this.#watch(LOOK_MS, () => (Date.now() >= this.#nextOpenMs ? this.#open() : void this.#look()));
  }

  #watch(ms: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  async #askSession(): Promise<void> {
    const came = await get<Session>('api/session');
    if (came.kind !== 'got') return;
    const { data: session } = came;
    const isOther = session.version !== this.#view.session.version;
    this.#set(isOther ? { newVersion: session.version } : { newVersion: null, session });
  }
}

/** Null for what another program may answer here, while fsq is away. */
function summaryIn(text: string): Summary | null {
  try {
    const summary = JSON.parse(text) as Summary;
    return typeof summary.atMs === 'number' ? summary : null;
  } catch {
    return null;
  }
}

/** While the store cannot be looked at, its figures stay those that were seen last. */
function taken(summary: Summary): Partial<LiveView> {
  setClock(summary.atMs);
  return summary.trouble === null ? { summary, trouble: null } : { trouble: summary.trouble };
}
