/**
 * The address of a broker beyond this machine, as the setting `broker` has it: how it is read, and how it is shown without its user and
 * password. Pure. A message never holds the text that was given, because a password may stand at any place of a wrong one.
 */
import { UsageError } from '../job/errors.ts';
import { checkId, isForeignId, isId } from '../job/names.ts';
import { didYouMean, format } from '../job/text.ts';

export type BrokerAddress = RedisAddress | PostgresAddress;

interface Server {
  /** A name, or an address of IPv4 or IPv6; the latter without brackets. */
  readonly host: string;
  readonly port: number;
  /** Null: the server's default user, or none. */
  readonly user: string | null;
  /** Not to be printed, logged, or given to a process as an argument. */
  readonly password: string | null;
  /** How long a job is its worker's without a word from it, ms; absent: the broker's default. */
  readonly lockMs?: number;
}

/** BullMQ on Redis, or on what speaks as Redis does. */
export interface RedisAddress extends Server {
  readonly kind: 'redis';
  /** Encrypted, with the server's certificate checked. */
  readonly tls: boolean;
  /** The number of the database. */
  readonly db: number;
  /** What the names of all keys begin with. */
  readonly prefix: string;
}

/** BullMQ on PostgreSQL. */
export interface PostgresAddress extends Server {
  readonly kind: 'postgres';
  /** `require`: encrypted, whoever the server is. `verify-full`: its certificate is checked as well. */
  readonly sslmode: SslMode;
  readonly database: string;
  readonly schema: string;
}

const SSL_MODES = ['disable', 'require', 'verify-full'] as const;
type SslMode = (typeof SSL_MODES)[number];

/** What the schemes mean; each stands behind `bullmq+`. */
const SCHEMES = {
  redis: { kind: 'redis', tls: false, port: 6379 },
  rediss: { kind: 'redis', tls: true, port: 6379 },
  postgres: { kind: 'postgres', tls: false, port: 5432 },
  postgresql: { kind: 'postgres', tls: false, port: 5432 },
} as const;

const ESCAPES = '/ ? # @ : % in a user or a password are written as %2F %3F %23 %40 %3A %25';
const MARK = 'bullmq+';
const DEFAULT_PREFIX = 'bull';
const DEFAULT_SCHEMA = 'bullmq';
/** A process that is busy must be able to renew it; a machine that dies is found dead half as much later again. */
const SHORTEST_LOCK_MS = 1_000;
const LONGEST_LOCK_MS = 600_000;

/** For messages: Expected X to be … */
export const ADDRESS_FORM =
  "an address such as 'bullmq+redis://localhost:6379/0?prefix=bull' or 'bullmq+postgres://localhost:5432/app?schema=bullmq'";

/**
 * The address that `text` means, with every default answered.
 *
 * @param name says in messages which setting it is: FSQ_BROKER
 * @throws UsageError (FSQ_CONFIG) that says what is wrong, and never shows what may be a password
 */
export function parseBrokerAddress(text: string, name = 'the broker'): BrokerAddress {
  const fault = (what: string): UsageError =>
    new UsageError(`Expected ${name} to be ${ADDRESS_FORM}, got another: ${what}`, 'FSQ_CONFIG');
  const { kind, tls, port } = SCHEMES[schemeOf(text, fault)];
  const url = urlOf(text, fault);
  const server = {
    host: hostOf(url, fault),
    port: url.port === '' ? port : Number(url.port),
    user: decoded(url.username, 'user', fault) || null,
    password: decoded(url.password, 'password', fault) || null,
  };
  if (server.port === 0) throw fault('a port is a number from 1 to 65535');
  if (url.hash !== '') throw fault('a # in a password is written %23, and nothing else may have one');
  const path = decoded(url.pathname.replace(/^\//, ''), 'path', fault);
  if (kind === 'redis') {
    const { prefix = DEFAULT_PREFIX, lock } = parametersOf(url, ['prefix', 'lock'], fault);
    const db = databaseNumber(path, fault);
    return { kind, tls, ...server, db, prefix: checkPrefix(prefix, fault), ...lockOf(lock, fault) };
  }
  const {
    schema = DEFAULT_SCHEMA,
    sslmode = 'disable',
    lock,
  } = parametersOf(url, ['schema', 'sslmode', 'lock'], fault);
  return {
    kind,
    ...server,
    ...lockOf(lock, fault),
    sslmode: checkSslMode(sslmode, fault),
    database: checkDatabase(path, fault),
    schema: checkSchema(schema, fault),
  };
}

/** The address for people, without user and password; the same for all addresses of one place. */
export function shownAddress(address: BrokerAddress): string {
  return written(address, '');
}

/** The address as a setting has it, with user and password: for the environment of another process only. */
export function addressText(address: BrokerAddress): string {
  const { user, password } = address;
  const secret = password === null ? '' : `:${encodeURIComponent(password)}`;
  return written(address, user === null && password === null ? '' : `${encodeURIComponent(user ?? '')}${secret}@`);
}

/** True for the name of a place that is an address, and no path. */
export function isAddress(place: string): boolean {
  return place.startsWith(MARK);
}

/** True for what may be the id of a job there: to a server other programs add jobs as well, under ids of any form. */
export function isIdAt(broker: { readonly place: string }, id: string): boolean {
  return isId(id) || (isAddress(broker.place) && isForeignId(id));
}

/** @throws UsageError */
export function checkIdAt(broker: { readonly place: string }, id: string): string {
  return isIdAt(broker, id) ? id : checkId(id);
}

function written(address: BrokerAddress, login: string): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const at = `${login}${host}:${address.port}`;
  const lock = address.lockMs === undefined ? '' : `${address.lockMs}ms`;
  if (address.kind === 'redis') {
    const { tls, db, prefix } = address;
    return `${MARK}redis${tls ? 's' : ''}://${at}/${db}${query({ prefix: prefix === DEFAULT_PREFIX ? '' : prefix, lock })}`;
  }
  const { database, schema, sslmode } = address;
  const parameters = {
    schema: schema === DEFAULT_SCHEMA ? '' : schema,
    sslmode: sslmode === 'disable' ? '' : sslmode,
    lock,
  };
  return `${MARK}postgres://${at}/${encodeURIComponent(database)}${query(parameters)}`;
}

function query(parameters: Readonly<Record<string, string>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  return given.map(([key, value], i) => `${i === 0 ? '?' : '&'}${key}=${encodeURIComponent(value)}`).join('');
}

type Fault = (what: string) => UsageError;

function schemeOf(text: string, fault: Fault): keyof typeof SCHEMES {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) throw fault('it has no scheme, such as bullmq+redis://');
  const name = scheme.startsWith(MARK) ? scheme.slice(MARK.length) : '';
  if (Object.hasOwn(SCHEMES, name)) return name as keyof typeof SCHEMES;
  const known = Object.keys(SCHEMES);
  const hint = known.includes(scheme)
    ? `; did you mean ${MARK}${scheme}? It says that BullMQ keeps the jobs there`
    : didYouMean(
        scheme,
        known.map((each) => `${MARK}${each}`),
      );
  throw fault(`it has the scheme ${format(scheme)}${hint}`);
}

