/** The command line: finds the command, runs it, and turns what it throws into a message and an exit code. */
import { createRequire } from 'node:module';
import { UsageError } from '../job/errors.ts';
import { didYouMean, format, jsonText, withSpoolOption } from '../job/text.ts';
import { wantsColours } from './terminal/colour.ts';
import {
  type Command,
  COMMON_OPTIONS,
  type Context,
  type Output,
  type ParsedLine,
  parseLine,
  spoolOption,
} from './command.ts';
import { EXIT, exitCodeOf, messageText, reportText } from './exit.ts';

/** All commands by name, in the order of the help. Each is loaded when it is used: `fsq call` must start quickly. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('./commands/init.ts')).init,
  worker: async () => (await import('./commands/worker/worker.ts')).worker,
  drain: async () => (await import('./commands/drain/drain.ts')).drain,
  call: async () => (await import('./commands/call/call.ts')).call,
  exec: async () => (await import('./commands/pipe/exec.ts')).exec,
  map: async () => (await import('./commands/pipe/map.ts')).map,
  get: async () => (await import('./commands/get.ts')).get,
  wait: async () => (await import('./commands/script/wait.ts')).wait,
  revoke: async () => (await import('./commands/revoke.ts')).revoke,
  retry: async () => (await import('./commands/retry.ts')).retry,
  forget: async () => (await import('./commands/clean/forget.ts')).forget,
  replay: async () => (await import('./commands/replay/replay.ts')).replay,
  pause: async () => (await import('./commands/pause.ts')).pause,
  resume: async () => (await import('./commands/pause.ts')).resume,
  schedule: async () => (await import('./commands/schedule/schedule.ts')).schedule,
  gc: async () => (await import('./commands/clean/gc.ts')).gc,
  purge: async () => (await import('./commands/clean/purge.ts')).purge,
  status: async () => (await import('./commands/look/status.ts')).status,
  top: async () => (await import('./commands/top/top.ts')).top,
  ui: async () => (await import('./commands/ui/ui.ts')).ui,
  ls: async () => (await import('./commands/look/ls.ts')).ls,
  events: async () => (await import('./commands/follow/events.ts')).events,
  logs: async () => (await import('./commands/follow/logs.ts')).logs,
  show: async () => (await import('./commands/look/show.ts')).show,
  history: async () => (await import('./commands/follow/history.ts')).history,
  explain: async () => (await import('./commands/look/explain.ts')).explain,
  check: async () => (await import('./commands/script/check.ts')).check,
  metrics: async () => (await import('./commands/measure/metrics.ts')).metrics,
  migrate: async () => (await import('./commands/migrate/migrate.ts')).migrate,
  doctor: async () => (await import('./commands/doctor/doctor.ts')).doctor,
  tasks: async () => (await import('./commands/tasks.ts')).tasks,
  completion: async () => (await import('./commands/completion/completion.ts')).completion,
};

/** Of a usage whose arguments are ids of jobs: then `-` stands for those on standard input. */
const TAKES_IDS = /^fsq \S+ ID\b/;

/** Words that ask for help, or for the version, and are no commands: the overview tells of them. */
const OF_FSQ: ReadonlySet<string> = new Set(['help', '--help', '-h', 'version', '--version', '-v', '-V']);

/** What is known of the command line when an error has to be told. */
interface Asked {
  spoolOption: string;
  /** That of the command; null: the error's own. */
  errorCode: number | null;
}

/** @returns the exit code; nothing is thrown */
export async function main(argv: readonly string[]): Promise<number> {
  const stdout = outputTo(() => process.stdout);
  const stderr = outputTo(() => process.stderr);
  const [name, ...line] = argv;
  const isCommand = name !== undefined && Object.hasOwn(COMMANDS, name);
  const who = isCommand ? `fsq ${name}` : 'fsq';
  const asked: Asked = { spoolOption: '', errorCode: null };
  try {
    refuseOtherBytes(argv);
    const code = await run(name, line, stdout, stderr, asked);
    return afterWriting(stdout, stderr, who, code);
  } catch (error) {
    stderr.write(withSpoolOption(reportText(who, error, isDebug()), asked.spoolOption));
    return asked.errorCode ?? exitCodeOf(error);
  }
}

async function run(
  name: string | undefined,
  line: readonly string[],
  stdout: Output,
  stderr: Output,
  asked: Asked,
): Promise<number> {
  switch (name) {
    case undefined:
      stderr.write(await overview(stderr.columns));
      return EXIT.usage;
    case 'help':
    case '--help':
    case '-h': {
      const about = line.find((word) => !OF_FSQ.has(word));
      stdout.write(about === undefined ? await overview(stdout.columns) : await helpOf(about, stdout.columns));
      return EXIT.good;
    }
    case '--version':
    case '-v':
    case '-V':
      stdout.write(`${version()}\n`);
      return EXIT.good;
  }
  const command = await commandNamed(name);
  asked.errorCode = command.errorCode ?? null;
  const parsed = parseLine(line, { ...command.options, ...COMMON_OPTIONS });
  asked.spoolOption = spoolOption(parsed.values);
  if (parsed.values.flag('help')) {
    stdout.write(await helpOf(command.name, stdout.columns));
    return EXIT.good;
  }
  const context = contextOf(command, parsed, stdout, stderr);
  await checkArguments(command, context);
  if (!parsed.args.includes('-') || !TAKES_IDS.test(command.usage)) return command.run(context);
  const { withIdsFrom } = await import('./commands/pipe/ids-from-stdin.ts');
  const args = await withIdsFrom(context.stdin, parsed.args);
  if (args.length > 0) return command.run(contextOf(command, { ...parsed, args }, stdout, stderr));
  context.tell('No id came on standard input: nothing was done.');
  return EXIT.good;
}

