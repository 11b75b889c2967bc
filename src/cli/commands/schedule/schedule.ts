/** `fsq schedule`: what workers send by themselves, and when; sent now, paused and resumed. */
import { createSender } from '../../../app/app.ts';
import { type ReadSchedule, readSchedules, requestOf, unknownTaskText } from '../../../app/schedules/read-schedules.ts';
import type { Settings } from '../../../app/settings/config.ts';
import { brokerOptions, placeText } from '../../../app/settings/place.ts';
import { newSpoolText, restoringText } from '../../../app/telling/warnings.ts';
import type { Broker, OwnerInfo } from '../../../broker/broker.ts';
import type { BrokerEvent } from '../../../broker/worker-side.ts';
import { UsageError } from '../../../job/errors.ts';
import { format, jsonText, knownInstead } from '../../../job/text.ts';
import { openBroker } from '../../../open.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { livingTasks, mismatchNotice, sentNotice } from '../../../app/telling/runners.ts';
import { loadTasks, scheduledTask } from '../../project-tasks.ts';
import { findModules, givenByOptions, settingOptions, settingsOf } from '../../setting-options.ts';
import { listSchedules } from './list.ts';

/** What a command about schedules works with. */
interface Parts {
  readonly context: Context;
  readonly settings: Settings;
  /** Those of the configuration. */
  readonly schedules: readonly ReadSchedule[];
  /** Behind the verb. */
  readonly names: readonly string[];
}

/** What `pause` or `resume` did to one schedule. */
interface Change {
  readonly name: string;
  readonly paused: boolean;
  /** False: it was so already. */
  readonly changed: boolean;
}

interface Verb {
  /** Null: any number. */
  readonly names: number | null;
  readonly act: (parts: Parts) => Promise<number>;
}

const VERBS: Readonly<Record<string, Verb>> = {
  list: { names: 0, act: list },
  run: { names: 1, act: runNow },
  pause: { names: null, act: (parts) => change(parts, true) },
  resume: { names: null, act: (parts) => change(parts, false) },
};

export const schedule: Command = {
  name: 'schedule',
  usage: 'fsq schedule list|run|pause|resume [SCHEDULE…] [options]',
  examples: [
    ['fsq schedule list', 'when each runs next, and how its last job ended'],
    ['fsq schedule run nightly', 'send its job now, besides those of its times; prints the id'],
    ['fsq schedule pause nightly', 'no jobs at its times until it is resumed'],
    ['fsq schedule resume nightly', 'from now on; what was due meanwhile is left out'],
  ],
  args: { least: 1, most: 100 },
  options: {
    ...settingOptions('tasks', 'import'),
    json: { type: 'boolean', help: 'print one JSON document: [{ name, task, pattern, nextMs, … }]; of run { id }' },
  },
  notes: ['Schedules are those of `schedules` in fsq.config. Workers send their jobs; without a worker none is sent.'],
  run: runSchedule,
};

async function runSchedule(context: Context): Promise<number> {
  const [name = '', ...names] = context.args;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined)
    throw new UsageError(
      `Expected what to do with schedules, got ${format(name)}${knownInstead(name, Object.keys(VERBS))}`,
    );
  if (verb.names === null ? names.length === 0 : names.length !== verb.names) {
    const wanted =
      verb.names === 0 ? 'no name' : verb.names === 1 ? 'the name of one schedule' : 'the names of schedules';
    throw new UsageError(`Expected ${wanted} after \`fsq schedule ${name}\`, got ${names.length}`);
  }
  const settings = await settingsOf(context);
  const schedules = await readSchedules(settings.schedules, Date.now());
  return verb.act({ context, settings, schedules, names });
}

/** Opens the spool that is there. @throws SpoolError (FSQ_NO_SPOOL) when there is none */
async function withBroker<T>({ context, settings }: Parts, use: (broker: Broker) => Promise<T>): Promise<T> {
  const onEvent = (event: BrokerEvent): void => context.tell(restoringText(event, placeText(settings)));
  const broker = openBroker({ ...brokerOptions(settings), mustExist: true, onEvent });
  try {
    return await use(broker);
  } finally {
    await broker.close();
  }
}

