/** What can be wrong with a server: a row for each, with the sentence that tells it and what to do. Pure. */
import type { ServerFinding } from '../../broker/beyond/server-report.ts';
import { commandFor, type UnfinishedMove } from '../../broker/moving.ts';
import { size, some } from '../../job/text.ts';
import type { PostgresFacts, RedisFacts, ServerFacts } from './server-facts.ts';

/** The oldest that has all commands that BullMQ and fsq use (LPOS, and GETDEL of 6.2). */
const OLDEST_REDIS = '6.2.0';
/** So far clocks may differ without a word, ms. */
const SKEW_MS = 1_000;
/** Fuller than this, a server is about to refuse jobs. */
const FULL = 0.9;

interface Row<F> {
  readonly code: string;
  readonly severity: ServerFinding['severity'];
  readonly isUnusable?: true;
  /** The message; null when this is not wrong. */
  readonly wrong: (facts: F, lockMs: number) => string | null;
  readonly advice: string;
}

const ANY: readonly Row<ServerFacts>[] = [
  {
    code: 'read-only',
    severity: 'error',
    isUnusable: true,
    wrong: ({ isReadOnly }) =>
      isReadOnly ? 'The server takes no writes: it is a replica, or is being restored.' : null,
    advice: 'Put the address of the primary server into the setting `broker`.',
  },
  {
    code: 'clocks-apart',
    severity: 'error',
    wrong: ({ skewMs }, lockMs) => (Math.abs(skewMs) > lockMs / 4 ? apart(skewMs) : null),
    advice:
      'Run a time service (chrony, systemd-timesyncd) on both machines: a job may be taken for one whose machine has died.',
  },
  {
    code: 'clock-skew',
    severity: 'warning',
    wrong: ({ skewMs }, lockMs) =>
      Math.abs(skewMs) > SKEW_MS && Math.abs(skewMs) <= lockMs / 4 ? apart(skewMs) : null,
    advice: 'Run a time service on both machines: delayed jobs start so much too early or too late.',
  },
  {
    code: 'hidden',
    severity: 'info',
    wrong: ({ hidden }) => (hidden.length === 0 ? null : `The server does not tell ${hidden.join(', ')}.`),
    advice: 'A hosted server may not: look at its settings where it was ordered.',
  },
];

const REDIS: readonly Row<RedisFacts>[] = [
  {
    code: 'old-server',
    severity: 'error',
    isUnusable: true,
    wrong: ({ version }) =>
      isOlder(version, OLDEST_REDIS)
        ? `The server is Redis ${version}; ${OLDEST_REDIS} is the oldest that works.`
        : null,
    advice: 'Upgrade the server.',
  },
  {
    code: 'cluster',
    severity: 'error',
    isUnusable: true,
    wrong: ({ isCluster }) =>
      isCluster ? 'The server is a node of a Redis Cluster, and fsq looks at several queues in one step.' : null,
    advice:
      'Use a single server, with a replica for its failure. To spread the load, shard the queues over several servers.',
  },
  {
    code: 'eviction',
    severity: 'error',
    wrong: ({ evictionPolicy }) =>
      evictionPolicy === null || evictionPolicy === 'noeviction'
        ? null
        : `maxmemory-policy is ${evictionPolicy}: a server that is full drops jobs that it has accepted.`,
    advice: 'CONFIG SET maxmemory-policy noeviction, and write it into redis.conf.',
  },
  {
    code: 'not-saved',
    severity: 'error',
    wrong: ({ hasFailedToSave }) =>
      hasFailedToSave ? 'The last write of the server to its own disk has failed.' : null,
    advice: "Look at the server's log, and at the room on its disk.",
  },
  {
    code: 'no-aof',
    severity: 'warning',
    wrong: ({ isAppending }) =>
      isAppending === false
        ? 'appendonly is off: what came after the last snapshot is lost when the server is killed.'
        : null,
    advice: 'CONFIG SET appendonly yes, and write it into redis.conf.',
  },
  {
    code: 'memory',
    severity: 'warning',
    wrong: ({ usedBytes, maxBytes }) =>
      maxBytes > 0 && usedBytes > FULL * maxBytes
        ? `The server uses ${size(usedBytes)} of its ${size(maxBytes)}: when it is full, no job is accepted.`
        : null,
    advice:
      'Give it more memory, keep outcomes for a shorter time (resultTtl), or send keys and paths instead of data.',
  },
  {
    code: 'aof-everysec',
    severity: 'info',
    wrong: ({ isAppending, appendFsync }) =>
      isAppending === true && appendFsync !== null && appendFsync !== 'always'
        ? `appendfsync is ${appendFsync}: a power cut of the server loses ${appendFsync === 'no' ? 'what its system has not written yet' : 'up to a second of jobs and outcomes'}.`
        : null,
    advice: 'appendfsync always loses nothing, and each write waits for the disk.',
  },
  {
    code: 'foreign-queues',
    severity: 'info',
    wrong: ({ foreignQueues }) =>
      foreignQueues.length === 0
        ? null
        : `Other programs have queues here, to which fsq has sent nothing: ${foreignQueues.slice(0, 10).join(', ')}${foreignQueues.length > 10 ? ', …' : ''}.`,
    advice:
      'A worker takes their jobs only when it names them with -Q. Another ?prefix= in the address keeps programs apart.',
  },
];

