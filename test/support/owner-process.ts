/** Owners in processes of their own, in every state a process can be in, and what another process proves of them. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { until, within } from './conditions.ts';
import { REPOSITORY } from './project.ts';

const dist = (path: string): string => JSON.stringify(pathToFileURL(join(REPOSITORY, 'dist', path)).href);

/** Registers as an owner in the spool of argv, says its name, and then does what argv says. */
const OWNER = `
const { openBroker } = await import(${dist('open.js')});
const [spool, then] = process.argv.slice(1);
const broker = openBroker({ path: spool, fsync: false });
const consumer = await broker.consumer({ queues: null, tasks: [] });
setInterval(() => {}, 1 << 30);
require('node:fs').writeSync(1, consumer.owner + ' ' + process.pid + '\\n');
if (then === 'spin') for (;;);
`;

/** Says what it can prove of an owner, and of the writer of a draft, by default itself; perhaps when few descriptors are left to it. */
const PROBER = `
const fs = require('node:fs');
const { createContext } = await import(${dist('spool/disk/context.js')});
const { nodeFiles } = await import(${dist('spool/disk/files.js')});
const { layoutOf } = await import(${dist('spool/layout.js')});
const { verdictOf } = await import(${dist('spool/owners/verdicts.js')});
const { writerName, writerState } = await import(${dist('spool/disk/identity.js')});
const [spool, owner, given] = process.argv.slice(1);
const { left, draft = writerName(nodeFiles, process.pid) + '.x.0' } = JSON.parse(given);
const context = createContext({ layout: layoutOf(spool), files: nodeFiles, fsync: false, nowMs: Date.now, randomBytes: () => new Uint8Array(8) });
await verdictOf(context, owner);
const taken = [];
if (left !== undefined) {
  try { for (;;) taken.push(fs.openSync('/dev/null')); } catch (error) { if (error.code !== 'EMFILE') throw error; }
  for (let i = 0; i < Number(left); i++) fs.closeSync(taken.pop());
}
const verdict = await verdictOf(context, owner);
const isDraftDead = writerState(nodeFiles, draft) === 'dead';
for (const fd of taken) fs.closeSync(fd);
console.log(JSON.stringify({ ...verdict, isDraftDead }));
`;

export interface OwnerProcess {
  readonly owner: string;
  /** As this process sees it; null when it is hidden behind another program. */
  readonly pid: number;
  /** As it sees itself: another number in a pid namespace of its own. */
  readonly ownPid: number;
  kill(signal: NodeJS.Signals): void;
  /** Kills it and waits until this process has reaped what it started. */
  end(): Promise<void>;
}

export interface OwnerOptions {
  /** Keep its event loop busy for ever. */
  readonly isBusy?: boolean;
  /** A program that runs it, such as ['unshare', '--net']. */
  readonly within?: readonly string[];
}

/** An owner in a process of its own; it and what wraps it are killed after the test. */
export async function startOwner(t: TestContext, spool: string, options: OwnerOptions = {}): Promise<OwnerProcess> {
  const [program, ...args] = [
    ...(options.within ?? []),
    ...node(OWNER),
    spool,
    options.isBusy === true ? 'spin' : 'wait',
  ];
  const child = spawn(program ?? '', args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.after(() => killGroup(child));
  const line = await within(firstLine(child), 'the owner to say its name');
  const [owner = '', ownPid = ''] = line.trim().split(' ');
  const pid = child.pid ?? 0;
  return {
    owner,
    pid,
    ownPid: Number(ownPid),
    kill: (signal) => void process.kill(-pid, signal),
    end: () => killGroup(child),
  };
}

export interface Probed {
  readonly verdict: string;
  readonly reason?: string;
  /** What the prober takes the writer of the draft for. */
  readonly isDraftDead: boolean;
}

export interface ProbeOptions {
  /** How many descriptors are left to the prober; default: plenty. */
  readonly left?: number;
  /** A name in tmp/; default: one of the prober itself. */
  readonly draft?: string;
}

/** What another process, run by `within`, can prove of `owner`. */
export function probeFrom(within: readonly string[], spool: string, owner: string, options: ProbeOptions = {}): Probed {
  const [program = '', ...args] = [...within, ...node(PROBER), spool, owner, JSON.stringify(options)];
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  if (status !== 0) throw new Error(`The prober ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Probed;
}

/** The arguments that run `script` as a module with \`require\`. */
function node(script: string): readonly string[] {
  const prelude = `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(join(REPOSITORY, 'x.js'))});`;
  return [process.execPath, '--input-type=module', '-e', prelude + script];
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('\n')) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`It ended with ${code} and printed ${JSON.stringify(text)}`)));
    child.once('error', reject);
  });
}

async function killGroup(child: ChildProcess): Promise<void> {
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const exit = hasEnded() ? null : once(child, 'exit');
  const signal = (): boolean => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
      return true;
    } catch {
      return false; // ESRCH: nobody of the group is left.
    }
  };
  signal();
  await exit;
  await until(() => !signal(), 'the group of processes is gone');
}