function contextOf({ name }: Command, parsed: ParsedLine, stdout: Output, stderr: Output): Context {
  const option = spoolOption(parsed.values);
  return {
    ...parsed,
    get stdin() {
      return process.stdin;
    },
    stdout,
    stderr,
    env: process.env,
    commands: COMMANDS,
    get version() {
      return version();
    },
    print: (document, text) => stdout.write(parsed.values.flag('json') ? `${jsonText(document, 2)}\n` : text()),
    tell: (message) => {
      if (message !== null) stderr.write(withSpoolOption(messageText(`fsq ${name}`, message), option));
    },
  };
}

/** Node.js puts U+FFFD for each byte that is not UTF-8: two keys would be one, and a path another. @throws UsageError */
function refuseOtherBytes(argv: readonly string[]): void {
  const broken = argv.find((text) => text.includes('\u{fffd}'));
  if (broken === undefined) return;
  throw new UsageError(
    `Expected UTF-8, got ${format(broken)}, in which U+FFFD stands for other bytes. Convert it with iconv, or send it as base64`,
  );
}

/** @throws UsageError with the nearest name */
async function commandNamed(name: string): Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load !== undefined) return load();
  if (name.startsWith('-'))
    throw new UsageError(`Expected a command before ${format(name)}, as in \`fsq status ${name}\``);
  const hint = didYouMean(name, [...Object.keys(COMMANDS), 'help']);
  throw new UsageError(`Unknown command ${format(name)}${hint}\n\`fsq help\` lists the commands.`);
}

async function checkArguments(command: Command, context: Context): Promise<void> {
  const { name, usage, args = { least: 0, most: 0 }, choices } = command;
  const count = context.args.length;
  if (count >= args.least && count <= args.most) return;
  const extra = context.args[args.most];
  const known = (extra === undefined ? await choices?.(context) : undefined) ?? '';
  const wrong =
    extra === undefined ? `${missing(usage, count)} is missing` : `${format(extra)} is one argument too many`;
  throw new UsageError(
    `${wrong}.${known === '' ? '' : ` ${known}`} Usage: ${usage}\n\`fsq ${name} --help\` shows examples.`,
  );
}

/** The word of a usage such as 'fsq call TASK [ARG…] [options]' for the argument after `count` others. */
function missing(usage: string, count: number): string {
  const names = usage
    .split(' ')
    .slice(2)
    .filter((word) => !/^[[-]/.test(word));
  return (names[count] ?? 'An argument').replace('…', '');
}

async function overview(width: number | null): Promise<string> {
  const { overviewText } = await import('./help.ts');
  return overviewText(version(), width);
}

async function helpOf(name: string, width: number | null): Promise<string> {
  const { commandText } = await import('./help.ts');
  return commandText(await commandNamed(name), COMMON_OPTIONS, width);
}

/** An output that knows whether it took everything. */
interface CheckedOutput extends Output {
  /** Why something could not be written; null while all was. A reader that went away (`fsq ls | head -1`) is no failure. */
  failure(): Error | null;
}

/** @param open gives the stream when it is first needed: opening one takes a while */
export function outputTo(open: () => NodeJS.WriteStream): CheckedOutput {
  let stream: NodeJS.WriteStream | null = null;
  let failure: Error | null = null;
  let isClosed = false;
  const opened = (): NodeJS.WriteStream => {
    if (stream !== null) return stream;
    stream = open();
    stream.on('error', (error: NodeJS.ErrnoException) => {
      isClosed = true;
      if (error.code !== 'EPIPE') failure = error;
    });
    return stream;
  };
  return {
    get isTTY() {
      return opened().isTTY === true;
    },
    get columns() {
      return opened().isTTY === true ? opened().columns : null;
    },
    get hasColours() {
      return wantsColours(opened().isTTY === true, process.env);
    },
    get isClosed() {
      return isClosed;
    },
    write: (text) => {
      if (!isClosed) opened().write(text);
    },
    caughtUp: () => {
      if (isClosed || stream?.writableNeedDrain !== true) return null;
      return new Promise((resolve) => {
        const over = ['drain', 'error', 'close'] as const;
        const hear = (): void => {
          for (const event of over) opened().off(event, hear);
          resolve();
        };
        for (const event of over) opened().on(event, hear);
      });
    },
    failure: () => failure,
  };
}

/** A write may fail only now: on a full disk, or because the pipe is closed, which is fine. */
async function afterWriting(stdout: CheckedOutput, stderr: Output, who: string, code: number): Promise<number> {
  await new Promise((resolve) => setImmediate(resolve));
  const failure = stdout.failure();
  if (failure === null) return code;
  stderr.write(`${who}: The output could not be written: ${failure.message}\n`);
  return code === EXIT.good ? EXIT.outputFailed : code;
}

function isDebug(): boolean {
  return (process.env['FSQ_DEBUG'] ?? '') !== '' && process.env['FSQ_DEBUG'] !== '0';
}

/** From package.json, which is read when somebody asks. */
function version(): string {
  const found = createRequire(import.meta.url)('../../package.json') as { readonly version: string };
  return found.version;
}
