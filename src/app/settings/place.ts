/**
 * Where the jobs are kept: in a spool or by a broker that has an address, as the strongest source says that names one of them. What others
 * say is not used, and a notice tells so.
 */
import { isAbsolute, resolve } from 'node:path';
import { type BrokerAddress, addressText, parseBrokerAddress, shownAddress } from '../../broker/broker-address.ts';
import { type FsqErrorCode, UsageError } from '../../job/errors.ts';
import { format } from '../../job/text.ts';
import type { BrokerOptions } from '../../open.ts';
import { isFolderThere } from '../project/project.ts';
import type { Config, Settings } from './config.ts';
import type { Given } from './settings-table.ts';

/** A source of settings that was read. */
export interface Giver {
  readonly given: Given;
  readonly base: string;
  /** `caller` is the strongest: options of a command line, or of createApp(). */
  readonly kind: 'caller' | 'variables' | 'file';
  /** A setting's name as it is written there. */
  readonly nameOf: (key: keyof Config) => string;
}

/** Variables of a process. Not by Node's name for it: declarations must not need @types/node. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The part of the settings that says where. */
export type Place = Pick<Settings, 'spool' | 'broker'>;

/** The place for people: a path, or an address without its password. */
export function placeText({ spool, broker }: Place): string {
  return broker === null ? spool : shownAddress(broker);
}

/** That the place cannot be used, by its code. */
export function unusable(
  { broker }: Place,
  message: string,
): { readonly code: FsqErrorCode; readonly message: string } {
  return { code: broker === null ? 'FSQ_SPOOL' : 'FSQ_BROKER', message };
}

/** Variables that make another program of fsq use the same place; undefined: it must not have this one. */
export function placeVariables({
  spool,
  broker,
}: Place): Readonly<Record<'FSQ_SPOOL' | 'FSQ_BROKER', string | undefined>> {
  return broker === null
    ? { FSQ_SPOOL: spool, FSQ_BROKER: undefined }
    : { FSQ_SPOOL: undefined, FSQ_BROKER: addressText(broker) };
}

/** The settings that a broker is opened with: every process takes them from here, so that all agree. Plain data. */
export function brokerOptions(settings: Settings): BrokerOptions {
  const { spool, broker, fsync, resultTtlMs, allowNetworkFs, allowUnsafe } = settings;
  if (broker !== null) return { address: broker, resultTtlMs };
  return { path: spool, fsync, resultTtlMs, allowNetworkFs, allowUnsafe };
}

/** The options as arguments of a process may have them, which everybody on the machine can see. The login goes by `placeVariables`. */
export function withoutLogin(options: BrokerOptions): BrokerOptions {
  return 'address' in options ? { ...options, address: { ...options.address, user: null, password: null } } : options;
}

/** What `withoutLogin` made of options, whole again in a process with these variables. */
export function withLogin(options: BrokerOptions, env: Environment): BrokerOptions {
  if (!('address' in options)) return options;
  return { ...options, address: parseBrokerAddress(env['FSQ_BROKER'] ?? '', 'FSQ_BROKER') };
}

/** What of an app's own settings is asked before all are answered: options, or what a command line gave. */
export interface Named extends Pick<Config, 'spool' | 'redact'> {
  readonly broker?: string | BrokerAddress | undefined;
}

/** The place that whoever made an app has named, for people; undefined where that is left to other sources, or cannot be read. */
export function namedPlace({ spool, broker }: Named, cwd: () => string): string | undefined {
  if (broker === undefined) return typeof spool === 'string' ? resolve(cwd(), spool) : undefined;
  try {
    return shownAddress(typeof broker === 'string' ? parseBrokerAddress(broker) : broker);
  } catch {
    return undefined; // The first use of the app tells it.
  }
}

/**
 * The place, and a sentence for each setting about it that is not used.
 *
 * @param givers the strongest first
 * @param path of the spool: what the strongest source says that names one, or the default
 * @param project the folder of the project; null where nothing marks one
 * @throws UsageError when the spool would lie in a current folder that has been removed: it would be made anew there
 */
export function placeFrom(
  givers: readonly Giver[],
  path: string,
  project: string | null,
  cwd: string,
): Pick<Settings, 'spool' | 'spoolFrom' | 'broker' | 'notices'> {
  const said = givers.find(({ given }) => given.spool !== undefined || given.broker !== undefined);
  const broker = said?.given.broker ?? null;
  const saysSpool = givers.find(({ given }) => given.spool !== undefined);
  const isByFolder = saysSpool === undefined ? project === null : saysSpool.kind !== 'file' && !isAbsolute(path);
  if (broker === null && isByFolder && !isFolderThere(cwd)) {
    throw new UsageError(
      `The current folder has been removed, and the spool ${format(path)} would lie in it. Give an absolute path (--spool, FSQ_SPOOL or \`spool\` in fsq.config), or start in a folder that is there.`,
      'FSQ_CONFIG',
    );
  }
  return {
    broker,
    spool: resolve(saysSpool?.base ?? project ?? cwd, path),
    spoolFrom: isByFolder ? 'folder' : saysSpool === undefined ? 'package' : 'setting',
    notices: broker === null ? notUsed(said, givers) : [...besideBroker(said), ...aboutSpools(givers, broker)],
  };
}

/** A broker that a weaker source names. Who names the spool in a call means it, and need not be told. */
function notUsed(said: Giver | undefined, givers: readonly Giver[]): readonly string[] {
  const other = givers.find(({ given }) => given.broker !== undefined);
  if (said === undefined || said.kind === 'caller' || other === undefined) return [];
  return [`${other.nameOf('broker')} is not used: ${said.nameOf('spool')} is stronger, and names a spool.`];
}

function besideBroker(said: Giver | undefined): readonly string[] {
  if (said?.given.spool === undefined) return [];
  return [`${said.nameOf('spool')} is not used: ${said.nameOf('broker')} says who keeps the jobs.`];
}

/** What only a spool can heed, where it asks for something. */
function aboutSpools(givers: readonly Giver[], broker: BrokerAddress): readonly string[] {
  const asks = { fsync: false, allowNetworkFs: true, allowUnsafe: true } as const;
  return Object.entries(asks).flatMap(([name, asking]) => {
    const key = name as keyof typeof asks;
    const said = givers.find(({ given }) => given[key] !== undefined);
    if (said?.given[key] !== asking) return [];
    return [`${said.nameOf(key)} does nothing: it is for a spool, and the jobs are kept by ${shownAddress(broker)}.`];
  });
}
