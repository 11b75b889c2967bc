/** What a worker says when it starts. */
import { escape } from '../../../job/text.ts';
import type { FoundTask } from '../../../worker/messages.ts';
import { shortPath } from '../../paths.ts';

/** Of a worker that knows no task. */
export const NO_TASKS = 'the modules register no task: every job will be parked';

export interface BannerFacts {
  readonly version: string;
  readonly spool: string;
  readonly queues: readonly string[] | null;
  readonly concurrency: number;
  readonly fsync: boolean;
  readonly tasks: readonly FoundTask[];
  /** Folder to which paths are shown relative. */
  readonly root: string;
}

export function bannerText({ version, spool, queues, concurrency, fsync, tasks, root }: BannerFacts): string {
  const width = Math.max(0, ...tasks.map(({ name }) => name.length));
  const taskLines = tasks.map(
    ({ name, definedAt }) => `  . ${name.padEnd(width)}   ${escape(shortPath(definedAt, root))}`,
  );
  return [
    '',
    ` fsq v${version}`,
    '',
    `  .> spool:        ${escape(spool)}${fsync ? '' : '   (fsync off: a power cut may lose jobs)'}`,
    `  .> queues:       ${queues === null ? 'all' : queues.join(', ')}`,
    `  .> concurrency:  ${concurrency} ${concurrency === 1 ? 'child' : 'children'}`,
    '',
    ' [tasks]',
    ...(taskLines.length > 0 ? taskLines : [`  (${NO_TASKS})`]),
    '',
    '',
  ].join('\n');
}
