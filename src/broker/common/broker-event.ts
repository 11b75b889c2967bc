/** What a broker tells of itself to those who keep it open. */
import type { Job, Outcome, Standing } from '../../job/job.ts';
import type { Ending, Settlement } from '../../job/lifecycle.ts';

/** What a broker did on its own and a person should hear of. */
export type BrokerEvent =
  | {
      readonly kind: 'recovered';
      readonly job: Job;
      readonly standing: Standing;
      readonly owner: string;
      readonly ending: Ending['kind'];
      readonly settlement: Settlement;
      /** How long the run took; null: nobody has seen its end, or it had not begun. */
      readonly ranMs: number | null;
    }
  /** It has ended without a run, because of the jobs that it comes after. */
  | { readonly kind: 'not-run'; readonly job: Job; readonly standing: Standing; readonly outcome: Outcome }
  | { readonly kind: 'corrupt'; readonly name: string; readonly reason: string }
  | { readonly kind: 'foreign'; readonly name: string }
  /** What cannot be moved, read or removed, such as an immutable file: it is left alone for `againMs`, and all else goes on. */
  | { readonly kind: 'refused'; readonly name: string; readonly error: unknown; readonly againMs: number }
  /** What lies beside a job under this name cannot be read, and counts for nothing. */
  | { readonly kind: 'unreadable'; readonly name: string; readonly reason: string }
  /** What the job prints is not kept any more; it runs on. */
  | { readonly kind: 'unlogged'; readonly id: string; readonly error: unknown }
  /** Something had the name that a job was to get; it was moved away, unread. */
  | { readonly kind: 'cleared'; readonly name: string }
  /** The store is gone or read-only: the worker must end. */
  | { readonly kind: 'unusable'; readonly error: unknown }
  /** A finished step may not survive a power cut: its job would then run again. Nothing is done about it. */
  | { readonly kind: 'undurable'; readonly directory: string; readonly error: unknown }
  /** A step waits, because the store refuses to be written; it is repeated until it succeeds. */
  | { readonly kind: 'disk-wait'; readonly error: unknown }
  | { readonly kind: 'disk-wait-over' }
  /** The clocks of this machine and of the store are apart: what is said in times may be late, or early. Negative: this one is behind. */
  | { readonly kind: 'clock-off'; readonly aheadMs: number }
  /** These queues are paused now; none: no queue is any more. */
  | { readonly kind: 'queues-paused'; readonly queues: readonly string[] }
  /** What a dead owner had left running was killed. */
  | { readonly kind: 'remains'; readonly owner: string; readonly processes: number }
  /** A child that was stopped, and whose worker is dead, was let go on: it ends after its job. */
  | { readonly kind: 'stood-still'; readonly owner: string }
  /**
   * The machine lost its power. `restored` jobs were lost or broken and are whole again, from the journal; `dropped` broken files are
   * of jobs that were never accepted; `odd` is what lay in the journal and could not be read.
   */
  | {
      readonly kind: 'replayed';
      readonly restored: number;
      readonly dropped: number;
      readonly odd: readonly string[];
      readonly tookMs: number;
    }
  /** Before anything else is done, jobs are restored, and that takes long. `pid` is the process that does it; null: none does yet. */
  | { readonly kind: 'replaying'; readonly segments: number; readonly pid: number | null }
  | { readonly kind: 'unproved'; readonly owner: string; readonly reason: string };
