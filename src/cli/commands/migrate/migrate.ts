/** `fsq migrate`: moves what waits from one place that keeps jobs to another: from a spool to a server, back, or between two of a kind. */
import { resolve } from 'node:path';
import { migrate as move, type Migrated, wouldMigrate } from '../../../app/migrating/migrate.ts';
import type { Settings } from '../../../app/settings/config.ts';
import { brokerOptions } from '../../../app/settings/place.ts';
import { restoringText } from '../../../app/telling/warnings.ts';
import type { Broker } from '../../../broker/broker.ts';
import { parseBrokerAddress } from '../../../broker/broker-address.ts';
import { FsqError, UsageError } from '../../../job/errors.ts';
import { format } from '../../../job/text.ts';
import { openBroker } from '../../../open.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { settingsOf } from '../../setting-options.ts';
import { jsonOf, summaryText } from './summary.ts';

export const migrate: Command = {
  name: 'migrate',
  usage: 'fsq migrate [options]',
  examples: [
    ['fsq migrate --from ./spool --to env:QUEUE_URL', 'to the server whose address the variable QUEUE_URL holds'],
    ['FSQ_BROKER=… fsq migrate --from ./spool', 'to the place that the settings name; so no password is on the line'],
    ['fsq migrate --from ./old --to ./new --dry-run', 'say what would move and what would stay, and change nothing'],
    ['fsq migrate --from ./old --to ./new --wait', 'go on until no job runs at the source any more'],
  ],
  options: {
    from: { type: 'string', value: 'PLACE', help: 'the place to empty: a directory, an address, or env:VARIABLE' },
    to: { type: 'string', value: 'PLACE', help: 'the place to fill; one of the two may be left to the settings' },
    results: { type: 'boolean', help: 'take all outcomes along, not only those that waiting jobs need' },
    wait: { type: 'boolean', help: 'wait until the jobs that run at the source have ended, and move what they leave' },
    'dry-run': { type: 'boolean', help: 'move nothing, only count' },
    json: { type: 'boolean', help: 'print one JSON document: moved, results, schedules, pausedQueues, left' },
  },
  notes: [
    'Moves waiting, delayed and parked jobs with their history, keys, checkpoints and logs, paused queues, and how far schedules are. Stop',
    'producers and workers of the source first: what runs there, or is sent meanwhile, stays and is told of. Jobs that come after one another',
    'move together. Killed at any point, nothing is lost or runs twice: run the same command again, and it goes on. Exits 0 when all',
    'that waited has moved, 1 when some of it stays.',
  ],
  run: runMigrate,
};

async function runMigrate(context: Context): Promise<number> {
  const settings = await settingsOf(context);
  const isDryRun = context.values.flag('dry-run');
  const from = openPlace(context, settings, 'from', true);
  try {
    const to = isDryRun ? openIfThere(context, settings) : openPlace(context, settings, 'to', false);
    try {
      if (from.place === to?.place)
        throw new UsageError(`Expected two places, and both --from and --to are ${from.place}.`);
      const about = {
        from: from.place,
        to: to?.place ?? 'a new place',
        isDryRun,
        results: context.values.flag('results'),
      };
      const { migrated, exitCode } =
        isDryRun || to === null
          ? { migrated: await wouldMigrate(from, to, about.results), exitCode: null }
          : await moveBetween(context, from, to);
      context.print(jsonOf(migrated, about), () => summaryText(migrated, about));
      const { running, held, refused } = migrated.left;
      const isWhole = isDryRun || running.length + held.length + refused.size === 0;
      return exitCode ?? (isWhole ? EXIT.good : EXIT.jobFailed);
    } finally {
      await to?.close();
    }
  } finally {
    await from.close();
  }
}

/** @returns as `exitCode` that of the signal which has interrupted it */
async function moveBetween(
  { values, stderr, tell }: Context,
  from: Broker,
  to: Broker,
): Promise<{ readonly migrated: Migrated; readonly exitCode: number | null }> {
  const show = (text: string): void => (stderr.isTTY ? stderr.write(`\r\u001b[K${text}`) : undefined);
  const interruption = new Interruption();
  try {
    const migrated = await move({
      from,
      to,
      results: values.flag('results'),
      waits: values.flag('wait'),
      signal: interruption.signal,
      onProgress: (moved) => show(`${moved} jobs moved`),
    });
    show('');
    return { migrated, exitCode: interruption.exitCode };
  } catch (error) {
    show('');
    if (!(error instanceof FsqError && error.code === 'FSQ_MOVING'))
      tell('Jobs may be on their way: run the same command again, it goes on where it has stopped.');
    throw error;
  } finally {
    interruption.end();
  }
}

/** Null where there is none yet. */
function openIfThere(context: Context, settings: Settings): Broker | null {
  try {
    return openPlace(context, settings, 'to', true);
  } catch (error) {
    if (error instanceof FsqError && error.code === 'FSQ_NO_SPOOL') return null;
    throw error;
  }
}

/** @throws UsageError where neither the option nor the settings name the place */
function openPlace(context: Context, settings: Settings, option: 'from' | 'to', mustExist: boolean): Broker {
  const { values, env } = context;
  const given = values.text(option);
  const other = values.text(option === 'from' ? 'to' : 'from');
  if (given === undefined && other === undefined)
    throw new UsageError(
      `Expected --from and --to, or one of them where the settings name the other place. Usage: ${migrate.usage}`,
    );
  const place = given === undefined ? {} : placeOf(given, `--${option}`, env);
  const onEvent = (event: Parameters<typeof restoringText>[0]): void =>
    context.tell(restoringText(event, broker.place));
  const broker: Broker = openBroker({ ...brokerOptions({ ...settings, ...place }), mustExist, onEvent });
  return broker;
}

const VARIABLE = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

/** What `text` means: an address, or else a directory. @throws UsageError that does not show an address, which may hold a password */
function placeOf(
  text: string,
  name: string,
  env: Context['env'],
): Pick<Settings, 'broker'> | Pick<Settings, 'broker' | 'spool'> {
  const [, variable] = VARIABLE.exec(text) ?? [];
  if (variable !== undefined) {
    const value = env[variable];
    if (value !== undefined && value !== '') return placeOf(value, `${name} (${variable})`, {});
    throw new UsageError(
      `Expected the variable ${format(variable)} of ${name} to hold a place, and it is ${value === undefined ? 'not set' : 'empty'}.`,
    );
  }
  if (text === '') throw new UsageError(`Expected ${name} to be a directory or an address, got ''`);
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text)) return { broker: parseBrokerAddress(text, name) };
  return { broker: null, spool: resolve(text) };
}

/** A signal ends the move when what is on its way has arrived. */
class Interruption {
  readonly #controller = new AbortController();
  #exitCode: number | null = null;
  readonly #hear = (signal: NodeJS.Signals): void => {
    this.#exitCode = CODES[signal] ?? null;
    this.#controller.abort();
  };

  constructor() {
    for (const signal of SIGNALS) process.once(signal, this.#hear);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#hear);
  }
}

const CODES: Partial<Readonly<Record<NodeJS.Signals, number>>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
