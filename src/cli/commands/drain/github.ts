/** What GitHub Actions shows of a drain: commands of a workflow, a line each, that become annotations. Pure. */
import { posix } from 'node:path';
import { beginning, escape, some } from '../../../job/text.ts';
import { stuckText, isTrouble } from './left.ts';
import { errorLine } from './lines.ts';
import type { Place, RunReport, Trouble } from './report.ts';

/** So many errors of a step are shown: https://docs.github.com/actions/reference/limits */
const MOST_ANNOTATIONS = 10;
/** Longest message of one, characters. */
const MOST_TEXT = 1_000;

/** One for each distinct task and error; where there are more than are shown, the last tells how many. @param root what GitHub has checked out */
export function annotations({ troubles, stuck, places }: RunReport, root: string | null): readonly string[] {
  const kinds = new Map<string, Trouble[]>();
  for (const trouble of troubles) {
    if (trouble.state !== 'failed') continue;
    const key = `${trouble.task}\n${messageOf(trouble)}`;
    const same = kinds.get(key);
    if (same === undefined) kinds.set(key, [trouble]);
    else same.push(trouble);
  }
  const failed = [...kinds.values()].map((same) => kindText(same, places, root));
  const all = [...failed, ...stuck.filter(isTrouble).map((one) => command({ title: 'fsq' }, stuckText(one)))];
  if (all.length <= MOST_ANNOTATIONS) return all;
  const more = all.length - MOST_ANNOTATIONS + 1;
  const text = `${some(more, 'other kind')} of failure, in the log and the summary of this step`;
  return [...all.slice(0, MOST_ANNOTATIONS - 1), command({ title: 'fsq' }, text)];
}

function kindText(same: readonly Trouble[], places: ReadonlyMap<string, Place>, root: string | null): string {
  const [first] = same;
  if (first === undefined) return '';
  const place = places.get(first.task);
  const where = place === undefined ? {} : { file: below(root, place.file), line: String(place.line) };
  const ids = same.slice(0, 3).map(({ id }) => id);
  const jobs =
    same.length === 1
      ? `job ${ids[0]}`
      : `${some(same.length, 'job')}: ${ids.join(', ')}${same.length > 3 ? ', …' : ''}`;
  return command({ ...where, title: `task ${first.task}` }, `${messageOf(first)}\n${jobs}`);
}

function messageOf({ error, state }: Trouble): string {
  return error === null ? state : errorLine(error);
}

/** `::error file=…,line=…,title=…::text`: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands */
function command(properties: Readonly<Record<string, string>>, text: string): string {
  const listed = Object.entries(properties).map(([name, value]) => `${name}=${property(value)}`);
  return `::error ${listed.join(',')}::${data(beginning(text, MOST_TEXT))}`;
}

/** What a runner takes back: %25, %0D and %0A. All else that a terminal would obey is escaped, because the log is read in terminals too. */
function data(text: string): string {
  return text.split('\n').map(escape).join('\n').replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** GitHub knows files by their path in the repository. */
function below(root: string | null, file: string): string {
  const path = root === null ? file : posix.relative(root, file);
  return path.startsWith('..') ? file : path;
}
