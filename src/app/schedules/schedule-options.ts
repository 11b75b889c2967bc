/** Schedules as a configuration writes them: their types. The arguments are typed by the task where the task itself stands there, not its name. */
import type { Duration } from '../../job/units.ts';
import type { ApplyOptions } from '../task-options.ts';
import type { Missed } from './due.ts';

/** When a schedule fires: by a cron pattern, or every so often. */
export type ScheduleTimes =
  | {
      /** Five fields (minute, hour, day, month, weekday), six with seconds in front, or @daily and the like. */
      readonly cron: string;
      /** The zone whose clock counts, such as 'Asia/Tokyo'. Default 'UTC'. */
      readonly timeZone?: string;
      readonly every?: never;
    }
  | {
      /** From one second on; counted from 1970, so that all workers fire at the same instants: '1h' is each full hour. */
      readonly every: Duration;
      readonly cron?: never;
      readonly timeZone?: never;
    };

/** What a schedule may say of its jobs, as a call may. */
export interface ScheduleOptions extends Omit<
  ApplyOptions,
  'key' | 'unique' | 'countdown' | 'eta' | 'after' | 'expires'
> {
  /** Not to be started after this time from the sending on. */
  readonly expires?: Duration;
  /** What becomes of instants at which no worker ran: 'skip' them, 'one' job for all of them (the default), or 'all', the newest 1,000. */
  readonly missed?: Missed;
}

/** What of a task counts here: any `Task` is one. */
export interface ScheduledTask {
  readonly name: string;
  readonly delay: (...args: never) => Promise<unknown>;
  readonly applyAsync: (args: never, options?: never) => Promise<unknown>;
}

/** The arguments that jobs of a task may have; of a name: any. */
export type ScheduledArgs<T> = T extends { readonly applyAsync: (args: infer S, ...rest: never) => unknown }
  ? S
  : readonly unknown[];

/** `args` may be left out where the task needs none. */
type ArgsOf<T> =
  [] extends ScheduledArgs<T>
    ? { readonly args?: ScheduledArgs<T> }
    : T extends string
      ? { readonly args?: ScheduledArgs<T> }
      : { readonly args: ScheduledArgs<T> };

/** One schedule; `T` is its task, or that task's name. */
export type Schedule<T = string | ScheduledTask> = { readonly task: T } & ArgsOf<T> & ScheduleTimes & ScheduleOptions;

/** Schedules by their names, each typed by its own task. */
export type Schedules<T extends Readonly<Record<string, string | ScheduledTask>>> = {
  readonly [K in keyof T]: Schedule<T[K]>;
};
