/** What processes use, as /proc says: CPU, memory, watches. Linux only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export const hasProc = existsSync('/proc/self/schedstat');

/**
 * CPU time of a process so far, ns, of all threads that live. The scheduler's own count: the one in /proc/<pid>/stat goes in
 * ticks of 10 ms, most of which an idle process sleeps through.
 *
 * @param {number} pid
 */
export function cpuNs(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce((sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]), 0);
}

/**
 * Memory that a process holds, MB; `own` is what it shares with no file (the program's text lies in one, in all processes),
 * `peak` the most that it ever held.
 *
 * @param {number} pid
 */
export function memoryMb(pid) {
  const status = read(`/proc/${pid}/status`);
  const kb = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
  return { rss: kb('VmRSS') / 1024, own: kb('RssAnon') / 1024, peak: kb('VmHWM') / 1024 };
}

/**
 * Directories and files that a process watches (inotify(7)).
 *
 * @param {number} pid
 */
export function watches(pid) {
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => read(`/proc/${pid}/fdinfo/${fd}`));
  return infos.reduce((sum, info) => sum + (info.match(/^inotify wd:/gm)?.length ?? 0), 0);
}

/**
 * What these processes use together.
 *
 * @param {readonly number[]} pids none may have ended
 */
export function usageOf(pids) {
  const sum = (/** @type {(pid: number) => number} */ of) => pids.reduce((total, pid) => total + of(pid), 0);
  return {
    cpuMs: sum(cpuNs) / 1e6,
    rssMb: sum((pid) => memoryMb(pid).rss),
    peakMb: sum((pid) => memoryMb(pid).peak),
    descriptors: sum((pid) => readdirSync(`/proc/${pid}/fd`).length),
  };
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '0'; // A thread or a descriptor that went in between.
  }
}
