/**
 * The packages that a broker of BullMQ needs: optional peers of fsq, so they are looked for when such a broker is opened. Nothing else
 * loads them.
 */
import type * as bullmq from 'bullmq';
import type * as ioredis from 'ioredis';
import type * as pg from 'pg';
import { programs } from '../broker/late-code.ts';
import { UsageError } from '../job/errors.ts';
import { format } from '../job/text.ts';
import { reasonOf } from '../job/values/realm.ts';

export interface RedisPeers {
  readonly bullmq: typeof bullmq;
  readonly ioredis: typeof ioredis;
}

export interface PostgresPeers {
  readonly bullmq: typeof bullmq;
  readonly pg: typeof pg;
}

/** BullMQ and the driver of Redis, loaded at the first call. @throws UsageError (FSQ_PEER) saying what to install */
export async function loadRedisPeers(): Promise<RedisPeers> {
  redisPeers ??= loadPeers(['bullmq', 'ioredis'], placesToLook()) as unknown as RedisPeers;
  return redisPeers;
}

/** BullMQ and the driver of PostgreSQL, likewise. */
export async function loadPostgresPeers(): Promise<PostgresPeers> {
  postgresPeers ??= loadPeers(['bullmq', 'pg'], placesToLook()) as unknown as PostgresPeers;
  return postgresPeers;
}

let redisPeers: RedisPeers | null = null;
let postgresPeers: PostgresPeers | null = null;

type Peer = 'bullmq' | 'ioredis' | 'pg';

/** A version is one of the wanted major number, with at least this minor one; `isExact`: with this one. */
interface Wanted {
  readonly major: number;
  readonly minor: number;
  readonly isExact: boolean;
  /** For `npm install`. */
  readonly install: string;
}

/** fsq calls BullMQ's datastores, which may change with its minor number. */
const WANTED: Readonly<Record<Peer, Wanted>> = {
  bullmq: { major: 6, minor: 7, isExact: true, install: 'bullmq@~6.7' },
  ioredis: { major: 5, minor: 0, isExact: false, install: 'ioredis@5' },
  pg: { major: 8, minor: 16, isExact: false, install: 'pg@8' },
};

/** A package as it was found from a folder. */
interface Found {
  readonly require: NodeJS.Require;
  readonly version: string;
}

/**
 * Loads packages. A driver is looked for beside BullMQ first: BullMQ and fsq must have the same copy of it. All are CommonJS, and a program
 * that imports them has the same copies.
 *
 * @param places files, as paths or URLs, from which the packages are looked for, in this order
 * @throws UsageError (FSQ_PEER)
 */
export function loadPeers(peers: readonly Peer[], places: readonly string[]): Readonly<Record<string, unknown>> {
  const loaded: Record<string, unknown> = {};
  let nearest = places;
  for (const peer of peers) {
    const { require } = findPeer(peer, nearest, peers);
    loaded[peer] = loadFound(peer, require, peers);
    nearest = [require.resolve(peer), ...places];
  }
  return loaded;
}

/**
 * Files from which a package is looked for, as Node.js looks for what one imports: that of fsq, beside which npm and pnpm put its
 * peers; the program that runs and the current folder, for an fsq that is linked or installed globally.
 */
function placesToLook(): string[] {
  return [import.meta.url, ...programs()];
}

function findPeer(peer: Peer, places: readonly string[], peers: readonly Peer[]): Found {
  const found = places.flatMap((place) => foundFrom(place, peer));
  const fitting = found.find(({ version }) => fits(version, WANTED[peer]));
  if (fitting !== undefined) return fitting;
  const got = found[0] === undefined ? 'none is installed' : `found ${format(found[0].version)}`;
  throw missing(peer, got, peers);
}

function foundFrom(place: string, peer: Peer): readonly Found[] {
  try {
    const require = process.getBuiltinModule('node:module').createRequire(place);
    const manifest = require(`${peer}/package.json`) as { readonly version?: unknown };
    return [{ require, version: String(manifest.version) }];
  } catch {
    return []; // Not there, or no package.
  }
}

function loadFound(peer: Peer, require: NodeJS.Require, peers: readonly Peer[]): unknown {
  try {
    return require(peer);
  } catch (error) {
    throw missing(peer, `it cannot be loaded: ${reasonOf(error)}`, peers, error);
  }
}

/** What the user has to do is the same in all cases. */
function missing(peer: Peer, got: string, peers: readonly Peer[], cause?: unknown): UsageError {
  const command = `npm install ${peers.map((each) => WANTED[each].install).join(' ')}`;
  return new UsageError(
    `This broker needs the package ${peer}, ${versionText(WANTED[peer])}; ${got}. Run: ${command}`,
    'FSQ_PEER',
    cause === undefined ? undefined : { cause },
  );
}

function versionText({ major, minor, isExact }: Wanted): string {
  return isExact ? `version ${major}.${minor}` : `version ${major}.${minor} or newer`;
}

/** Whether `version` may be used. A later major number may: npm warns where a package is not made for it. */
function fits(version: string, { major, minor, isExact }: Wanted): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number);
  if (isExact) return itsMajor === major && itsMinor === minor;
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}
