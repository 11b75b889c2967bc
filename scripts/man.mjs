/** Writes man/fsq.1 from the commands themselves: `npm run man`, and whenever the package is packed. It is not kept in the repository. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SETTINGS } from '../src/app/settings/settings-table.ts';
import { COMMON_OPTIONS } from '../src/cli/command.ts';
import { EXIT } from '../src/cli/exit.ts';
import { GROUPS, OVERVIEW_EXAMPLES, summaryOf } from '../src/cli/help.ts';
import { COMMANDS } from '../src/cli/main.ts';
import { isMain } from './is-main.mjs';

const PAGE = fileURLToPath(new URL('../man/fsq.1', import.meta.url));
const MANIFEST = new URL('../package.json', import.meta.url);

/** What each exit code tells; docs/cli.md says more. */
const CODES = {
  good: 'All is well.',
  jobFailed: 'A job failed.',
  foundError: 'The doctor found an error.',
  usage: 'A wrong command, option or argument.',
  unknown: 'There is no such job or task.',
  notRun: 'The job was revoked or has expired.',
  bug: 'An error that fsq did not foresee. FSQ_DEBUG=1 shows where.',
  outputFailed: 'The output could not be written.',
  spoolUnusable: 'The spool cannot be used.',
  configuration: 'A setting is wrong, or no task can be loaded.',
  timedOut: 'Waiting took longer than \\-\\-timeout.',
};

const COLOURS = [
  ['NO_COLOR', 'With any text: no colours.'],
  ['FORCE_COLOR', '1, 2 or 3: colours in a pipe, too; 0: none.'],
  ['TERM', 'dumb: no colours, and no line that is drawn again and again.'],
];

/** @returns the page as man(7) has it */
export async function manPage(version, date) {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  const called = (name) => commands.find((command) => command.name === name) ?? [];
  const order = Object.values(GROUPS).flatMap((lines) => Object.keys(lines).flatMap(called));
  return [
    `.\\" Made by scripts/man.mjs from the commands.`,
    `.TH FSQ 1 "${date}" "fsq ${version}" "User Commands"`,
    '.SH NAME',
    'fsq \\- run functions in worker processes; a directory is the queue',
    '.SH SYNOPSIS',
    '.B fsq',
    '.I COMMAND',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    text(
      'Producers put jobs into a directory, the spool; workers take them from it, run them, and put what came of them there. There is no server. ' +
        'Data goes to stdout, messages to stderr. The beginning of an id is enough where only one job has it.',
    ),
    '.SH EXAMPLES',
    ...OVERVIEW_EXAMPLES.flatMap(([line, about]) => tagged(text(line), about)),
    '.SH COMMANDS',
    ...order.flatMap(commandSection),
    '.SH COMMON OPTIONS',
    ...Object.entries(COMMON_OPTIONS).flatMap(option),
    '.SH EXIT STATUS',
    ...exitStatus(),
    '.SH ENVIRONMENT',
    'An option comes before a variable, and a variable before the configuration.',
    ...Object.values(SETTINGS).flatMap(({ variable, option: name }) =>
      variable === undefined
        ? []
        : tagged(text(variable), name === undefined ? 'See the settings in docs/cli.md' : `As --${name}`),
    ),
    ...COLOURS.flatMap(([name, about]) => tagged(name, about)),
    '.SH FILES',
    ...tagged('spool/', 'The spool of a project, beside its package.json, unless a setting names another.'),
    ...tagged('fsq.config.{ts,mts,cts,js,mjs,cjs,json}', 'The configuration, found from the current folder upwards.'),
    '.SH SEE ALSO',
    text('docs/ of the package: cli.md, tasks.md, queues.md, reliability.md, spool-format.md.'),
    '',
  ].join('\n');
}

function commandSection({ name, usage, examples, options, notes = [] }) {
  return [
    `.SS "fsq ${name}"`,
    sentence(summaryOf(name)),
    '.PP',
    text(usage),
    ...examples.flatMap(([line, about]) => tagged(text(line), about)),
    ...Object.entries(options).flatMap(option),
    ...(notes.length === 0 ? [] : ['.PP', text(notes.join(' '))]),
  ];
}

function option([name, { short, value, help }]) {
  const names = `${short === undefined ? '' : `-${short}, `}--${name}`;
  return [
    '.TP',
    value === undefined ? `.B ${text(names)}` : `.BI "${text(names)} " "${text(value)}"`,
    text(`${help}.`),
  ];
}

function exitStatus() {
  const codes = new Map();
  for (const [name, code] of Object.entries(EXIT)) {
    if (CODES[name] === undefined) throw new Error(`scripts/man.mjs does not say what the exit code ${name} tells`);
    codes.set(code, [...(codes.get(code) ?? []), CODES[name]]);
  }
  return [...codes].flatMap(([code, texts]) => ['.TP', `.B ${code}`, texts.join(' ')]);
}

function tagged(head, body) {
  return ['.TP', `.B ${head}`, sentence(body)];
}

function sentence(words) {
  return text(/[.!?]$/.test(words) ? words : `${words}.`).replace(/^[a-z]/, (first) => first.toUpperCase());
}

/** As roff reads it: nothing of it is a request or an escape. */
function text(words) {
  return words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll('`', '\\(ga')
    .replaceAll("'", '\\(aq')
    .replace(/[^\x20-\x7e]/gu, (char) => `\\[u${char.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`)
    .replace(/^\./, '\\&.');
}

async function main() {
  const { version } = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  const page = await manPage(version, new Date().toISOString().slice(0, 10));
  mkdirSync(dirname(PAGE), { recursive: true });
  writeFileSync(PAGE, page);
}

if (isMain(import.meta.url)) await main();
