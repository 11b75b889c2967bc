/** A large spool, written as a producer and a worker of a year would have left it: file by file, without either. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const HOUR_MS = 3_600_000;

/** Plants jobs of task `tick`; resolves with the ids of those that are pending. */
export function plant(spool, { pending, results, delayed, keys }) {
  const nowMs = Date.now();
  const ready = idsOf(pending, nowMs);
  const base = (id) => `{"v":1,"id":"${id}","task":"tick","args":[],"options":{},"headers":{}\n}\n`;
  for (const id of ready) put(join(spool, 'pending', `5.${id}.default.0.0.json`), base(id));
  for (const [i, id] of idsOf(delayed, nowMs).entries())
    put(join(spool, 'delayed', `${nowMs + HOUR_MS + i * 10}.5.${id}.default.0.0.json`), base(id));
  for (const id of idsOf(results, nowMs)) {
    const attempt = `{"attempt":1,"startedAtMs":${nowMs},"endedAtMs":${nowMs},"owner":"1-0000000000000001"}`;
    const end = `\n,"attempts":[${attempt}],"state":"succeeded","value":1}\n`;
    put(join(spool, 'results', `${id}.json`), base(id).slice(0, -3) + end);
  }
  mkdirSync(join(spool, 'keys'), { recursive: true, mode: 0o700 });
  for (const id of ready.slice(0, keys)) {
    const directory = join(spool, 'keys', createHash('sha256').update(`tick\0${id}`).digest('hex'));
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, id), '', { mode: 0o600 });
  }
  return ready;
}

function put(path, text) {
  const fd = openSync(path, 'wx', 0o600);
  writeSync(fd, text);
  closeSync(fd);
}

/** Ids of version 7, a millisecond from one to the next, the last made now. */
function idsOf(count, nowMs) {
  return Array.from({ length: count }, (_, i) => {
    const time = (nowMs - count + i).toString(16).padStart(12, '0');
    const random = randomBytes(10).toString('hex');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(6, 18)}`;
  });
}
