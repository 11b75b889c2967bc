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

/**
 * What to tell somebody who has sent a job of `task`, while no worker runs; null where nothing is to be told.
 *
 * @param settings by which modules are found; null: none is read
 * @param isByDefault no queue was said
 */
export async function likelyNotice(
  broker: Pick<Broker, 'statistics'>,
  settings: Settings | null,
  task: string,
  isByDefault: boolean,
): Promise<string | null> {
  const texts = settings === null ? [] : textsOf(settings);
  const { tasks } = await broker.statistics();
  const elsewhere = isByDefault ? queueNotice(task, texts, tasks) : null;
  const ran = tasks.map((one) => one.task);
  return elsewhere ?? (settings === null ? null : noticeOf(task, texts, ran));
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
  // A name may stand in a constant, or in a call of another function.
  if (ran.includes(task) || texts.some((text) => text.includes(task))) return null;
  const named = texts.flatMap((text) => [...text.matchAll(REGISTRATION)].map(([, , name = '']) => name));
  const near = suggest(task, [...named, ...ran].filter(isTaskName));
  return near === null
    ? null
    : `No task module here seems to have task ${task}; did you mean ${near}? The job waits for a worker that knows it: \`fsq tasks\` lists those of this project.`;
}

function textsOf(settings: Settings): readonly string[] {
  try {
    const { files } = modulesOf(settings);
    return files.slice(0, MOST_MODULES).map((path) => moduleText(path, MOST_BYTES));
  } catch {
    return []; // They cannot be found or read: whoever starts a worker here hears of it.
  }
}
