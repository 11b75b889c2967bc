/** `fsq doctor`: what is wrong with the spool and the place it lies in, and what to do about it. */
import { escape, size, some, withSpoolOption } from '../../../job/text.ts';
import { type Diagnosis, diagnose, contextFor } from '../../../spool/doctor/examine.ts';
import type { Finding, Severity } from '../../../spool/doctor/finding.ts';
import { type Command, type Context, spoolOption } from '../../command.ts';
import { fieldLines } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { settingOption, settingsOf } from '../../setting-options.ts';
import { findingLines, lookAtServer, verdictOf } from './server.ts';

export const doctor: Command = {
  name: 'doctor',
  usage: 'fsq doctor [options]',
  examples: [
    ['fsq doctor', 'of the spool of this project'],
    ['fsq doctor --repair', 'mend what is safe to mend, then tell what is left'],
    ['fsq doctor --spool /var/spool/shop', 'of another one'],
    ['fsq doctor --json', 'for programs: place, jobs, owners, journal, repaired, findings, more'],
  ],
  options: {
    repair: {
      type: 'boolean',
      help: 'recover jobs of the dead and remove what they left, set broken files aside, remove proved duplicates',
    },
    ...settingOption('allowNetworkFs', 'a spool on a network file system is a warning, not an error'),
    ...settingOption('allowUnsafe', 'a spool that other users could change is a warning, not an error'),
    json: { type: 'boolean', help: 'print one JSON document' },
  },
  notes: [
    'Exits 0 when there is no error (warnings alone are none), 1 when there is one, 75 when the spool cannot be used. Workers may',
    'run meanwhile: what it finds was so in three looks. It tries rename, fsync and watch with files of its own, and removes them.',
  ],
  run: runDoctor,
};

async function runDoctor(context: Context): Promise<number> {
  const settings = await settingsOf(context);
  const { spool, fsync, allowNetworkFs, allowUnsafe } = settings;
  if (settings.broker !== null) return lookAtServer(context, settings);
  const { findings, ...diagnosis } = await diagnose(contextFor(spool, fsync), {
    allowNetworkFs,
    allowUnsafe,
    repair: context.values.flag('repair'),
  });
  const option = spoolOption(context.values);
  const named = {
    ...diagnosis,
    findings: findings.map((finding) => ({ ...finding, advice: withSpoolOption(finding.advice, option) })),
  };
  context.print({ spool, fsync, ...named }, () => withSpoolOption(doctorText(named, fsync), option));
  return exitCodeFor(findings);
}

/** With one of these errors no job can be sent or run at all. */
const UNUSABLE: ReadonlySet<string> = new Set(['not-writable', 'network-fs', 'unsafe-place']);

function exitCodeFor(findings: readonly Finding[]): number {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.some(({ code }) => UNUSABLE.has(code))) return EXIT.spoolUnusable;
  return errors.length > 0 ? EXIT.foundError : EXIT.good;
}

/** The facts, then what is wrong, the worst first, each with what to do. */
function doctorText(diagnosis: Diagnosis, fsync: boolean): string {
  const { place, jobs, owners, journal, repaired, findings, more } = diagnosis;
  const { path, realPath, fileSystem, probes, inotify } = place;
  const lines = [
    ...fieldLines([
      ['spool', path === realPath ? path : `${path} (${realPath})`],
      ['disk', fileSystem === null ? 'not known' : diskText(fileSystem)],
      ['fsync', `${fsync ? 'on' : 'off (a power cut may lose jobs)'}${tookText(probes.fsyncMs)}`],
      ['watch', `${probes.watch === null && probes.write === null ? 'works' : 'does not work'}${limitText(inotify)}`],
      ['jobs', counts(jobs)],
      ['owners', counts(owners)],
      ['journal', journal.segments === 0 ? null : journalText(journal)],
    ]),
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
  return [...findingLines(wanted, shown), ...moreText(more.findings.filter(({ severity }) => severity === wanted))];
}

/** A broken disk has thousands of findings of one kind; only the first of them are told. */
function moreText(more: readonly { readonly code: string; readonly count: number }[]): readonly string[] {
  return more.map(({ code, count }) => `  and ${count} more (${code})`);
}

function verdictText(findings: readonly Finding[], more: Diagnosis['more']['findings']): string {
  const count = (wanted: Severity): number =>
    findings.filter(({ severity }) => severity === wanted).length +
    more.filter(({ severity }) => severity === wanted).reduce((sum, kind) => sum + kind.count, 0);
  const canRepair = findings.some((finding) => finding.canRepair);
  const hint = canRepair ? ' `fsq doctor --repair` mends what is safe to mend.' : '';
  return `${verdictOf(count('error'), count('warning'), 'The spool')}${hint}`;
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

function journalText({ segments, bytes, records, owners, earlier }: Diagnosis['journal']): string {
  const of = earlier === 0 ? '' : `, ${some(earlier, 'folder')} of earlier boots`;
  return `${some(segments, 'segment')} (${size(bytes)}, ${some(records, 'record')}), of processes: ${counts(owners)}${of}`;
}

function tookText(ms: number | null): string {
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
