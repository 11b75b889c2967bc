/**
 * Whether a task that no living worker knows is likely to be misspelt, or to have another queue: names and queues are guessed from the texts of the project's task modules, which
 * are not run for it, and from what workers have counted. A guess that finds no near name says nothing.
 */
import { moduleText } from '../../../app/project/project.ts';
import type { Settings } from '../../../app/settings/config.ts';
import type { Broker } from '../../../broker/broker.ts';
import { DEFAULT_QUEUE, isQueueName, isTaskName } from '../../../job/names.ts';
import { suggest } from '../../../job/text.ts';
import { modulesOf } from '../../setting-options.ts';

/** More modules than this, or larger ones, are not read: the answer must come at once. */
const MOST_MODULES = 50;
const MOST_BYTES = 256 * 1024;

/** `task('name'`, also with the types of its arguments. */
const REGISTRATION = /\btask\s*(?:<[^()]*>)?\(\s*(['"`])([^'"`\n]{1,128})\1/g;

/** The same with a queue among its options, as far as these hold no object before it. */
const IN_QUEUE =
  /\btask\s*(?:<[^()]*>)?\(\s*(['"`])([^'"`\n]{1,128})\1\s*,\s*\{[^{}]{0,2000}?\bqueue\s*:\s*(['"`])([^'"`\n]{1,64})\3/g;

interface Guess {
  /** True where no worker has run the task, and the modules here do not name it. */
  readonly isUnknown: boolean;
  /** What is likely to be wrong; null: nothing. */
  readonly notice: string | null;
}

/**
 * About a job of `task` that was sent while no worker runs.
 *
 * @param settings by which modules are found. Only where no worker has run the task are they read: a shell loop must go on at once
 * @param isByDefault no queue was said
 */
export async function guessOf(
  broker: Pick<Broker, 'statistics'>,
  settings: () => Promise<Settings>,
  task: string,
  isByDefault: boolean,
): Promise<Guess> {
  const { tasks } = await broker.statistics();
  const ran = tasks.map((one) => one.task);
  const texts = ran.includes(task) ? [] : await textsOf(settings);
  const elsewhere = isByDefault ? queueNotice(task, texts, tasks) : null;
  const isUnknown = texts.length > 0 && !isKnown(task, texts, ran);
  return { isUnknown, notice: elsewhere ?? noticeOf(task, texts, ran) };
}

/** A name may stand in a constant, or in a call of another function. @param ran tasks of which workers have run jobs */
function isKnown(task: string, texts: readonly string[], ran: readonly string[]): boolean {
  return ran.includes(task) || texts.some((text) => text.includes(task));
}

/** @param ran in which queues workers have run jobs */
export function queueNotice(
  task: string,
  texts: readonly string[],
  ran: readonly { readonly task: string; readonly queue: string }[],
): string | null {
  const before = ran.filter((one) => one.task === task).map(({ queue }) => queue);
  const written = texts.flatMap((text) =>
    [...text.matchAll(IN_QUEUE)].flatMap(([, , name, , queue = '']) => (name === task ? [queue] : [])),
  );
  const queues = [...new Set([...written, ...before])].filter(isQueueName);
  const [queue] = queues;
  if (queue === undefined || queues.includes(DEFAULT_QUEUE)) return null;
  const why = written.includes(queue)
    ? `A module here gives task ${task} queue ${queue}`
    : `Jobs of task ${task} ran in queue ${queue} so far`;
  return `${why}; this one waits in ${DEFAULT_QUEUE}, for no worker runs that tells. \`-q ${queue}\` sends to that queue.`;
}

/** @param ran tasks of which workers have run jobs */
export function noticeOf(task: string, texts: readonly string[], ran: readonly string[]): string | null {
  if (isKnown(task, texts, ran)) return null;
  const named = texts.flatMap((text) => [...text.matchAll(REGISTRATION)].map(([, , name = '']) => name));
  const near = suggest(task, [...named, ...ran].filter(isTaskName));
  return near === null
    ? null
    : `No task module here seems to have task ${task}; did you mean ${near}? The job waits for a worker that knows it: \`fsq tasks\` lists those of this project.`;
}

async function textsOf(settings: () => Promise<Settings>): Promise<readonly string[]> {
  try {
    const { files } = modulesOf(await settings());
    return files.slice(0, MOST_MODULES).map((path) => moduleText(path, MOST_BYTES));
  } catch {
    return []; // They cannot be found or read: whoever starts a worker here hears of it.
  }
}
