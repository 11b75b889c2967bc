/*
 * The same as bare-loop.mjs, without Node: bare-loop <dir> <index> <of> <bytes of the tail> <jobs to warm up> <jobs>.
 * Says "ready", waits for a line, works, and says when it ended.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *dir;
static const char *own;
static char *tail;
static size_t tail_bytes;
static char *base;
static size_t base_bytes;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void run_one(const char *name) {
  char from[4096], held[4096], to[4096];
  struct stat info;
  snprintf(from, sizeof from, "%s/pending/%s", dir, name);
  snprintf(held, sizeof held, "%s/running/%s/%.*s.1.0.json", dir, own, (int)strlen(name) - 9, name);
  snprintf(to, sizeof to, "%s/results/%.36s.json", dir, name + 2);
  if (rename(from, held) != 0) fail(from);
  int fd = open(held, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &info) != 0) fail(held);
  if ((size_t)info.st_size > base_bytes) {
    base_bytes = info.st_size;
    base = realloc(base, base_bytes);
  }
  if (pread(fd, base, info.st_size, 0) != info.st_size) fail(held);
  close(fd);
  fd = open(held, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || pwrite(fd, tail, tail_bytes, info.st_size - 2) != (ssize_t)tail_bytes) fail(held);
  close(fd);
  if (rename(held, to) != 0) fail(held);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  dir = argv[1];
  own = argv[2];
  int of = atoi(argv[3]);
  tail_bytes = atoi(argv[4]) > 0 ? (size_t)atoi(argv[4]) : 155;
  tail = malloc(tail_bytes);
  memset(tail, 'x', tail_bytes);

  char path[4096];
  snprintf(path, sizeof path, "%s/pending", dir);
  DIR *pending = opendir(path);
  if (pending == NULL) fail(path);
  size_t count = 0, room = 1024;
  char **names = malloc(room * sizeof *names);
  for (struct dirent *entry; (entry = readdir(pending)) != NULL;) {
    if (strlen(entry->d_name) < 38 || atol(entry->d_name + 26) % of != atoi(own)) continue;
    if (count == room) names = realloc(names, (room *= 2) * sizeof *names);
    names[count++] = strdup(entry->d_name);
  }
  closedir(pending);
  qsort(names, count, sizeof *names, by_name);

  size_t next = 0;
  for (int left = atoi(argv[5]); left > 0 && next < count; left--, next++) run_one(names[next]);
  puts("ready");
  fflush(stdout);
  if (getchar() == EOF) return 1;
  size_t jobs = 0;
  for (size_t most = atol(argv[6]); next < count && jobs < most; next++, jobs++) run_one(names[next]);
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  printf("{\"endedMs\":%.3f,\"jobs\":%zu}\n", end.tv_sec * 1e3 + end.tv_nsec / 1e6, jobs);
  return 0;
}
