/** `fsq top`: the whole screen for what a spool does, and keys to act on what is seen. */
import { Worker } from 'node:worker_threads';
import type { Settings } from '../../../app/settings/config.ts';
import { brokerOptions, placeText } from '../../../app/settings/place.ts';
import { UsageError } from '../../../job/errors.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import { tryBroker } from '../../../open.ts';
import { painter } from '../../terminal/colour.ts';
import { withSpoolOption } from '../../../job/text.ts';
import { type Command, type Context, spoolOption } from '../../command.ts';
import { settingsOf } from '../../setting-options.ts';
import type { Report, Request } from './looker/reports.ts';
import { type Event, next, wantedBy } from './model.ts';
import { lineText } from './screen/line.ts';
import { Terminal } from './screen/terminal.ts';
import { type Effect, initialState, type KnownSchedule, type State } from './state.ts';
import { frameLines } from './frame.ts';

export const top: Command = {
  name: 'top',
  usage: 'fsq top [options]',
  examples: [
    ['fsq top', 'of the spool of this project; ? lists the keys, q quits'],
    ['fsq top --spool /var/spool/shop', 'of another one'],
  ],
  options: {},
  notes: [
    'Lower-case keys look; upper-case keys change things, and ask first: R retry, K revoke or kill, D forget, P pause or resume,',
    'N run a schedule now. Off a terminal `fsq status --watch` tells the same.',
  ],
  run: runTop,
};

/** How often ages and times to come are told anew, ms. */
const TICK_MS = 1_000;

async function runTop(context: Context): Promise<number> {
  refuseUnlessTerminal(context);
  const settings = await settingsOf(context);
  const options = { ...brokerOptions(settings), mustExist: true };
  // One that is not there, or may not be used, is an error before anything is drawn.
  await tryBroker(options);
  const configured = await schedulesOf(settings);
  const path = new URL(`../cli/top-looker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
  // What Node prints in the thread must not reach the screen.
  const looker = new Worker(path, { workerData: options, stdout: true, stderr: true });
  try {
    return await new Promise<number>((resolve, reject) => {
      const screen = new Top(context, looker, { place: placeText(settings), configured }, resolve);
      const fail = (error: Error): void => {
        screen.close();
        reject(error);
      };
      looker.once('error', fail);
      process.once('uncaughtException', fail);
    });
  } finally {
    await looker.terminate();
  }
}

/** @throws UsageError */
function refuseUnlessTerminal({ stdin, stdout, env, values }: Context): void {
  const told = '`fsq status --watch` tells of the same in lines, `fsq status --json` to programs';
  const instead = withSpoolOption(told, spoolOption(values));
  if (!stdout.isTTY || stdin.isTTY !== true)
    throw new UsageError(
      `Expected a terminal for ${stdout.isTTY ? 'the keys (stdin)' : 'the screen (stdout)'}, and this is none. ${instead}.`,
    );
  if (env['TERM'] === 'dumb')
    throw new UsageError(`Expected a terminal that moves its cursor, got TERM=dumb. ${instead}.`);
}

/** Those of the configuration, which are loaded only where there are some. @throws UsageError when one is wrong */
async function schedulesOf({ schedules }: Settings): Promise<readonly KnownSchedule[]> {
  if (Object.keys(schedules).length === 0) return [];
  const { readSchedules } = await import('../../../app/schedules/read-schedules.ts');
  const read = await readSchedules(schedules, Date.now());
  return read.map(({ name, task, firing: { patternText, times } }) => ({ name, task, patternText, times }));
}

/** Owns the screen's state: each event changes it, each change is drawn. */
class Top {
  readonly #context: Context;
  readonly #looker: Worker;
  readonly #terminal: Terminal;
  readonly #end: (code: number) => void;
  readonly #timer: NodeJS.Timeout;
  #state: State;
  #wanted = '';
  #isDrawDue = false;

  constructor(
    context: Context,
    looker: Worker,
    known: Parameters<typeof initialState>[0],
    end: (code: number) => void,
  ) {
    this.#context = context;
    this.#looker = looker;
    this.#end = end;
    this.#state = initialState(known, { columns: 80, rows: 24 }, Date.now());
    looker.on('message', (report: Report) => this.#hear(report));
    this.#terminal = new Terminal(process, {
      input: (input) => this.#hear(input),
      changed: (size) => this.#hear({ kind: 'resize', ...size }),
      end: (code) => this.#quit(code),
    });
    this.#timer = setInterval(() => this.#hear({ kind: 'tick', nowMs: Date.now() }), TICK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#terminal.close();
  }

  #hear(event: Event): void {
    const { state, effects } = next({ ...this.#state, nowMs: Date.now() }, event);
    this.#state = state;
    const wanted = wantedBy(state);
    if (JSON.stringify(wanted) !== this.#wanted) this.#ask({ kind: 'want', wanted });
    this.#wanted = JSON.stringify(wanted);
    for (const effect of effects) this.#carryOut(effect);
    if (this.#isDrawDue) return;
    this.#isDrawDue = true;
    setImmediate(() => this.#draw());
  }

  #draw(): void {
    this.#isDrawDue = false;
    const paint = painter(this.#context.stdout.hasColours);
    const { columns } = this.#state;
    this.#terminal.draw(frameLines(this.#state).map((line) => lineText(line, columns, paint)));
  }

  #ask(request: Request): void {
    // eslint-disable-next-line unicorn/require-post-message-target-origin -- a thread has none
    this.#looker.postMessage(request);
  }

  #carryOut(effect: Effect): void {
    switch (effect.kind) {
      case 'act':
        return this.#ask(effect);
      case 'send':
        return void this.#send(effect.schedules);
      case 'redraw':
        return this.#terminal.redraw();
      case 'suspend':
        return this.#terminal.suspend(true);
      case 'quit':
        return this.#quit(effect.code);
    }
  }

  /** By `fsq schedule run` in a process of its own: it loads the task modules, and what they print must not reach the screen. */
  async #send(names: readonly string[]): Promise<void> {
    const { execFile } = await import('node:child_process');
    const { promisify } = await import('node:util');
    const spool = this.#context.values.text('spool');
    const sent: string[] = [];
    try {
      for (const name of names) {
        const args = [
          process.argv[1] ?? '',
          'schedule',
          'run',
          name,
          ...(spool === undefined ? [] : ['--spool', spool]),
        ];
        const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, ...args]);
        sent.push(stdout.trim());
      }
      this.#hear({ kind: 'done', text: `sent ${sent.join(', ')}`, isBad: false });
    } catch (error) {
      this.#hear({ kind: 'done', text: lastLine(error), isBad: true });
    }
  }

  #quit(code: number): void {
    this.close();
    this.#end(code);
  }
}

/** What a command that failed has said. */
function lastLine(error: unknown): string {
  const { stderr = '' } = error as { stderr?: string };
  return stderr.trim().split('\n').at(-1) ?? reasonOf(error);
}
