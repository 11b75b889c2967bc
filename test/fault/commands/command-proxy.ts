/** A TCP proxy before a Redis: it counts the commands that are sent through it, and at one of them cuts all connections. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a connection is cut: the command has not reached Redis, or it has been done and nobody hears of it. */
export type CutAt = 'before the command' | 'before the reply';

export interface Cut {
  /** 1 is the first command that is counted. */
  readonly nth: number;
  /** The first of which this is true instead: which one is the n-th depends on the time. */
  readonly command?: RegExp;
  readonly at: CutAt;
  /** Called at that moment, before the connections are closed. */
  readonly act: () => void;
  /** True: nobody gets through any more. */
  readonly isForGood: boolean;
}

/** How long a command that answers late, or never, has to reach Redis, ms. */
const SURELY_DONE_MS = 100;
const MARK = 'fsq-marker-of-the-proxy';
const ECHO = `*2\r\n$4\r\nECHO\r\n$${MARK.length}\r\n${MARK}\r\n`;

export class CommandProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  /** Of the commands since `count`; null: not counted yet. */
  #seen: string[] | null = null;
  #cut: Cut | null = null;
  #isStriking = false;
  #isDead = false;

  static async open(target: number): Promise<CommandProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
    return new CommandProxy(server, address.port, target);
  }

  private constructor(server: Server, port: number, target: number) {
    this.#server = server;
    this.port = port;
    this.#target = target;
    server.on('connection', (client) => this.#carry(client));
  }

  /** Counts from now on. @param cut null: only counts */
  count(cut: Cut | null): void {
    this.#seen = [];
    this.#cut = cut;
  }

  /** The names of the commands that were counted, in order. */
  get seen(): readonly string[] {
    return this.#seen ?? [];
  }

  close(): void {
    this.#isDead = true;
    this.#server.close();
    this.#cutAll();
  }

  #carry(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    if (this.#isDead) client.destroy();
    const parser = new CommandParser();
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined); // Its end follows.
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
    server.on('data', (chunk) => this.#isStriking || client.write(chunk));
    client.on('data', (chunk) => {
      for (const command of parser.push(chunk)) this.#send(command, server);
    });
  }

  #send(command: Buffer, server: Socket): void {
    if (this.#isStriking || this.#isDead) return;
    const name = nameOf(command);
    this.#seen?.push(name);
    const cut = this.#seen === null ? null : this.#cut;
    const isHere = cut?.command === undefined ? this.#seen?.length === cut?.nth : cut.command.test(name);
    if (cut === null || !isHere) {
      server.write(command);
      return;
    }
    this.#cut = null;
    this.#isStriking = true;
    if (cut.at === 'before the command') this.#strike(cut);
    else void this.#afterDoing(command, server).then(() => this.#strike(cut));
  }

  /** Redis does one thing after the other: when it says the mark it has done the command. */
  async #afterDoing(command: Buffer, server: Socket): Promise<void> {
    await new Promise<void>((resolve) => {
      let heard = '';
      const timer = setTimeout(resolve, SURELY_DONE_MS);
      server.on('data', (chunk: Buffer) => {
        heard = (heard + chunk.toString('latin1')).slice(-MARK.length - 4_096);
        if (!heard.includes(MARK)) return;
        clearTimeout(timer);
        resolve();
      });
      server.write(command);
      server.write(ECHO);
    });
  }

  #strike({ act, isForGood }: Cut): void {
    this.#isDead = isForGood;
    act();
    this.#cutAll();
    this.#isStriking = false;
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Of a command as the clients of Redis write it: an array of texts. `*2\r\n$3\r\nGET\r\n$1\r\na\r\n` */
class CommandParser {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Buffer[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const commands: Buffer[] = [];
    for (let length = lengthOf(rest); length !== null; length = lengthOf(rest)) {
      commands.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return commands;
  }
}

/** Null when it is not whole yet. */
function lengthOf(bytes: Buffer): number | null {
  const [count, first] = numberAt(bytes, 0);
  let at = first;
  for (let i = 0; i < count; i++) {
    if (at === -1) return null;
    const [size, start] = numberAt(bytes, at);
    if (start === -1) return null;
    at = start + size + 2;
  }
  return at === -1 || at > bytes.length ? null : at;
}

/** The number of a line such as `*2` or `$3`, and where the next line begins; −1: it is not whole yet. */
function numberAt(bytes: Buffer, at: number): readonly [number, number] {
  const end = bytes.indexOf('\r\n', at);
  return end === -1 ? [0, -1] : [Number(bytes.toString('latin1', at + 1, end)), end + 2];
}

/** For people: the command, and of a script as much of it as tells it from others. */
function nameOf(command: Buffer): string {
  const [, , name = '', , detail = ''] = command.toString('latin1', 0, 200).split('\r\n');
  return `${name.toLowerCase()} ${detail
    .replace(/[-[\s]+/g, ' ')
    .trim()
    .slice(0, 30)}`;
}