const POSTGRES: readonly Row<PostgresFacts>[] = [
  {
    code: 'no-fsync',
    severity: 'error',
    wrong: ({ fsync }) => (fsync ? null : 'fsync is off: a power cut may destroy the whole database.'),
    advice: 'Set fsync = on in postgresql.conf.',
  },
  {
    code: 'asynchronous-commit',
    severity: 'warning',
    wrong: ({ synchronousCommit }) =>
      synchronousCommit === 'off'
        ? 'synchronous_commit is off: a crash of the server loses the last moments of what it had accepted.'
        : null,
    advice: 'Set synchronous_commit = on for the user of the address.',
  },
  {
    code: 'connections',
    severity: 'warning',
    wrong: ({ connections, maxConnections }) =>
      connections > FULL * maxConnections
        ? `${connections} of the server's ${maxConnections} connections are in use.`
        : null,
    advice: 'Raise max_connections, or run fewer workers.',
  },
];

/** @param lockMs how long a claim holds without being renewed. @param move that is not finished; null: there is none */
export function findingsOf(
  facts: ServerFacts,
  lockMs: number,
  move: UnfinishedMove | null = null,
): readonly ServerFinding[] {
  const found = [
    ...(move === null || move.isGoing ? [] : [moveFinding(move)]),
    ...judged(ANY, facts, lockMs),
    ...(facts.kind === 'redis' ? judged(REDIS, facts, lockMs) : judged(POSTGRES, facts, lockMs)),
  ];
  return (['error', 'warning', 'info'] as const).flatMap((wanted) =>
    found.filter(({ severity }) => severity === wanted),
  );
}

function moveFinding(move: UnfinishedMove): ServerFinding {
  const { from, to, ids } = move;
  const message = `Jobs were being moved from ${from} to ${to}: ${some(ids.length, 'job is', 'jobs are')} on the way, and no process goes on with that.`;
  const advice = `\`${commandFor(move)}\` goes on with it. Until then these jobs do not run.`;
  return { code: 'unfinished-move', severity: 'warning', message, advice, isUnusable: false };
}

function judged<F>(rows: readonly Row<F>[], facts: F, lockMs: number): readonly ServerFinding[] {
  return rows.flatMap(({ code, severity, isUnusable = false, wrong, advice }) => {
    const message = wrong(facts, lockMs);
    return message === null ? [] : [{ code, severity, message, advice, isUnusable }];
  });
}

/** For people: what the server is, without a judgement. */
export function factRows(facts: ServerFacts): readonly (readonly [string, string])[] {
  if (facts.kind === 'postgres')
    return [
      ['server', `PostgreSQL ${facts.version}`],
      ['durability', `fsync ${facts.fsync ? 'on' : 'off'}, synchronous_commit ${facts.synchronousCommit}`],
      ['connections', `${facts.connections} of ${facts.maxConnections}`],
      ['clock', clockText(facts.skewMs)],
    ];
  const { version, usedBytes, maxBytes, evictionPolicy, isAppending, appendFsync, skewMs } = facts;
  const log =
    isAppending === null ? 'not told' : isAppending ? `AOF, fsync ${appendFsync ?? 'not told'}` : 'snapshots only';
  return [
    ['server', `Redis ${version}`],
    [
      'memory',
      `${size(usedBytes)}${maxBytes === 0 ? ', no limit' : ` of ${size(maxBytes)}`}, ${evictionPolicy ?? 'policy not told'}`,
    ],
    ['durability', log],
    ['clock', clockText(skewMs)],
  ];
}

function clockText(skewMs: number): string {
  return Math.abs(skewMs) < SKEW_MS ? 'as here' : apart(skewMs);
}

function apart(skewMs: number): string {
  const seconds = (Math.abs(skewMs) / 1_000).toFixed(1);
  return `The clock of the server is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's.`;
}

function isOlder(version: string, oldest: string): boolean {
  const [a, b] = [version, oldest].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
