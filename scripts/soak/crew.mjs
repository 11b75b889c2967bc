/** The soak's processes: workers and producers that are started, killed, stopped, resumed and replaced. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export class Crew {
  #project;
  #env;
  #bin;
  #children = new Map();
  #isOver = false;
  /** Which process the soak killed when: pid and ms. */
  deaths = [];
  producerDeaths = 0;

  constructor(project, env, bin) {
    this.#project = project;
    this.#env = env;
    this.#bin = bin;
  }

  startWorker(args) {
    return this.#start('worker', [this.#bin, 'worker', '-l', 'silent', ...args], () => this.startWorker(args));
  }

  startProducer() {
    return this.#start('producer', ['producer.js'], () => this.startProducer());
  }

  /** Processes of a kind: 'worker', 'producer', or 'child' for the workers' children. */
  pids(kind) {
    if (kind !== 'child') return [...this.#children].filter(([, entry]) => entry.kind === kind).map(([pid]) => pid);
    const workers = new Set(this.pids('worker'));
    return readdirSync(join(this.#project, 'spool/running'))
      .filter((name) => !name.includes('~'))
      .map((name) => Number(name.split('-')[0]))
      .filter((pid) => !workers.has(pid) && isOurs(pid, this.#project));
  }

  kill(pid, kind) {
    // The process is dead when kill() returns to nobody: the time before the call is the earliest it can have died.
    const at = Date.now();
    if (!signal(pid, 'SIGKILL')) return;
    this.deaths.push([pid, at]);
    if (kind === 'producer') this.producerDeaths++;
  }

  /** Stops a process for a while; it goes on as if nothing had been. */
  pause(pid, ms) {
    if (signal(pid, 'SIGSTOP')) setTimeout(() => signal(pid, 'SIGCONT'), ms);
  }

  /** From now on who ends is not replaced. */
  over() {
    this.#isOver = true;
  }

  /** Kills what is still there of the soak after a grace; resolves with how many that were. */
  async endLeftovers(graceMs) {
    const ours = () =>
      readdirSync('/proc').filter(
        (name) => /^\d+$/.test(name) && Number(name) !== process.pid && isOurs(name, this.#project),
      );
    const giveUpAt = Date.now() + graceMs;
    while (ours().length > 0 && Date.now() < giveUpAt) await wait(50);
    const left = ours();
    for (const pid of left) signal(Number(pid), 'SIGKILL');
    return left.length;
  }

  /** Ends all of a kind and waits for it. */
  async end(kind, name) {
    const ends = this.pids(kind).map((pid) => this.#children.get(pid).ended);
    for (const pid of this.pids(kind)) signal(pid, name);
    await Promise.all(ends);
  }

  #start(kind, args, again) {
    const child = spawn(process.execPath, args, {
      cwd: this.#project,
      env: this.#env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
    this.#children.set(child.pid, { kind, ended });
    void ended.then(() => {
      this.#children.delete(child.pid);
      if (!this.#isOver) again();
    });
    return ended;
  }
}

function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // It has ended already.
  }
}

/** Pids are used again: only a process of this soak may be killed. */
function isOurs(pid, project) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(project);
  } catch {
    return false; // It has ended.
  }
}
