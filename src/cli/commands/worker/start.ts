/**
 * How this worker was started, as far as it matters: under nohup, by npm, or as process 1. Linux only, where /proc shows it.
 *
 * npm, npx and their like die of a SIGTERM, or pass it to a shell that dies of it; a worker that they have started would live on, and
 * nobody would know of it. So it ends when they do.
 */
import { basename } from 'node:path';
import { type Files, nodeFiles } from '../../../spool/disk/files.ts';
import type { Logger } from '../../../worker/log.ts';
import type { Supervisor } from '../../../worker/supervisor.ts';

type Looker = Pick<Files, 'readSystemFile' | 'readLink'>;

/** How often the worker looks whether the npm that started it is still there, ms. */
const LAUNCHER_EVERY_MS = 500;

/** How often process 1 looks for dead processes that nobody reaps, ms. */
const ORPHANS_EVERY_MS = 10_000;

interface Start {
  /** A SIGHUP is to be ignored. */
  readonly isWithoutHangup: boolean;
  /** The npm whose end is the worker's end; null: none. */
  readonly launcher: Launcher | null;
}

interface Launcher {
  /** Such as 'npx (pid 12)'. */
  readonly name: string;
  /** False once it, or a shell between it and the worker, is gone. */
  isThere(): boolean;
}

/** Shells between npm and the worker are at most these many. */
const MAX_SHELLS = 3;
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'ash', 'zsh', 'busybox']);
/** By the title that npm gives itself, 'npm exec …', or by the script that Node.js runs. */
const LAUNCHER = /^(npm|npx|pnpm|pnpx|yarn|bunx?)(?:-cli)?(?:[-.\d]*\.c?js)?$/;
/** A single `&`: the script that npm runs leaves the worker behind on purpose. */
const IN_BACKGROUND = /(?<![&>|])&(?![&>])/;
const O_ACCMODE = 3;
const O_WRONLY = 1;

export function startOf(env: NodeJS.ProcessEnv, files: Looker, pid: number = process.pid): Start {
  const isWithoutHangup = isUnderNohup(env, files);
  // A worker under nohup is to outlive the terminal, and npm may die with that.
  const isByNpm = env['npm_execpath'] !== undefined || env['npm_config_user_agent'] !== undefined;
  return { isWithoutHangup, launcher: isByNpm && !isWithoutHangup ? launcherOf(pid, files) : null };
}

/**
 * Node.js undoes what nohup does: it sets every signal that is ignored at its start to its default. What tells is the name that
 * the shell gave the program in `_`, or the stdin that nohup puts in place of a terminal: /dev/null, open for writing only.
 */
function isUnderNohup(env: NodeJS.ProcessEnv, files: Looker): boolean {
  if (basename(env['_'] ?? '') === 'nohup') return true;
  return ifReadable(() => {
    const flags = /^flags:\s*([0-7]+)/m.exec(files.readSystemFile('/proc/self/fdinfo/0'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & O_ACCMODE) === O_WRONLY && files.readLink('/proc/self/fd/0') === '/dev/null';
  }, false);
}

function launcherOf(pid: number, files: Looker): Launcher | null {
  const chain = [pid];
  for (let shells = 0; shells <= MAX_SHELLS; shells++) {
    const parent = parentOf(chain.at(-1) ?? 0, files);
    const line =
      parent === null ? [] : ifReadable(() => files.readSystemFile(`/proc/${parent}/cmdline`).split('\0'), []);
    if (parent === null || line.length === 0) return null;
    chain.push(parent);
    const isShell = SHELLS.has(basename(line[0] ?? '')) && line[1] === '-c';
    if (isShell && IN_BACKGROUND.test(line[2] ?? '')) return null;
    if (isShell) continue;
    const name = launcherName(line);
    if (name === null) return null;
    const links = chain.slice(0, -1).map((one, i) => [one, chain[i + 1]] as const);
    // A process whose parent has died gets another one. A parent that cannot be read tells nothing: were the process gone, its child had another.
    const isThere = (): boolean => links.every(([one, above]) => [above, null].includes(parentOf(one, files)));
    return { name: `${name} (pid ${parent})`, isThere };
  }
  return null;
}

function launcherName([program = '', script = '']: readonly string[]): string | null {
  const title = program.split(' ')[0] ?? '';
  return LAUNCHER.exec(basename(title))?.[1] ?? LAUNCHER.exec(basename(script))?.[1] ?? null;
}

/**
 * The dead processes that this one should reap and cannot: Node.js waits for its own children only, and process 1 of a container gets
 * every process whose parent has died. None where /proc cannot be read.
 */
export function deadOrphans(files: Looker & Pick<Files, 'list'>, pid: number = process.pid): ReadonlySet<number> {
  const names = ifReadable(() => files.list('/proc'), []).filter((name) => /^\d+$/.test(name));
  const isDead = (one: number): boolean => ifReadable(() => statOf(one, files)[0] === 'Z', false);
  return new Set(names.map(Number).filter((one) => isDead(one) && parentOf(one, files) === pid));
}

/** A message about them, or null. A child of the worker is among them for a moment only, so two looks must have seen a process. */
export function orphansNotice(before: ReadonlySet<number>, now: ReadonlySet<number>): string | null {
  const count = [...now].filter((pid) => before.has(pid)).length;
  if (count === 0) return null;
  return `${count === 1 ? 'A process that a task had left behind has ended and stays as a zombie' : `${count} processes that tasks had left behind have ended and stay as zombies`}: this worker is process 1 of its container, and Node.js reaps only its own children. Start it below an init: \`docker run --init\`, \`init: true\` in Compose, or tini.`;
}

function parentOf(pid: number, files: Looker): number | null {
  return ifReadable(() => Number(statOf(pid, files)[1]), null);
}

/** State and parent, as proc(5) has them. */
function statOf(pid: number, files: Looker): readonly string[] {
  const stat = files.readSystemFile(`/proc/${pid}/stat`);
  // The command in parentheses may hold anything: the rest follows the last one.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** `otherwise` when the process has ended, there is no /proc, or no descriptor is left to read with. */
function ifReadable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** As process 1: tells once that there are dead processes that nobody reaps. */
export function lookForOrphans(log: Logger): () => void {
  let before: ReadonlySet<number> = new Set();
  const timer = setInterval(() => {
    const now = deadOrphans(nodeFiles);
    const notice = orphansNotice(before, now);
    before = now;
    if (notice === null) return;
    clearInterval(timer);
    log.warn(notice);
  }, ORPHANS_EVERY_MS).unref();
  return () => clearInterval(timer);
}

/** One more signal after a forced stop ends the worker as it ends any program: a full disk could hold up the stop. */
export function listenForSignals(
  supervisor: Pick<Supervisor, 'onSignal' | 'isStopping'>,
  { isWithoutHangup, launcher }: Start,
): () => void {
  const signals = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
  const listeners = signals.map((signal) => {
    const listener = (): void => {
      if (signal === 'SIGHUP' && isWithoutHangup) return;
      supervisor.onSignal(signal);
      if (supervisor.isStopping) stopListening();
    };
    return [signal, listener] as const;
  });
  const watching =
    launcher === null
      ? undefined
      : setInterval(() => {
          if (launcher.isThere()) return;
          clearInterval(watching);
          // As the end of a terminal: it begins a drain, and is nothing new to a worker that drains.
          supervisor.onSignal('SIGHUP', `${launcher.name}, which had started this worker, has ended`);
        }, LAUNCHER_EVERY_MS).unref();
  const stopListening = (): void => {
    clearInterval(watching);
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return stopListening;
}
