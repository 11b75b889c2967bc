/** Owners in states that are hard to bring about: dead ones, without a process that had to die for it. */
import { once } from 'node:events';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Makes every later look at `owner` conclude that it is dead: its record names another boot and its socket is gone. */
export function pronounceDead(spool: string, owner: string): void {
  const record = {
    v: 1,
    owner,
    pid: 1,
    role: 'child',
    startedAtMs: 1,
    bootId: 'an earlier boot',
    queues: null,
    tasks: [],
  };
  writeFileSync(join(spool, 'workers', `${owner}.json`), JSON.stringify(record));
  rmSync(join(spool, 'workers', `${owner}.sock`), { force: true });
}

/** A dead owner with these files in its directory. */
export function plantDeadOwner(
  spool: string,
  owner: string,
  held: Readonly<Record<string, string | Buffer>>,
  recoverer?: string,
): void {
  const directory = join(spool, 'running', recoverer === undefined ? owner : `${owner}~${recoverer}`);
  mkdirSync(directory);
  for (const [name, text] of Object.entries(held)) writeFileSync(join(directory, name), text, { mode: 0o600 });
  pronounceDead(spool, owner);
  if (recoverer !== undefined) pronounceDead(spool, recoverer);
}

/** A socket of `owner` at which nobody listens any more, as a process leaves it that was killed. */
export async function plantRefusedSocket(spool: string, owner: string): Promise<void> {
  const [made, left] = [join(spool, 'tmp', 'socket'), join(spool, 'workers', `${owner}.sock`)];
  const server = createServer().listen(made);
  await once(server, 'listening');
  renameSync(made, left); // Or closing it would remove it.
  server.close();
  await once(server, 'close');
}

/** An owner's name that no process has. */
export function someOwner(n: number = 1): string {
  return `${n}-${String(n).padStart(16, '0')}`;
}

/** `text` in UTF-8 up to the middle of its last 世: what a write leaves that was cut off there. */
export function tornInCharacter(text: string): Buffer {
  const end = Buffer.byteLength(text.slice(0, text.lastIndexOf('世')));
  return Buffer.from(text).subarray(0, end + 2);
}
