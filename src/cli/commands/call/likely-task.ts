/**
 * Whether a task that no living worker knows is likely to be misspelt: names are guessed from the texts of the project's task modules, which
 * are not run for it, and from what workers have counted. A guess that finds no near name says nothing.
 */
import { moduleText } from '../../../app/project/project.ts';
import type { Settings } from '../../../app/settings/config.ts';
import type { Broker } from '../../../broker/broker.ts';
import { isTaskName } from '../../../job/names.ts';
import { suggest } from '../../../job/text.ts';
import { modulesOf } from '../../setting-options.ts';

/** More modules than this, or larger ones, are not read: the answer must come at once. */
const MOST_MODULES = 50;
const MOST_BYTES = 256 * 1024;

/** `task('name'`, also with the types of its arguments. */
const REGISTRATION = /\btask\s*(?:<[^()]*>)?\(\s*(['"`])([^'"`\n]{1,128})\1/g;

/** What to tell somebody who has sent a job of `task`, while no worker runs; null where nothing is to be told. */
export async function misspeltNotice(
  broker: Pick<Broker, 'statistics'>,
  settings: Settings,
  task: string,
): Promise<string | null> {
  const texts = textsOf(settings);
  const ran = (await broker.statistics()).tasks.map((one) => one.task);
  return noticeOf(task, texts, ran);
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
