/** A PostgreSQL of the tests' own: on a free port of 127.0.0.1, gone with the test file. It is fast, and keeps nothing through a power cut. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asNobodyIfRoot, startServer } from '../../scripts/own-server.mjs';
import { lacksProgram } from './needs.ts';
import { HOST, ownServer, type OwnServer } from './own-server.ts';

const USER = 'postgres';
const DATA = 'data';
const NOBODY = 65_534;
/** Where Debian keeps the programs of each version that are not for the PATH. */
const VERSIONS = '/usr/lib/postgresql';
/** The line of postmaster.pid that says how far the server is (miscadmin.h of PostgreSQL: LOCK_FILE_LINE_PM_STATUS). */
const STATUS_LINE = 7;
/** Each child of a worker has connections of its own. */
const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  max_connections: 300,
  fsync: 'off',
  full_page_writes: 'off',
};
const CLUSTER = ['--auth=trust', '--no-sync', '--no-locale', '--encoding=UTF8', `--username=${USER}`];

export interface PostgresServer extends OwnServer {
  /** Needs no password. */
  readonly user: string;
  readonly database: string;
  /** What the setting `broker` says of it. @param schema each test has one of its own */
  url(schema: string): string;
}

/** Why there can be no PostgreSQL here; false when there can. For `skip`. */
export const lacksPostgres: string | false = whyNone();

let shared: Promise<PostgresServer> | null = null;

/** The one that the tests of this file share. Takes about a second. */
export function postgresServer(): Promise<PostgresServer> {
  return (shared ??= ownPostgresServer());
}

/** One more, for a test that stops it. Its stop ends all connections; SIGQUIT is a crash. It keeps what it knows. */
export async function ownPostgresServer(): Promise<PostgresServer> {
  const server = await ownServer({
    name: 'postgres',
    stopSignal: 'SIGINT',
    endSignal: 'SIGQUIT',
    prepare: initialize,
    start: (folder, port) => start(join(folder, DATA), port),
  });
  const url = (schema: string): string => `bullmq+postgres://${USER}@${HOST}:${server.port}/${USER}?schema=${schema}`;
  return Object.assign(server, { user: USER, database: USER, url });
}

function initialize(folder: string): void {
  if (process.getuid?.() === 0) chownSync(folder, NOBODY, NOBODY);
  const [command = '', ...args] = [...asNobodyIfRoot(), pathOf('initdb'), `--pgdata=${join(folder, DATA)}`, ...CLUSTER];
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: folder });
}

function start(data: string, port?: number): ReturnType<typeof startServer> {
  const settings = Object.entries(SETTINGS).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return startServer({
    command: (at) => [pathOf('postgres'), '-D', data, '-p', String(at), ...settings],
    answers: (_at, pid) => isReady(join(data, 'postmaster.pid'), pid),
    asNobody: true,
    // Killed, it would leave its other processes to find that out, and shared memory that nobody removes.
    deathSignal: 'QUIT',
    ...(port === undefined ? {} : { port }),
  });
}

function isReady(path: string, pid: number): boolean {
  if (!existsSync(path)) return false;
  const lines = readFileSync(path, 'utf8').split('\n');
  return Number(lines[0]) === pid && lines[STATUS_LINE]?.trim() === 'ready';
}

function whyNone(): string | false {
  if (!existsSync(pathOf('initdb'))) return 'PostgreSQL is not installed (apt-get install postgresql)';
  if (process.getuid?.() === 0 && lacksProgram('setpriv') !== false)
    return 'PostgreSQL does not run as root, and there is no setpriv';
  return false;
}

/** Of a program of the server, of the newest version that is installed. */
function pathOf(program: string): string {
  const versions = existsSync(VERSIONS) ? readdirSync(VERSIONS).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = versions.map((version) => join(VERSIONS, version, 'bin'));
  const paths = [...folders, ...(process.env['PATH'] ?? '').split(':')].map((folder) => join(folder, program));
  return paths.find((path) => existsSync(path)) ?? program;
}
