/** `fsq doctor` for people: the facts, then what is wrong, the worst first, each with what to do. Pure. */
import { escape } from '../job/format.ts';
import type { Diagnosis } from '../spool/check/diagnose.ts';
import type { Finding, Severity } from '../spool/check/finding.ts';
import { size } from '../spool/check/text.ts';

const HEADINGS: Readonly<Record<Severity, string>> = { error: 'Errors', warning: 'Warnings', info: 'Notes' };
/** A broken disk has thousands of findings of one kind; these many are shown of each severity. */
const MOST_SHOWN = 50;

export function doctorText(diagnosis: Diagnosis, fsync: boolean): string {
  const { place, jobs, owners, repaired, findings } = diagnosis;
  const { path, realPath, fileSystem, probes, inotify } = place;
  const lines = [
    field('spool', path === realPath ? path : `${path} (${realPath})`),
    field('disk', fileSystem === null ? 'not known' : diskText(fileSystem)),
    field('fsync', `${fsync ? 'on' : 'off (a power cut may lose jobs)'}${timeText(probes.fsyncMs)}`),
    field(
      'watch',
      `${probes.watch === null && probes.write === null ? 'works' : 'does not work'}${limitText(inotify)}`,
    ),
    field('jobs', counts(jobs)),
    field('owners', counts(owners)),
    ...(repaired.length === 0 ? [] : ['', 'Repaired:', ...repaired.map(({ message }) => `  * ${escape(message)}`)]),
    ...(['error', 'warning', 'info'] as const).flatMap((severity) =>
      section(
        HEADINGS[severity],
        findings.filter((finding) => finding.severity === severity),
      ),
    ),
    '',
    verdictText(findings),
  ];
  return `${lines.join('\n')}\n`;
}

function section(heading: string, findings: readonly Finding[]): readonly string[] {
  if (findings.length === 0) return [];
  const more = findings.length - MOST_SHOWN;
  return [
    '',
    `${heading}:`,
    ...findings
      .slice(0, MOST_SHOWN)
      .flatMap(({ code, message, advice, invariant }) => [
        `  ! ${escape(message)} (${code}${invariant === undefined ? '' : `, ${invariant}`})`,
        `    ${escape(advice)}`,
      ]),
    ...(more > 0 ? [`  and ${more} more; --json lists all`] : []),
  ];
}

function verdictText(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  const canRepair = findings.some((finding) => finding.canRepair);
  const hint = canRepair ? ' `fsq doctor --repair` mends what is safe to mend.' : '';
  if (errors + warnings === 0) return `Nothing is wrong.${hint}`;
  return `${some(errors, 'error')}, ${some(warnings, 'warning')}.${hint}`;
}

function diskText({
  name,
  kind,
  freeBytes,
  freeInodes,
  totalInodes,
}: NonNullable<Diagnosis['place']['fileSystem']>): string {
  const inodes = totalInodes === 0 ? '' : ` and ${freeInodes.toLocaleString('en')} inodes`;
  return `${name} (${kind}), ${size(freeBytes)}${inodes} free`;
}

function timeText(ms: number | null): string {
  return ms === null ? '' : `, ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

function limitText(inotify: Diagnosis['place']['inotify']): string {
  return inotify === null ? '' : `, up to ${inotify.maxInstances} processes of a user`;
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function some(count: number, one: string): string {
  return `${count} ${count === 1 ? one : `${one}s`}`;
}

function field(label: string, text: string): string {
  return `${label.padEnd(9)} ${escape(text)}`;
}
