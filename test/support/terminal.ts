/** A terminal in which a test runs a command line and sees what a person would see: tmux, with a server of its own. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { until } from './conditions.ts';
import { type Project, REPOSITORY } from './project.ts';

const run = promisify(execFile);

export interface Terminal {
  /** The rows of the screen, without those at its end that are empty. */
  screen(): Promise<readonly string[]>;
  /** Resolves with the screen when a row matches. */
  shows(pattern: RegExp): Promise<readonly string[]>;
  /** Types keys by the names that tmux has for them, such as 'C-c'. */
  type(...keys: readonly string[]): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** Takes the terminal away from the program. */
  close(): Promise<void>;
  /** Of the program that was started first. */
  pid(): Promise<number>;
}

interface Looks {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `fsq <args>` in the project, on a screen of that size; when it has ended, the screen shows `exit=<code>`. */
export function fsqInTerminal(t: TestContext, project: Project, args: string, looks: Looks = {}): Promise<Terminal> {
  return inTerminal(t, project, fsqLine(args), looks);
}

/** The command line of `fsq <args>`, for a shell. */
export function fsqLine(args: string): string {
  return `${process.execPath} ${REPOSITORY}/bin/fsq.js ${args}`;
}

/** The same of any command line without single quotes. */
export function inTerminal(
  t: TestContext,
  project: Project,
  command: string,
  { env = {}, ...size }: Looks = {},
): Promise<Terminal> {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // Ctrl-C reaches the shell as well.
  const line = `trap : INT; env ${variables.join(' ')} ${command}; echo exit=$?; exec cat`;
  return openTerminal(t, project, `sh -c '${line}'`, size);
}

/** A terminal in which this is the first program. */
export async function openTerminal(
  t: TestContext,
  project: Project,
  command: string,
  { columns = 80, rows = 24 }: Omit<Looks, 'env'> = {},
): Promise<Terminal> {
  const socket = join(project.path, 'tmux.sock');
  const tmux = async (...words: readonly string[]): Promise<string> =>
    (await run('tmux', ['-S', socket, '-f', '/dev/null', ...words])).stdout;
  const size = ['-x', String(columns), '-y', String(rows)];
  await tmux('new-session', '-d', ...size, '-c', project.path, command);
  const close = async (): Promise<void> => {
    await tmux('kill-server').catch(() => undefined); // It ends with its last session.
  };
  t.after(close);
  const screen = async (): Promise<readonly string[]> => (await tmux('capture-pane', '-p')).trimEnd().split('\n');
  return {
    screen,
    shows: async (pattern) => {
      let last: readonly string[] = [];
      const look = async (): Promise<readonly string[] | null> => {
        last = await screen();
        return last.some((row) => pattern.test(row)) ? last : null;
      };
      return until(look, `the screen shows ${pattern}`).catch((error: unknown) => {
        throw new Error(`The screen was:\n${last.join('\n')}`, { cause: error });
      });
    },
    type: async (...keys) => void (await tmux('send-keys', ...keys)),
    resize: async (wide, high) => void (await tmux('resize-window', '-x', String(wide), '-y', String(high))),
    close,
    pid: async () => Number(await tmux('list-panes', '-F', '#{pane_pid}')),
  };
}
