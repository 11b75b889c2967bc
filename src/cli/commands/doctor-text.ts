/** `fsq doctor` for people: the facts, then what is wrong, the worst first, each with what to do. Pure. */
import { escape, size } from '../../job/text.ts';
import type { Diagnosis } from '../../spool/doctor/diagnose.ts';
import type { Finding, Severity } from '../../spool/doctor/finding.ts';

const HEADINGS: Readonly<Record<Severity, string>> = { error: 'Errors', warning: 'Warnings', info: 'Notes' };

export function doctorText(diagnosis: Diagnosis, fsync: boolean): string {
  const { place, jobs, owners, repaired, findings, more } = diagnosis;
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
    ...moreText(more.repaired),
    ...(['error', 'warning', 'info'] as const).flatMap((severity) => section(severity, diagnosis)),
    '',
    verdictText(findings, more.findings),
  ];
  return `${lines.join('\n')}\n`;
}

function section(wanted: Severity, { findings, more }: Diagnosis): readonly string[] {
  const shown = findings.filter(({ severity }) => severity === wanted);
  if (shown.length === 0) return [];
  return [
    '',
    `${HEADINGS[wanted]}:`,
    ...shown.flatMap(({ code, message, advice, invariant }) => [
      `  ! ${escape(message)} (${code}${invariant === undefined ? '' : `, ${invariant}`})`,
      `    ${escape(advice)}`,
    ]),
    ...moreText(more.findings.filter(({ severity }) => severity === wanted)),
  ];
}

/** A broken disk has thousands of findings of one kind; only the first of them are told. */
function moreText(more: readonly { readonly code: string; readonly count: number }[]): readonly string[] {
  return more.map(({ code, count }) => `  and ${count} more (${code})`);
}

function verdictText(findings: readonly Finding[], more: Diagnosis['more']['findings']): string {
  const count = (wanted: Severity): number =>
    findings.filter(({ severity }) => severity === wanted).length +
    more.filter(({ severity }) => severity === wanted).reduce((sum, kind) => sum + kind.count, 0);
  const [errors, warnings] = [count('error'), count('warning')];
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