function list(parts: Parts): Promise<number> {
  const { context, schedules, settings } = parts;
  if (schedules.length === 0) {
    const where = settings.configFile ?? 'a configuration: there is no fsq.config';
    context.tell(`There are no \`schedules\` in ${where}.`);
  }
  return withBroker(parts, async (broker) => {
    const tasks = await knownTasks(parts, await broker.owners());
    await listSchedules(context, broker, schedules, tasks);
    for (const one of schedules)
      if (tasks !== null && !tasks.includes(one.task)) context.tell(`${unknownTaskText(one, tasks)}.`);
    return EXIT.good;
  });
}

/** Those of living workers, and of the project's modules where these do not know all that is scheduled; null: nobody can tell. */
async function knownTasks(
  { context, settings, schedules }: Parts,
  owners: readonly OwnerInfo[],
): Promise<readonly string[] | null> {
  const living = livingTasks(owners);
  if (schedules.every(({ task }) => living.includes(task))) return living;
  try {
    const loaded = await loadTasks(findModules(settings).files, settings.imports, settings);
    return [...new Set([...living, ...loaded.map(({ name }) => name)])];
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    // Who looks from elsewhere has no modules here. Those that are here and do not load, no worker can load either.
    if (error.code !== 'FSQ_NO_TASKS') context.tell(`Whether the tasks are there cannot be told: ${error.message}`);
    return null;
  }
}

async function runNow({ context, settings, schedules, names: [name = ''] }: Parts): Promise<number> {
  const asked = called(name, schedules);
  const { sending = {} } = await scheduledTask(asked, settings);
  const request = requestOf(asked, sending, null);
  const { tell, values, stdout, stderr } = context;
  const sender = createSender(
    { ...givenByOptions(values, ['spool']), alwaysEager: false },
    { notice: () => undefined, newSpool: (of) => tell(newSpoolText(of)), restoring: tell },
  );
  try {
    const [handle] = await sender.send(request);
    const id = handle?.id ?? '';
    stdout.write(values.flag('json') ? `${jsonText({ id })}\n` : `${id}\n`);
    const broker = await sender.broker();
    const noticeFor = stderr.isTTY ? sentNotice : mismatchNotice;
    tell(noticeFor(await broker.owners(), asked.task, request.queue, broker.place));
    return EXIT.good;
  } finally {
    await sender.close();
  }
}

function change(parts: Parts, paused: boolean): Promise<number> {
  const { context, schedules, names } = parts;
  return withBroker(parts, async ({ schedules: store }) => {
    const kept = await store.list();
    const changes: Change[] = [];
    for (const name of names) {
      // One that workers of another configuration send can be paused here as well.
      const record = kept.find((one) => one.name === name);
      const pattern = record === undefined ? called(name, schedules).firing.patternText : (record.pattern ?? '');
      // What was due while it was paused, and no worker ran, is no missed instant.
      if (!paused && record?.isPaused === true) await store.pass({ schedule: name, atMs: Date.now(), pattern });
      changes.push({ name, paused, changed: await (paused ? store.pause(name) : store.resume(name)) });
    }
    context.print(changes, () => changes.map((one) => `${changeText(one)}\n`).join(''));
    return EXIT.good;
  });
}

function changeText({ name, paused, changed }: Change): string {
  if (!changed) return `${name} was ${paused ? 'paused already' : 'not paused'}`;
  return paused ? `${name} is paused` : `${name} goes on`;
}

/** @throws UsageError with the nearest name */
function called(name: string, schedules: readonly ReadSchedule[]): ReadSchedule {
  const found = schedules.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = schedules.map((one) => one.name);
  const none = 'there are no `schedules` in the configuration';
  throw new UsageError(
    `Unknown schedule ${format(name)}${known.length === 0 ? `; ${none}` : knownInstead(name, known)}`,
  );
}
