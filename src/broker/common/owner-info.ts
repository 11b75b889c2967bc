/** Processes that run jobs, as the place that keeps the jobs tells of them. */
import type { LimitRules } from '../../job/queue-limits.ts';
import type { SendingOfTasks } from '../task-sending.ts';
import type { Restarts } from './restarts.ts';

/** How soon the event loop of a process turns, which timers, messages and requests of it wait for. */
export interface Pulse {
  /** How late it last turned, ms. */
  readonly delayMs: number;
  /** It has not turned since: `delayMs` is for how long that is, at least. It computes without a pause, say, or is stopped. */
  readonly isBlocked: boolean;
}

/** A worker process as others see it. */
export interface OwnerInfo {
  readonly owner: string;
  readonly pid: number;
  /** The machine that it runs on, which `pid` is a number of; absent: this one. */
  readonly host?: string;
  /** Of a child: its supervisor, by its name here; a process id would not do, since several containers have a process 1. Null of others, and where the record does not say. */
  readonly parent: string | null;
  readonly role: 'child' | 'supervisor' | 'consumer';
  readonly startedAtMs: number;
  readonly verdict: 'alive' | 'dead' | 'unknown';
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  /** What these tasks say of where their jobs wait; absent: nothing, or it does not tell. */
  readonly sending?: SendingOfTasks;
  /** How many jobs it runs at once. */
  readonly slots: number;
  /** Of its fsq; absent: it does not say. */
  readonly version?: string;
  /** The limits of queues and tasks that it heeds; absent: it heeds none, or does not say. */
  readonly limits?: LimitRules;
  /** Of a supervisor: its children that were replaced. Absent: it does not say. */
  readonly restarts?: Restarts;
  /** Absent: nobody has asked, or it does not answer such questions. */
  readonly pulse?: Pulse;
  /** What it takes of its machine's memory (its resident set), as it told last, bytes. Absent: it does not tell. */
  readonly memoryBytes?: number;
}
