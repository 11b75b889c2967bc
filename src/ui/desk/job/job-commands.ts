/**
 * Commands to be copied: what each needs to mean the place of the page, in whatever folder it is pasted; and the lines that do to a job what
 * the page's buttons do, or show more of it. Pure.
 */
import { isAddress } from '../../../broker/broker-address.ts';
import { inShell, withSpoolOption } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import type { JobDetail } from '../../wire.ts';

/** What a command needs to mean this place: a server is named by the project's settings, which have its password. */
export function placeOption(place: string): string {
  return isAddress(place) ? '' : ` --spool ${inShell(place)}`;
}

/** A sentence whose commands in backticks mean this place. */
export function textAt(place: string, text: string): string {
  return withSpoolOption(text, placeOption(place));
}

/** In this order; null: whatever may be done with the job. */
const COMMANDS: readonly {
  readonly what: string;
  readonly line: (id: string, args: string) => string;
  readonly act: JobDetail['acts'][number] | null;
}[] = [
  { what: 'show everything of it', line: (id) => `fsq show ${id}`, act: null },
  { what: 'say why it is where it is', line: (id) => `fsq explain ${id}`, act: null },
  { what: 'tell its events one by one', line: (id) => `fsq history ${id}`, act: null },
  { what: 'print what it has printed', line: (id) => `fsq logs ${id}`, act: null },
  { what: 'send it back', line: (id) => `fsq retry ${id}`, act: 'retry' },
  {
    what: 'send a new one with other arguments',
    line: (id, args) => `fsq retry ${id} --args ${args}`,
    act: 'retry-anew',
  },
  { what: 'revoke it', line: (id) => `fsq revoke ${id}`, act: 'revoke' },
  { what: 'kill the process that runs it', line: (id) => `fsq revoke ${id} --terminate`, act: 'kill' },
  { what: 'forget it', line: (id) => `fsq forget ${id}`, act: 'forget' },
];

/** Longer arguments are left out of a command line, characters. */
const MOST_ARGS = 500;

/** @param args of the job, to be changed; null: they are not shown */
export function commandsFor(
  id: string,
  acts: JobDetail['acts'],
  place: string,
  args: readonly JsonValue[] | null,
): JobDetail['commands'] {
  const text = JSON.stringify(args ?? []);
  const argsText = inShell(text.length > MOST_ARGS ? '[]' : text);
  return COMMANDS.filter(({ act }) => act === null || acts.includes(act)).map(({ what, line }) => ({
    what,
    command: `${line(inShell(id), argsText)}${placeOption(place)}`,
  }));
}
