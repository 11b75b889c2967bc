/** What a server says of itself, as far as this user may ask: the facts that findings judge. */

/** Of any server. */
interface AnyServer {
  readonly version: string;
  /** By how much its clock is ahead of this machine's, ms; the answer's way is in it, so that small numbers mean nothing. */
  readonly skewMs: number;
  /** It takes nothing: a replica, or one that is being restored. */
  readonly isReadOnly: boolean;
  /** What it would not tell: names of settings. */
  readonly hidden: readonly string[];
}

export interface RedisFacts extends AnyServer {
  readonly kind: 'redis';
  readonly isCluster: boolean;
  readonly usedBytes: number;
  /** 0: no limit but the machine's. */
  readonly maxBytes: number;
  /** Null where it is hidden, as the two below. */
  readonly evictionPolicy: string | null;
  readonly isAppending: boolean | null;
  readonly appendFsync: string | null;
  /** Its last write to its own disk failed. */
  readonly hasFailedToSave: boolean;
  /** Queues of BullMQ under this prefix to which fsq has sent nothing. */
  readonly foreignQueues: readonly string[];
}

export interface PostgresFacts extends AnyServer {
  readonly kind: 'postgres';
  readonly fsync: boolean;
  /** As it is set for this user: on, off, local, remote_write or remote_apply. */
  readonly synchronousCommit: string;
  readonly connections: number;
  readonly maxConnections: number;
}

export type ServerFacts = RedisFacts | PostgresFacts;
