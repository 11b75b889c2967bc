/** `fsq doctor` where a server keeps the jobs: its facts, and what is wrong with it. */
import type { Settings } from '../../../app/settings/config.ts';
import { brokerOptions } from '../../../app/settings/place.ts';
import type { ServerReport } from '../../../broker/beyond/server-report.ts';
import { refuse } from '../../../job/errors.ts';
import { escape, some } from '../../../job/text.ts';
import { examineBroker } from '../../../open.ts';
import type { Context } from '../../command.ts';
import { fieldLines } from '../../display.ts';
import { EXIT } from '../../exit.ts';

export async function lookAtServer(context: Context, settings: Settings): Promise<number> {
  if (context.values.flag('repair'))
    refuse('--repair', 'to be about a spool', true, '; a server that keeps jobs is repaired by whoever runs it');
  const options = brokerOptions(settings);
  if (!('address' in options)) throw new TypeError('A spool is no server.');
  const report = await examineBroker(options);
  context.print(report, () => reportText(report));
  const errors = report.findings.filter(({ severity }) => severity === 'error');
  if (errors.some(({ isUnusable }) => isUnusable)) return EXIT.spoolUnusable;
  return errors.length > 0 ? EXIT.foundError : EXIT.good;
}

function reportText({ broker, facts, findings }: ServerReport): string {
  const of = (wanted: Told['severity']): readonly Told[] => findings.filter(({ severity }) => severity === wanted);
  const lines = [
    ...fieldLines([['broker', broker], ...facts]),
    ...(['error', 'warning', 'info'] as const).flatMap((severity) => findingLines(severity, of(severity))),
    '',
    verdictOf(of('error').length, of('warning').length, 'The server'),
  ];
  return `${lines.join('\n')}\n`;
}

interface Told {
  readonly severity: 'error' | 'warning' | 'info';
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  /** The promise that is broken; absent where none is. */
  readonly invariant?: string;
}

const HEADINGS: Readonly<Record<Told['severity'], string>> = { error: 'Errors', warning: 'Warnings', info: 'Notes' };

/** The findings of one kind under their heading, each with what to do; [] where there are none. */
export function findingLines(severity: Told['severity'], findings: readonly Told[]): readonly string[] {
  if (findings.length === 0) return [];
  return [
    '',
    `${HEADINGS[severity]}:`,
    ...findings.flatMap(({ code, message, advice, invariant }) => [
      `  ! ${escape(message)} (${code}${invariant === undefined ? '' : `, ${invariant}`})`,
      `    ${escape(advice)}`,
    ]),
  ];
}

/** The last line. @param subject 'The spool' */
export function verdictOf(errors: number, warnings: number, subject: string): string {
  return errors + warnings === 0
    ? `${subject} is sound; \`fsq status\` tells how its jobs are.`
    : `${some(errors, 'error')}, ${some(warnings, 'warning')}.`;
}
