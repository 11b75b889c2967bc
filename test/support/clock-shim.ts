/** The wall clock of whole processes, moved while they run: a library that is loaded before libc. Needs gcc and Linux. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static long offset(void) {
  static volatile long *seconds;
  if (!seconds) {
    int fd = open(getenv("CLOCK_SHIM"), O_RDONLY | O_CLOEXEC);
    void *page = fd < 0 ? MAP_FAILED : mmap(0, sizeof(long), PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) return 0;
    seconds = page;
  }
  return *seconds;
}

int clock_gettime(clockid_t id, struct timespec *at) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(id, at);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) at->tv_sec += offset();
  return status;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
`;

export interface ClockShim {
  /** The environment of the processes whose clock is to be moved. */
  readonly env: Readonly<Record<string, string>>;
  /** Moves their wall clock so far from the true time; may be negative. */
  move(ms: number): void;
}

export const HAS_COMPILER: boolean = process.platform === 'linux' && spawnSync('gcc', ['--version']).status === 0;

/** A wall clock that can be moved, its files in `folder`. */
export function clockShim(folder: string): ClockShim {
  const [library, source, offset] = [join(folder, 'clock.so'), join(folder, 'clock.c'), join(folder, 'clock.offset')];
  writeFileSync(source, SOURCE);
  execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
  const move = (ms: number): void => {
    const seconds = Buffer.alloc(8);
    seconds.writeBigInt64LE(BigInt(Math.trunc(ms / 1_000)));
    // Written in place: the processes have it mapped.
    writeFileSync(offset, seconds, { flag: 'r+' });
  };
  writeFileSync(offset, Buffer.alloc(8));
  return { env: { LD_PRELOAD: library, CLOCK_SHIM: offset }, move };
}
