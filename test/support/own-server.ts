/** A server of the tests' own, whatever it is: it has a folder, can be stopped and started again, and is gone with the test file. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

export const HOST = '127.0.0.1';

export interface OwnServer {
  readonly host: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** By this signal; default: as its kind ends well. Does nothing where it has stopped. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it, if it runs, and starts it on the same port. */
  restart(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerKind {
  readonly name: string;
  /** Ends it well. */
  readonly stopSignal: NodeJS.Signals;
  /** Ends it at once: nobody needs what it keeps. */
  readonly endSignal: NodeJS.Signals;
  /** Makes of an empty folder what the server starts with. */
  prepare(folder: string): void;
  /** @param port undefined: a free one */
  start(folder: string, port: number | undefined): Promise<Running>;
}

interface Running {
  readonly port: number;
  readonly pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const ends: (() => Promise<void>)[] = [];

// Of the whole file, and not of the test that comes first: others go on with the server.
after(async () => {
  for (const end of ends) await end();
});

export async function ownServer(kind: ServerKind): Promise<OwnServer> {
  const folder = mkdtempSync(join(place(), `fsq-${kind.name}-`));
  kind.prepare(folder);
  let running = await kind.start(folder, undefined);
  const { port } = running;
  ends.push(async () => {
    await running.stop(kind.endSignal);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    host: HOST,
    port,
    get pid() {
      return running.pid;
    },
    stop: (signal = kind.stopSignal) => running.stop(signal),
    restart: async (signal = kind.stopSignal) => {
      await running.stop(signal);
      running = await kind.start(folder, port);
    },
  };
}

/** The folder of this run of tests, where there is one: it goes with the run, also when the process of a test file was killed. */
function place(): string {
  return process.env['TEST_RUN'] ?? realpathSync(tmpdir());
}
