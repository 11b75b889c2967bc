/**
 * Celery on its file system transport. celery_peer.py does all the measuring: timed through a pipe, each of its calls would
 * carry the pipe's time.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Debian's python3-celery serves the system's Python, which need not be the first on the PATH. */
const PYTHONS = ['python3', '/usr/bin/python3'];
const SCRIPT = fileURLToPath(new URL('celery_peer.py', import.meta.url));
/** Its worker dies when it reads a message that is still being written; the scenario is then begun again. */
const ATTEMPTS = 5;
const WORKER_DIED = 3;

const python = PYTHONS.find((each) => spawnSync(each, ['-c', 'import celery'], { stdio: 'ignore' }).status === 0);
if (python === undefined) {
  console.log(JSON.stringify({ missing: 'Celery is not installed (apt-get install python3-celery)' }));
} else {
  process.exitCode = await run(python, JSON.parse(process.argv[2] ?? '{}'));
}

async function run(command, options) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const dir = join(options.dir, `celery-${attempt}`);
    mkdirSync(dir, { recursive: true });
    const child = spawn(command, [SCRIPT, JSON.stringify({ ...options, dir })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const kill = () => child.kill('SIGKILL');
    process.once('exit', kill);
    let line = '';
    child.stdout.on('data', (data) => (line += data));
    const [code] = await once(child, 'close');
    process.off('exit', kill);
    if (code === 0) console.log(JSON.stringify({ ...JSON.parse(line), crashes: attempt }));
    if (code !== WORKER_DIED) return code ?? 1;
  }
  console.log(JSON.stringify({ missing: `Celery's worker died of half-written messages in ${ATTEMPTS} attempts` }));
  return 0;
}
