/** What the screen is about: what is known of the broker, and where in it somebody is. Pure data. */
import type { RingName } from '../../../broker/figures/history.ts';
import type { Times } from '../../../app/schedules/cron.ts';
import type { Act } from '../../../app/acting/carry-out.ts';
import type { Counted, Facts, JobList, ScheduleSight, Verdict } from './looker/reports.ts';

export const TABS = ['home', 'running', 'queues', 'delayed', 'failed', 'workers', 'schedules'] as const;
export type Tab = (typeof TABS)[number];

/** Where somebody is in a tab. */
export interface Place {
  /** Of the row under the cursor; null: the first one. */
  readonly key: string | null;
  /** Where that was, for when it goes. */
  readonly index: number;
  /** The first line of the body that is shown. */
  readonly top: number;
  /** Only rows with this text are shown. */
  readonly filter: string;
}

/** A schedule of the configuration here. */
export interface KnownSchedule {
  readonly name: string;
  readonly task: string;
  readonly patternText: string;
  readonly times: Times;
}

/** What is known; null: it was not looked at yet. */
export interface Known {
  /** Of the broker, for people. */
  readonly place: string;
  readonly facts: Facts | null;
  readonly counted: Counted | null;
  readonly verdict: Verdict | null;
  readonly pending: JobList | null;
  readonly delayed: JobList | null;
  readonly failed: JobList | null;
  readonly schedules: readonly ScheduleSight[] | null;
  readonly configured: readonly KnownSchedule[];
  /** Why nothing can be seen at the moment. */
  readonly trouble: string | null;
}

/** What is about to be done, and how it is told. */
export interface Choice {
  /** The key that does it. */
  readonly key: string;
  readonly label: string;
  readonly effect: Effect;
}

/** What else the keys are about. */
export type Mode =
  | { readonly kind: 'rows' }
  /** A filter is typed. `before`: what it was. */
  | { readonly kind: 'filter'; readonly before: string }
  /** `back`: what the keys were about before. */
  | {
      readonly kind: 'confirm';
      readonly question: string;
      readonly choices: readonly Choice[];
      readonly back: Mode;
    }
  | { readonly kind: 'help'; readonly top: number }
  /** `lines`: undefined while it is looked for, null when there is no such job. */
  | {
      readonly kind: 'job';
      readonly id: string;
      readonly lines: readonly string[] | null | undefined;
      readonly top: number;
    };

/** What was done, in the last line until a key is pressed. */
export interface Note {
  readonly text: string;
  readonly isBad: boolean;
}

export interface State {
  readonly known: Known;
  readonly tab: Tab;
  readonly places: Readonly<Record<Tab, Place>>;
  /** Keys of rows. */
  readonly marked: ReadonlySet<string>;
  readonly mode: Mode;
  readonly note: Note | null;
  /** How far back the curves go. */
  readonly ring: RingName;
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
}

/** What is to be done outside. */
export type Effect =
  | { readonly kind: 'act'; readonly act: Act }
  | { readonly kind: 'send'; readonly schedules: readonly string[] }
  | { readonly kind: 'redraw' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'quit'; readonly code: number };

export function initialState(
  known: Pick<Known, 'place' | 'configured'>,
  size: Pick<State, 'columns' | 'rows'>,
  nowMs: number,
): State {
  const nothing = {
    facts: null,
    counted: null,
    verdict: null,
    pending: null,
    delayed: null,
    failed: null,
    schedules: null,
    trouble: null,
  };
  const place: Place = { key: null, index: 0, top: 0, filter: '' };
  return {
    known: { ...nothing, ...known },
    tab: 'home',
    places: {
      home: place,
      running: place,
      queues: place,
      delayed: place,
      failed: place,
      workers: place,
      schedules: place,
    },
    marked: new Set(),
    mode: { kind: 'rows' },
    note: null,
    ring: 'seconds',
    ...size,
    nowMs,
  };
}
