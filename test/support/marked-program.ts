/** A program that is found, with all it has started, by a mark in its environment: whatever group or parent they have. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { within } from './conditions.ts';

/** How long a program may take to end after SIGTERM on a busy machine, ms. */
const STOP_MS = 60_000;
const MARK = 'FSQ_TEST_MARK';

export interface Program {
  /** What it has printed so far. */
  output(): string;
  /** Kills it and all that it has started, and resolves when it has ended. */
  kill(): Promise<void>;
  /** Sends SIGTERM and resolves with its exit code, null when a signal ended it. */
  stop(): Promise<number | null>;
}

/** Runs `node <args>` in `cwd`. */
export function startProgram(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Program {
  const mark = randomUUID();
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('FSQ_') && !name.startsWith('NODE_'));
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd,
    env: { ...Object.fromEntries(own), ...env, [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'exit');
  return {
    output: () => output,
    kill: async () => {
      // Again until none is left: one may have started another in the meantime.
      for (let pids = processesWith(mark); pids.length > 0; pids = processesWith(mark))
        for (const pid of pids) kill(pid);
      await exited;
    },
    stop: async () => {
      child.kill('SIGTERM');
      await within(exited, `node ${args.join(' ')} ends`, STOP_MS);
      return child.exitCode;
    },
  };
}

/** A zombie has no environment any more, so it is not among them. */
function processesWith(mark: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => environmentOf(pid).includes(`${MARK}=${mark}\0`));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // It has just ended.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
