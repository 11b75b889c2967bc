/**
 * Runs a page of documentation as a reader would: every block from top to bottom, in a project of its own.
 *
 * - a code block that begins with a comment `// name.ts` (or `# name`) is that file of the project;
 * - `sh` is run and must end with 0; `fsq worker` without --burst is started and runs until the page ends;
 * - `console` is a transcript: each line after `$ ` is run, and must print what follows it;
 * - everything else (`text`, `json` …) is for reading only.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type CodeBlock, codeBlocks } from './markdown.ts';
import { type Project, type Ran, REPOSITORY, run, tempProject } from './project.ts';

/** How long one command of a page may take, ms. */
const COMMAND_TIMEOUT_MS = 60_000;
const QUICK_NPX = join(REPOSITORY, 'test/support/quick-npx');
const FILE_NAME = /^(?:\/\/|#) ([\w./-]+\.[a-z]+)\n/;

/** What a page was found to hold, for a test that must not pass because a page holds nothing. */
export interface PageRun {
  readonly project: Project;
  readonly files: number;
  readonly commands: number;
}

export interface PageOptions {
  /** For a page that speaks of a folder of the checkout: where in the project it is followed, and what must lie there. */
  readonly folder?: string;
  readonly prepare?: (project: Project) => void;
  /** Whether its `npx` is npm's own. Default false: ours does the same, and each command begins a second earlier. */
  readonly isNpxReal?: boolean;
}

/** The project in which a page is followed, and the environment of its commands. */
interface Reader extends Project {
  readonly env: Readonly<Record<string, string>>;
}

/** One test for each of `pages`, paths in the repository. */
export function testPages(pages: readonly string[]): void {
  for (const page of pages) {
    test(`what ${page} shows happens as it says`, { timeout: 120_000 }, async (t) => {
      const { files, commands } = await runPage(t, page);

      assert.ok(files + commands > 2, `${page} has ${files} files and ${commands} commands`);
    });
  }
}

/** @param page path in the repository @throws AssertionError naming the page's line and what was printed instead */
export async function runPage(t: TestContext, page: string, options: PageOptions = {}): Promise<PageRun> {
  const root = tempProject(t, {});
  installCommands(root);
  options.prepare?.(root);
  const env = environment(options.isNpxReal === true ? [] : [QUICK_NPX]);
  const project = { ...root, path: join(root.path, options.folder ?? '.'), env };
  const ids = new Map<string, string>();
  const workers: StopWorker[] = [];
  const count = { files: 0, commands: 0 };
  try {
    for (const block of codeBlocks(readFileSync(join(REPOSITORY, page), 'utf8'))) {
      const place = `${page}:${block.line}`;
      const name = FILE_NAME.exec(block.text)?.[1];
      if (name !== undefined) {
        writeFileSync(join(project.path, name), block.text);
        count.files++;
      } else if (block.language === 'sh' && isWorker(block)) workers.push(await startWorker(project, block, place));
      else if (block.language === 'sh') count.commands += await runShell(project, block, place);
      else if (block.language === 'console') count.commands += await replay(project, block, place, ids);
    }
  } finally {
    for (const stop of workers) await stop();
  }
  return { project, ...count };
}

type StopWorker = () => Promise<void>;

function isWorker({ text }: CodeBlock): boolean {
  return /\bfsq(?:\.js)? worker\b(?!.*--burst)/.test(text);
}

/** What `npm install` would put into node_modules/.bin. */
function installCommands({ path }: Project): void {
  mkdirSync(join(path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(path, 'node_modules/.bin/fsq'));
  symlinkSync('../tsx/dist/cli.mjs', join(path, 'node_modules/.bin/tsx'));
}

async function runShell(project: Reader, { text }: CodeBlock, place: string): Promise<number> {
  const { code, stdout, stderr } = await shell(project, text);
  assert.equal(code, 0, `${place} ended with ${code}:\n${stdout}${stderr}`);
  return 1;
}

function shell(project: Reader, text: string): Promise<Ran> {
  return run(project, 'sh', ['-c', `exec 2>&1\n${text}`], { env: project.env, timeoutMs: COMMAND_TIMEOUT_MS });
}

/** npm's warnings are about this machine's settings, not about fsq. */
function environment(commands: readonly string[]): Readonly<Record<string, string>> {
  return {
    npm_config_loglevel: 'error',
    npm_config_update_notifier: 'false',
    FSQ_LOG_FORMAT: 'text',
    PATH: [...commands, '/usr/local/bin', '/usr/bin', '/bin', process.env['PATH']].join(delimiter),
  };
}

/** Starts the block's worker in a process group of its own and waits until it says which tasks it has. */
async function startWorker(project: Reader, { text }: CodeBlock, place: string): Promise<StopWorker> {
  const child = spawn('sh', ['-c', text], {
    cwd: project.path,
    env: { ...withoutFsq(process.env), ...project.env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      said += piece;
      if (said.includes('[tasks]')) resolve();
    });
    void closed.then(() => reject(new Error(`${place} ended before it was ready:\n${said}`)));
  });
  return async () => {
    signalGroup(child, 'SIGTERM');
    await closed;
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // ESRCH: all of it has ended.
  }
}

function withoutFsq(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !name.startsWith('FSQ_') && name !== 'NODE_OPTIONS' && name !== 'NODE_TEST_CONTEXT',
    ),
  );
}

/** Runs a transcript's commands in order and compares what they print with what it says. */
async function replay(project: Reader, { text }: CodeBlock, place: string, ids: Map<string, string>): Promise<number> {
  const steps = text.split(/^\$ /m).slice(1);
  for (const step of steps) {
    const end = step.indexOf('\n');
    const command = withIds(step.slice(0, end), ids);
    const expected = step.slice(end + 1);

    const { stdout } = await shell(project, command);

    assert.equal(normalise(stdout), normalise(expected), `${place}: \`${command}\` printed:\n${stdout}`);
    learnIds(expected, stdout, ids);
  }
  return steps.length;
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** The page's ids in later commands stand for those of this run. */
function learnIds(expected: string, actual: string, ids: Map<string, string>): void {
  const found = actual.match(ID) ?? [];
  for (const [i, id] of (expected.match(ID) ?? []).entries()) ids.set(id, found[i] ?? id);
}

function withIds(command: string, ids: ReadonlyMap<string, string>): string {
  return command.replace(ID, (id) => ids.get(id) ?? id);
}

/** Without what differs from run to run: ids, owners, pids, times, the project's place, the width of columns. */
export function normalise(text: string): string {
  return text
    .replace(ID, '<id>')
    .replace(/\d+-[0-9a-f]{16}/g, '<owner>')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replace(/\b\d{13}\b/g, '<ms>')
    .replace(/\d\d:\d\d:\d\d/g, '<clock>')
    .replace(/\b\d+ jobs? ended within the last minute/g, '<rate>')
    .replace(/\b\d+(?:\.\d+)? (?:ms|[smhd])\b/g, '<span>')
    .replace(/\bpid \d+/g, '<pid>')
    .replace(/\b\d+ child(?:ren)?\b/g, '<children>')
    .replace(/\((?:\d+, )*\d+\)/g, '(<pids>)')
    .replace(/(?:\/[\w.-]+)+\/(?=spool\b)/g, '<project>/')
    .replace(/(?<=spool: +)\S+/g, '<spool>')
    .replace(/[ \t]+/g, ' ')
    .replace(/ $/gm, '')
    .trim();
}
