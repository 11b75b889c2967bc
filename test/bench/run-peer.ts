/** Runs a program of a peer, and reads the one line that it prints. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface PeerRun {
  readonly code: number | null;
  readonly line: Readonly<Record<string, unknown>> | null;
  readonly stderr: string;
}

export async function runPeer(file: string, options: Readonly<Record<string, unknown>>): Promise<PeerRun> {
  const child = spawn(process.execPath, [file, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  await once(child, 'close');
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { code: child.exitCode, line: lines.length === 1 ? JSON.parse(lines[0] ?? '') : null, stderr };
}

/** Whether the figures of a run are there and can be true. */
export function isSane(line: PeerRun['line'], scenario: string): boolean {
  const positive = (name: string): boolean => Number.isFinite(line?.[name]) && Number(line?.[name]) > 0;
  if (scenario !== 'round-trip') return positive('jobs') && positive('seconds');
  return positive('medianMs') && positive('p99Ms') && Number(line?.['p99Ms']) >= Number(line?.['medianMs']);
}
