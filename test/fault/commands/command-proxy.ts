/** A TCP proxy before a server: it counts the commands that are sent through it, and at one of them cuts all connections, refuses it, or holds it. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Where a connection is cut: the command has not reached the server, or it has been done and nobody hears of it. */
export type CutAt = 'before the command' | 'before the reply';

/** The command is not done, and the server answers with this error: `LOADING Redis is loading the dataset in memory`. */
export interface Refusal {
  readonly answered: string;
}

/** The command, and all that comes after it on its connection, lies here until it is let through: its sender stands still. */
export const HELD = 'held';

export interface Cut {
  /** 1 is the first command that is counted. */
  readonly nth: number;
  /** The first of which this is true instead: which one is the n-th depends on the time. */
  readonly command?: RegExp;
  readonly at: CutAt | Refusal | typeof HELD;
  /** Called at that moment, before the connections are closed. */
  readonly act: () => void;
  /** True: nobody gets through any more. */
  readonly isForGood: boolean;
}

/** What a client sends, cut into what a server does as one. */
export interface Command {
  readonly bytes: Buffer;
  /** For people; null: it belongs to the connection, and is not counted. */
  readonly name: string | null;
}

export interface Protocol {
  /** Of one connection: gives the commands that are whole with this chunk. */
  parser(): (chunk: Buffer) => readonly Command[];
  /** Sends a command, and resolves when the server has done it, or may never answer. */
  done(command: Command, server: Socket): Promise<void>;
  /** What has the server answer with this error, in its turn. Absent: nothing can be refused. */
  refusal?(error: string): string;
}

export class CommandProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #protocol: Protocol;
  readonly #sockets = new Set<Socket>();
  /** Of the commands since `count`; null: not counted yet. */
  #seen: string[] | null = null;
  #cut: Cut | null = null;
  #isStriking = false;
  #isDead = false;
  /** What is held. */
  #held: { readonly server: Socket; readonly commands: Buffer[] } | null = null;

  static async open(target: number, protocol: Protocol): Promise<CommandProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');
    return new CommandProxy(server, address.port, target, protocol);
  }

  private constructor(server: Server, port: number, target: number, protocol: Protocol) {
    this.#server = server;
    this.#protocol = protocol;
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

  /** What is held goes on. */
  letThrough(): void {
    for (const command of this.#held?.commands ?? []) this.#held?.server.write(command);
    this.#held = null;
  }

  close(): void {
    this.#isDead = true;
    this.#server.close();
    this.#cutAll();
  }

  #carry(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1');
    if (this.#isDead) client.destroy();
    const parse = this.#protocol.parser();
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
      for (const command of parse(chunk)) this.#send(command, server);
    });
  }

  #send(command: Command, server: Socket): void {
    if (this.#isStriking || this.#isDead) return;
    const { bytes, name } = command;
    if (this.#held?.server === server) {
      this.#held.commands.push(bytes);
      return;
    }
    if (name !== null) this.#seen?.push(name);
    const cut = this.#seen === null || name === null ? null : this.#cut;
    const isHere = cut?.command === undefined ? this.#seen?.length === cut?.nth : cut.command.test(name ?? '');
    if (cut === null || !isHere) {
      server.write(bytes);
      return;
    }
    this.#cut = null;
    if (cut.at === HELD) {
      this.#held = { server, commands: [bytes] };
      cut.act();
      return;
    }
    if (typeof cut.at === 'object') {
      cut.act();
      server.write(this.#protocol.refusal?.(cut.at.answered) ?? bytes);
      return;
    }
    this.#isStriking = true;
    if (cut.at === 'before the command') this.#strike(cut);
    else void this.#protocol.done(command, server).then(() => this.#strike(cut));
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
