/** What a broker tells on its own: of jobs, of owners, and of the disk. */
import type { Ending, Settlement } from '../job/lifecycle.ts';

/** What a broker did on its own and a person should hear of. */
export type BrokerEvent =
  | {
      readonly kind: 'recovered';
      readonly id: string;
      readonly owner: string;
      readonly ending: Ending['kind'];
      readonly settlement: Settlement;
    }
  | { readonly kind: 'corrupt'; readonly name: string; readonly reason: string }
  | { readonly kind: 'foreign'; readonly name: string }
  /** What cannot be moved, read or removed, such as an immutable file: it is left alone for `againMs`, and all else goes on. */
  | { readonly kind: 'refused'; readonly name: string; readonly error: unknown; readonly againMs: number }
  /** Something had the name that a job was to get; it was moved away, unread. */
  | { readonly kind: 'cleared'; readonly name: string }
  /** The store is gone or read-only: the worker must end. */
  | { readonly kind: 'unusable'; readonly error: unknown }
  /** A finished step may not survive a power cut: its job would then run again. Nothing is done about it. */
  | { readonly kind: 'undurable'; readonly directory: string; readonly error: unknown }
  | { readonly kind: 'paused'; readonly error: unknown }
  | { readonly kind: 'resumed' }
  /** What a dead owner had left running was killed. */
  | { readonly kind: 'remains'; readonly owner: string; readonly processes: number }
  /** A child that was stopped, and whose worker is dead, was let go on: it ends after its job. */
  | { readonly kind: 'stood-still'; readonly owner: string }
  | { readonly kind: 'unproved'; readonly owner: string; readonly reason: string };
