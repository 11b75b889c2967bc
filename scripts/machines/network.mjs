/** Machines, as far as one kernel can make them: network namespaces on a bridge, each with an address of its own. Linux, as root. */
import { execFileSync, spawn } from 'node:child_process';

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Everything is made within a namespace that this process was started in (see machines.mjs), so that it goes with it. */
export class Network {
  constructor() {
    ip('link', 'set', 'lo', 'up');
    ip('link', 'add', 'br0', 'type', 'bridge');
    ip('link', 'set', 'br0', 'up');
  }

  /** @returns a machine with the address 10.77.0.<number> */
  machine(name, number) {
    ip('netns', 'add', name);
    ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('link', 'set', `v-${name}`, 'master', 'br0', 'up');
    ip('-n', name, 'addr', 'add', `10.77.0.${number}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return new Machine(name, `10.77.0.${number}`);
  }
}

class Machine {
  constructor(name, address) {
    this.name = name;
    this.address = address;
  }

  /** Starts a program there, with a group of its own. */
  start(program, args, options = {}) {
    return spawn('ip', ['netns', 'exec', this.name, program, ...args], { stdio: 'ignore', ...options });
  }

  cut() {
    ip('link', 'set', `v-${this.name}`, 'down');
  }

  heal() {
    ip('link', 'set', `v-${this.name}`, 'up');
  }

  /** All processes there die at once, as those of a machine that loses its power. */
  kill() {
    const pids = execFileSync('ip', ['netns', 'pids', this.name], { encoding: 'utf8' }).split('\n').filter(Boolean);
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    return pids.length;
  }
}