function urlOf(text: string, fault: Fault): URL {
  // The parser of URLs leaves some of these out without a word.
  if (/[\s\p{Cc}]/u.test(text)) throw fault('it has a space or a control character in it');
  // A bare / ? or # ends user and password, and what is left of them would be a path or a parameter.
  if (/^[^/]*\/\/[^/?#]*[/?#].*@/.test(text)) throw fault(`an @ stands behind a / ? or #: ${ESCAPES}`);
  const place = text.replace(/^[^/]*\/\/(?:[^/?#]*@)?/, '');
  if (/^(?:[:/?#]|$)/.test(place)) throw fault('it has no host');
  if (URL.canParse(text)) return new URL(text);
  throw fault(`its host or port cannot be read: a port is a number from 1 to 65535, and ${ESCAPES}`);
}

function hostOf({ hostname }: URL, fault: Fault): string {
  if (hostname.startsWith('[')) return hostname.slice(1, -1);
  if (/^[A-Za-z0-9._-]+$/.test(hostname)) return hostname.toLowerCase();
  throw fault('its host has characters that no name of a host has');
}

function decoded(text: string, what: string, fault: Fault): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault(`its ${what} has a % that begins no character: a % is written %25`);
  }
}

function parametersOf<K extends string>(url: URL, known: readonly K[], fault: Fault): { readonly [P in K]?: string } {
  const found: { [P in K]?: string } = {};
  for (const [key, value] of url.searchParams) {
    const name = known.find((each) => each === key);
    if (name === undefined) throw fault(unknownParameter(key, known));
    if (found[name] !== undefined) throw fault(`it has ${name} more than once`);
    found[name] = value;
  }
  return found;
}

/** A part of a password behind a bare ? looks like a parameter, so only what is named as one is shown. */
function unknownParameter(key: string, known: readonly string[]): string {
  const shown = /^[A-Za-z][A-Za-z_-]{0,30}$/.test(key) ? ` ${format(key)}` : '';
  return `it has an unknown parameter${shown}${didYouMean(key, known, `; known ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`)}`;
}

function databaseNumber(path: string, fault: Fault): number {
  if (/^\d{0,5}$/.test(path)) return Number(path);
  throw fault('behind the host comes the number of a database, as in /0');
}

function checkPrefix(prefix: string, fault: Fault): string {
  if (/^[A-Za-z0-9_.-]{1,100}$/.test(prefix)) return prefix;
  throw fault(
    `its prefix is ${format(prefix)}, and a prefix is 1 to 100 letters, digits and _ . -: a colon separates it from what follows, and braces would choose a node of a cluster`,
  );
}

function lockOf(text: string | undefined, fault: Fault): { readonly lockMs?: number } {
  if (text === undefined) return {};
  const [, number = '', unit = ''] = /^([0-9]{1,6})(ms|s|m)$/.exec(text) ?? [];
  const lockMs = Number(number) * (unit === 'ms' ? 1 : unit === 's' ? 1_000 : 60_000);
  if (lockMs >= SHORTEST_LOCK_MS && lockMs <= LONGEST_LOCK_MS) return { lockMs };
  throw fault(`its lock is ${format(text)}, and a lock is a time from 1s to 10m, such as 10s`);
}

function checkDatabase(path: string, fault: Fault): string {
  if (path !== '' && !path.includes('/')) return path;
  throw fault('behind the host comes the name of a database, as in /app');
}

function checkSchema(schema: string, fault: Fault): string {
  if (/^[A-Za-z_][A-Za-z0-9_$]{0,62}$/.test(schema)) return schema;
  throw fault(
    `its schema is ${format(schema)}, and a schema is 1 to 63 letters, digits, _ and $, and does not start with a digit or $`,
  );
}

function checkSslMode(mode: string, fault: Fault): SslMode {
  const known = SSL_MODES.find((each) => each === mode);
  if (known !== undefined) return known;
  throw fault(`its sslmode is ${format(mode)}, and that is one of ${SSL_MODES.join(', ')}`);
}
