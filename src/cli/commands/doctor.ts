/** `fsq doctor`: what is wrong with the spool and the place it lies in, and what to do about it. */
import { contextFor } from '../../spool/doctor/examine.ts';
import { diagnose } from '../../spool/doctor/diagnose.ts';
import type { Finding } from '../../spool/doctor/finding.ts';
import type { Command, Context } from '../command.ts';
import { doctorText } from './doctor-text.ts';
import { EXIT } from '../exit-codes.ts';
import { jsonText } from '../output.ts';
import { spoolOption, withSpoolOption } from '../options.ts';
import { settingOption, settingsOf } from '../settings.ts';

export const doctor: Command = {
  name: 'doctor',
  summary: 'check the spool and the place it lies in; repair what is safe to repair',
  usage: 'fsq doctor [options]',
  examples: [
    ['fsq doctor', 'of the spool of this project'],
    ['fsq doctor --repair', 'mend what is safe to mend, then tell what is left'],
    ['fsq doctor --spool /var/spool/shop', 'of another one'],
    ['fsq doctor --json', 'for programs: place, jobs, owners, repaired, findings, more'],
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
  const { values, stdout } = context;
  const { spool, fsync, allowNetworkFs, allowUnsafe } = await settingsOf(context);
  const { findings, ...diagnosis } = await diagnose(contextFor(spool, fsync), {
    allowNetworkFs,
    allowUnsafe,
    repair: values.flag('repair'),
  });
  const option = spoolOption(values);
  const named = {
    ...diagnosis,
    findings: findings.map((finding) => ({ ...finding, advice: withSpoolOption(finding.advice, option) })),
  };
  stdout.write(
    values.flag('json')
      ? `${jsonText({ spool, fsync, ...named }, 2)}\n`
      : withSpoolOption(doctorText(named, fsync), option),
  );
  return exitCodeFor(findings);
}

/** With one of these errors no job can be sent or run at all. */
const UNUSABLE: ReadonlySet<string> = new Set(['not-writable', 'network-fs', 'unsafe-place']);

function exitCodeFor(findings: readonly Finding[]): number {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.some(({ code }) => UNUSABLE.has(code))) return EXIT.spoolUnusable;
  return errors.length > 0 ? EXIT.foundError : EXIT.good;
}
