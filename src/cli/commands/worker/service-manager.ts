/**
 * Tells who started the worker that it is ready, that it ends and, for systemd's watchdog, that it is well.
 *
 * systemd listens on a datagram socket, to which Node.js cannot send. `systemd-notify` can, and is there where systemd is: a process for
 * each message, two within `WatchdogSec=`. A program that forked the worker, as pm2 does, gets the message 'ready' instead.
 */
import { execFile } from 'node:child_process';
import { escape, format } from '../../../job/text.ts';
import { peek, reasonOf } from '../../../job/values/realm.ts';
import type { Logger } from '../../../worker/log.ts';

/** systemd-notify waits up to 5 s until systemd has read the message. After this it hangs, ms. */
const PATIENCE_MS = 10_000;
/** A message that did not arrive is sent again after this, ms; sooner where the watchdog would not wait for it. */
const AGAIN_MS = 5_000;

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** Brings assignments, such as READY=1, to systemd. Rejects when they did not arrive. */
type Send = (assignments: readonly string[]) => Promise<void>;

/** How often systemd wants a sign of life. */
interface Watchdog {
  /** Half of the time after which it ends the worker, ms; null: it wants none, or none of this process. */
  readonly everyMs: number | null;
  /** Why it gets none although it wants some; null: it gets what it wants. */
  readonly complaint: string | null;
}

/** What `env` says of the watchdog to the process `pid`, as in sd_watchdog_enabled(3). Pure. */
export function watchdogOf(env: NodeJS.ProcessEnv, pid: number): Watchdog {
  const { WATCHDOG_USEC: micros = '', WATCHDOG_PID: whose = '' } = env;
  if (micros === '') return { everyMs: null, complaint: null };
  if (!/^[1-9]\d{0,15}$/.test(micros)) {
    const complaint = `expected WATCHDOG_USEC to be a number of microseconds, got ${format(micros)}: no signs of life are sent`;
    return { everyMs: null, complaint };
  }
  if (whose !== '' && whose !== String(pid)) {
    const complaint = `systemd's watchdog wants signs of life of process ${format(whose)}, and this worker is ${pid}: it sends none. Start the worker itself in ExecStart=, not by npm or a shell`;
    return { everyMs: null, complaint };
  }
  return { everyMs: Number(micros) / 2_000, complaint: null };
}

export class ServiceManager {
  readonly #log: Logger;
  /** Null without systemd. */
  readonly #send: Send | null;
  readonly #everyMs: number | null;
  /** Messages arrive one after the other. */
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isEnding = false;
  /** What was wrong when it was told last; '' since all is well. */
  #told = '';

  /** Takes the variables of systemd out of `env`: what the worker starts must not speak for it. */
  constructor(env: NodeJS.ProcessEnv, log: Logger, send: (env: NodeJS.ProcessEnv) => Send = systemdNotify) {
    this.#log = log;
    this.#send = (env['NOTIFY_SOCKET'] ?? '') === '' ? null : send({ ...env });
    const { everyMs, complaint } = this.#send === null ? watchdogOf({}, 0) : watchdogOf(env, process.pid);
    this.#everyMs = everyMs;
    if (complaint !== null) log.warn(complaint);
    for (const name of VARIABLES) delete env[name];
  }

  /** The worker takes jobs. `problem`: why it cannot use the spool; null when it can. */
  ready(status: string, problem: () => unknown): void {
    // The callback takes the error of a parent that is gone: it is not needed for the work.
    process.send?.('ready', undefined, undefined, () => undefined);
    if (this.#send !== null) void this.#repeat(['READY=1', `STATUS=${status}`], problem);
  }

  /** The worker takes no more jobs. systemd wants no signs of life from now on. */
  ending(): void {
    if (this.#isEnding) return;
    this.close();
    void this.#tell(['STOPPING=1', 'STATUS=Ending: jobs at hand are finished, or queued again']);
  }

  /** Nothing more is sent. */
  close(): void {
    this.#isEnding = true;
    clearTimeout(this.#timer);
  }

  /** Says it until it has arrived, and then each time that the worker is well. */
  async #repeat(saying: readonly string[], problem: () => unknown): Promise<void> {
    const error = problem();
    const isHeard = error === null ? await this.#tell(saying) : await this.#complain(error);
    const everyMs = this.#everyMs;
    if (this.#isEnding || (isHeard && everyMs === null)) return;
    const ms = isHeard && everyMs !== null ? everyMs : Math.min(AGAIN_MS, (everyMs ?? AGAIN_MS) / 5);
    const next = isHeard ? ['WATCHDOG=1'] : saying;
    this.#timer = setTimeout(() => void this.#repeat(next, problem), ms).unref();
  }

  /** @returns false: no sign of life */
  async #complain(error: unknown): Promise<false> {
    const why = `the jobs cannot be reached: ${reasonOf(error)}`;
    if (this.#isNews(why)) {
      this.#log.error(`${why}; systemd gets no sign of life, and starts the worker again if that lasts`);
      await this.#tell([`STATUS=${escape(why)}`], why);
    }
    return false;
  }

  /** @param trouble what is wrong besides, when this arrives */
  #tell(assignments: readonly string[], trouble = ''): Promise<boolean> {
    const send = this.#send;
    if (send === null) return Promise.resolve(false);
    const told = this.#last.then(async () => {
      try {
        await send(assignments);
        this.#told = trouble;
        return true;
      } catch (error) {
        const why = `systemd could not be told ${assignments[0]}: ${reasonOf(error)}`;
        if (this.#isNews(why)) this.#log.error(why);
        return false;
      }
    });
    this.#last = told;
    return told;
  }

  #isNews(why: string): boolean {
    if (this.#told === why) return false;
    this.#told = why;
    return true;
  }
}

function systemdNotify(env: NodeJS.ProcessEnv): Send {
  return (assignments) =>
    new Promise((resolve, reject) => {
      const options = { env, timeout: PATIENCE_MS, killSignal: 'SIGKILL' } as const;
      execFile('systemd-notify', [...assignments], options, (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(notSent(error, stderr));
      });
    });
}

function notSent(error: Error, stderr: string): Error {
  const isMissing = peek(error, 'code') === 'ENOENT';
  if (isMissing)
    return new Error('there is no program systemd-notify in PATH. Install it, or use Type=exec', { cause: error });
  const said = stderr.trim();
  return new Error(said === '' ? `systemd-notify: ${error.message}` : said, { cause: error });
}
