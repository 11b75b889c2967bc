/** What an attacker or an accident leaves in a spool: links, FIFOs, directories and devices under names that fsq reads. */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { bootId, writerName } from '../../src/spool/disk/identity.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { nextId } from './factory.ts';
import { pronounceDead, someOwner } from './owners.ts';

export const TRAPS = [
  'link to a file',
  'link to a folder',
  'dangling link',
  'hard link',
  'FIFO',
  'folder',
  'sparse file',
  'socket',
] as const;
export type Trap = (typeof TRAPS)[number];

/** Things outside of the spool that nothing may touch. */
export interface Target {
  readonly path: string;
  /** Names, modes, sizes and contents; equal before and after. */
  describe(): string;
}

export function target(path: string): Target {
  mkdirSync(path);
  writeFileSync(join(path, 'secret'), 'untouched', { mode: 0o640 });
  mkdirSync(join(path, 'folder'), { mode: 0o750 });
  const bind = 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])';
  execFileSync('python3', ['-c', bind, join(path, 'socket')]);
  for (const name of ['a.json', jobName(), `${nextId()}.json`])
    writeFileSync(join(path, 'folder', name), '{"task":"add","args":[6,6]}', { mode: 0o600 });
  const see = (at: string): string => {
    const { mode, size, uid } = lstatSync(at);
    return `${at} ${mode.toString(8)} ${uid} ${size} ${readFileSync(at, 'utf8')}`;
  };
  return {
    path,
    describe: () =>
      [
        see(join(path, 'secret')),
        lstatSync(join(path, 'folder')).mode.toString(8),
        ...readdirSync(join(path, 'folder')).map((name) => see(join(path, 'folder', name))),
      ].join('\n'),
  };
}

/** Sets one trap at `path`. */
export function setTrap(trap: Trap, path: string, { path: outside }: Target): void {
  switch (trap) {
    case 'link to a file':
      return symlinkSync(join(outside, 'secret'), path);
    case 'link to a folder':
      return symlinkSync(join(outside, 'folder'), path);
    case 'dangling link':
      return symlinkSync(join(outside, 'created'), path);
    case 'hard link':
      return linkSync(join(outside, 'secret'), path);
    case 'FIFO':
      return void execFileSync('mkfifo', [path]);
    case 'folder':
      mkdirSync(path);
      return writeFileSync(join(path, 'inner'), 'x');
    case 'sparse file':
      writeFileSync(path, '');
      return truncateSync(path, 2 ** 31);
    case 'socket':
      return linkSync(join(outside, 'socket'), path);
  }
}

/** Makes the names different at each call. */
let n = 5_000_000;

/**
 * Each name under which fsq would read something in each directory of the spool, and some that it does not know. The owners
 * among them are dead by every sign.
 */
export function readNames(spool: string): readonly string[] {
  for (const folder of ['progress', 'checkpoints']) mkdirSync(join(spool, folder), { recursive: true, mode: 0o700 });
  const deadOwner = (): string => {
    const owner = someOwner(++n);
    pronounceDead(spool, owner);
    return owner;
  };
  const writer = writerName(nodeFiles, process.pid).replace(/^\d+-\d+/, '1-1');
  const draft = `${writer}.0.${++n}`;
  const fenced = `${deadOwner()}~${deadOwner()}`;
  const recordless = someOwner(++n);
  const boot = bootId(nodeFiles) ?? randomUUID();
  mkdirSync(join(spool, 'journal', boot), { recursive: true, mode: 0o700 });
  return [
    `tmp/${draft}`,
    `tmp/odd${n}`,
    `pending/${jobName()}`,
    `pending/odd${n}`,
    `delayed/0000000000001.${jobName()}`,
    `delayed/odd${n}`,
    `running/${deadOwner()}`,
    `running/${fenced}`,
    `running/odd${n}`,
    `results/${nextId()}.json`,
    `results/odd${n}`,
    `corrupt/${jobName()}`,
    `spare/${draft}`,
    `spare/odd${n}`,
    `cancel/${nextId()}`,
    `logs/${nextId()}.log`,
    ...['progress', 'checkpoints'].flatMap((folder) => [`${folder}/${nextId()}.json`, `${folder}/odd${n}`]),
    `workers/${recordless}.json`,
    `workers/${someOwner(++n)}.sock`,
    `workers/odd${n}`,
    `journal/${randomUUID()}`,
    `journal/odd${n}`,
    `journal/${boot}/${draft}`,
    `journal/${boot}/odd${n}`,
  ];
}

export function jobName(): string {
  return `5.${nextId()}.default.0.0.json`;
}
