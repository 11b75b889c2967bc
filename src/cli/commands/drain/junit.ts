/** A drain as JUnit XML, as CI servers read it: a suite for each task, a case for each job. Pure. */
import type { LogLine } from '../../../job/values/log-lines.ts';
import { timeShown } from '../../../job/text.ts';
import { errorLine } from './lines.ts';
import { type Place, type RunReport, sum, type Trouble } from './report.ts';
import type { EndedJob, TaskCounts } from './tally.ts';

/** The whole file. Jobs that were revoked or have expired count as skipped: they did not run, or their run does not count. */
export function junitText(report: RunReport): string {
  const { tasks, startedAtMs, tookMs } = report;
  const started = { timestamp: timeShown(startedAtMs).replace(/\.\d+Z$/, ''), hostname: 'localhost' };
  const jobs = jobsByTask(report);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'fsq', ...countsOf(tasks), time: seconds(tookMs) })}>`,
    ...tasks.flatMap((counts) => {
      const place = placeAttributes(report.places.get(counts.task));
      const head = { name: counts.task, ...countsOf([counts]), time: seconds(counts.ms), ...started, ...place };
      return [
        `  <testsuite${attributes(head)}>`,
        ...(jobs.get(counts.task) ?? []).flatMap((job) => caseLines(job, place)),
        '  </testsuite>',
      ];
    }),
    '</testsuites>',
    '',
  ].join('\n');
}

function jobsByTask({ good, troubles }: RunReport): ReadonlyMap<string, readonly (EndedJob | Trouble)[]> {
  const jobs = new Map<string, (EndedJob | Trouble)[]>();
  for (const job of [...good, ...troubles]) {
    const others = jobs.get(job.task);
    if (others === undefined) jobs.set(job.task, [job]);
    else others.push(job);
  }
  return jobs;
}

function countsOf(tasks: readonly TaskCounts[]): Readonly<Record<string, number>> {
  const [failures, skipped] = [sum(tasks, 'failed'), sum(tasks, 'revoked') + sum(tasks, 'expired')];
  return { tests: sum(tasks, 'succeeded') + failures + skipped, failures, errors: 0, skipped };
}

function caseLines(job: EndedJob | Trouble, place: Readonly<Record<string, unknown>>): readonly string[] {
  const { id, task, attempts, ms } = job;
  const properties =
    attempts === 1
      ? []
      : [
          '      <properties>',
          `        <property${attributes({ name: 'attempts', value: attempts })}/>`,
          '      </properties>',
        ];
  const inside = [...properties, ...('output' in job ? troubleLines(job) : [])];
  const time = ms === null ? {} : { time: seconds(ms) };
  const head = `    <testcase${attributes({ name: id, classname: task, ...time, ...place })}`;
  return inside.length === 0 ? [`${head}/>`] : [`${head}>`, ...inside, '    </testcase>'];
}

function troubleLines({ state, error, output }: Trouble): readonly string[] {
  const message = error === null ? state : errorLine(error);
  const outcome =
    state === 'failed'
      ? `      <failure${attributes({ type: error?.name ?? 'Error', message })}>${content(error?.stack ?? error?.message ?? '')}</failure>`
      : `      <skipped${attributes({ message: `${state}: ${message}` })}/>`;
  return [outcome, ...outputLines('system-out', output, 'stdout'), ...outputLines('system-err', output, 'stderr')];
}

function outputLines(element: string, output: readonly LogLine[], stream: LogLine['stream']): readonly string[] {
  const text = output.flatMap((line) => (line.stream === stream ? [line.text] : [])).join('\n');
  return text === '' ? [] : [`      <${element}>${content(text)}</${element}>`];
}

function placeAttributes(place: Place | undefined): Readonly<Record<string, unknown>> {
  return place === undefined ? {} : { file: place.file, line: place.line };
}

function attributes(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${attribute(String(value))}"`)
    .join('');
}

/** A parser makes a space of each line end and tab in an attribute: those are named. */
function attribute(text: string): string {
  return content(text)
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (char) => `&#${char.codePointAt(0)};`);
}

/**
 * Characters that XML 1.0 forbids (https://www.w3.org/TR/xml/#charsets), and those that it advises against and terminals obey. What is
 * forbidden may not even be named as `&#1;`, so each stands there as `\u{1}`.
 */
const FORBIDDEN = /[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\u{10000}-\u{10ffff}]/gu;

function content(text: string): string {
  return text
    .replace(FORBIDDEN, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('\r', '&#13;');
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}
