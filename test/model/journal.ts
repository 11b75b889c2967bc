/**
 * One job that is kept safe by records instead of fsyncs: whoever moves it does so as without waiting for the disk, and one record in a
 * file of its own process (a segment of the journal) makes the step durable. A sender, a child, whoever reads the outcome, an
 * expirer, checkpoints and a replayer take their steps in any order; processes die, an fdatasync fails, and power cuts leave any of
 * the names that the job had since the last sync of the file system, with or without its bytes.
 *
 * What it teaches, each shown by a mutant in the test: the record of a call is written before its file is seen, in one turn of
 * the program, or the outcome could be removed before the record comes; an outcome that a record names is not removed; the record
 * of an outcome holds the whole file, for that of the call may be another process's and not be safe yet; where an outcome has no
 * record, as that of a process that ends few jobs or of one that died, its file is fsynced and its name too: a record of the call could
 * make the job anew.
 */
import type { Model } from './explore.ts';
import {
  append,
  type Budget,
  cut,
  type Entry,
  failed,
  type Job,
  KINDS,
  moved,
  NOWHERE,
  type Rules,
  safe,
  type State,
  synced,
  syncedFile,
  written,
} from './journal-state.ts';

export function journal(rules: Rules, budget: Budget): Model<State> {
  const initial: State = {
    ...budget,
    job: NOWHERE,
    entries: [],
    sender: 'begins',
    child: 'idle',
    checkpoint: 'rests',
    expirer: 'rests',
    replay: 'none',
    isBack: false,
    isSecured: false,
    wasRead: false,
    wasRemoved: false,
    wrong: null,
  };
  return {
    initial: [initial],
    next: (state) => (state.wrong === null ? steps(state, rules) : []),
    violations: (state) => (state.wrong === null ? violationsIn(state) : [state.wrong]),
    key: (state) => JSON.stringify(state),
    isGoal: (state) => state.wrong !== null || isOver(state),
  };
}

/** It has ended, or was never accepted and is nowhere. */
function isOver({ job, sender, replay, wasRemoved }: State): boolean {
  if (replay !== 'none') return false;
  return job.place === 'results' || wasRemoved || (job.place === 'nowhere' && sender === 'dead');
}

/** What may be said while nobody has to be waited for. */
function violationsIn({ job, sender, replay, wasRead, wasRemoved }: State): readonly string[] {
  if (replay !== 'none') return [];
  const isThere = job.place !== 'nowhere' && job.isWhole;
  if (sender === 'answered' && !isThere && !wasRemoved) return ['an accepted job is lost'];
  if (wasRead && !isThere && !wasRemoved) return ['an outcome that was read is gone'];
  if (job.place === 'results' && job.tail !== 'whole') return ['half an outcome is visible'];
  return [];
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules): Generator<Step> {
  yield* cut(state);
  if (state.replay !== 'none') yield* replay(state, rules);
  if (state.isBack && rules.othersWait) return;
  yield* send(state, rules);
  yield* work(state, rules);
  yield* recover(state, rules);
  yield* checkpoint(state, rules);
  yield* expire(state, rules);
  if (state.job.place === 'results' && !state.wasRead) yield ['the outcome is read', { ...state, wasRead: true }];
  if (state.replay === 'none' && state.entries.some((entry) => isReplayed(state, entry, rules)))
    yield ['a replay begins', { ...state, replay: 'due' }];
}

function* send(state: State, rules: Rules): Generator<Step> {
  const { sender, job } = state;
  if (state.kills > 0 && sender !== 'answered' && sender !== 'dead')
    yield ['the sender dies', { ...state, kills: state.kills - 1, sender: 'dead' }];
  const isFileFirst = rules.sends === 'file, record';
  switch (sender) {
    case 'begins':
      yield ['the sender fsyncs its draft and renames it', draftSynced(state)];
      yield isFileFirst
        ? ['the sender renames the file', { ...state, job: moved(job, 'pending'), sender: 'has written' }]
        : ['the sender appends', { ...append(state, 'accepted'), sender: 'has written' }];
      return;
    case 'goes by file':
      yield ['the sender fsyncs the directory', { ...state, job: safe(job), sender: 'has synced' }];
      return;
    case 'has written':
      yield isFileFirst
        ? ['the sender appends', { ...append(state, 'accepted'), sender: 'has recorded' }]
        : ['the sender renames the file', { ...state, job: moved(job, 'pending'), sender: 'has recorded' }];
      return;
    case 'has recorded':
      if (rules.answers === 'before the fdatasync') yield ['the call is answered', { ...state, sender: 'answered' }];
      yield ['the sender syncs', { ...synced(state, 'accepted'), sender: 'has synced' }];
      if (state.failures > 0)
        yield ["the sender's fdatasync fails", { ...failed(state, 'accepted'), sender: 'sync failed' }];
      return;
    case 'sync failed':
      yield rules.onFailure === 'call it again'
        ? ['the sender syncs again', { ...state, sender: 'has synced' }]
        : ['the sender syncs the file', { ...state, job: syncedFile(job, rules), sender: 'has synced' }];
      return;
    case 'has synced':
      yield ['the call is answered', { ...state, sender: 'answered' }];
      return;
    case 'answered':
    case 'dead':
  }
}

function draftSynced(state: State): State {
  return { ...state, job: { ...moved(state.job, 'pending'), isBaseSafe: true }, sender: 'goes by file' };
}

function* work(state: State, rules: Rules): Generator<Step> {
  const { child, job } = state;
  if (state.kills > 0 && child !== 'idle' && child !== 'dead')
    yield ['the child dies', { ...state, kills: state.kills - 1, child: 'dead' }];
  switch (child) {
    case 'idle':
      if (job.place === 'pending') yield ['the child claims', claimed(state)];
      return;
    case 'runs':
      yield ['the child writes half', { ...state, job: written(job, 'torn') }];
      yield ['the child writes', { ...state, job: written(job, 'whole'), child: 'has written' }];
      return;
    case 'has written':
      yield ['the child appends', { ...append(state, 'settled'), child: 'has recorded' }];
      yield ['the child syncs the file', { ...state, job: syncedFile(job, rules), child: 'has synced' }];
      return;
    case 'has recorded':
      if (rules.publishes === 'before the fdatasync') yield ['the child publishes', published(state)];
      yield ['the child syncs', { ...synced(state, 'settled'), child: 'has synced' }];
      if (state.failures > 0)
        yield ["the child's fdatasync fails", { ...failed(state, 'settled'), child: 'sync failed' }];
      return;
    case 'sync failed':
      yield rules.onFailure === 'call it again'
        ? ['the child syncs again', { ...state, child: 'has synced' }]
        : ['the child syncs the file', { ...state, job: syncedFile(job, rules), child: 'has synced' }];
      return;
    case 'has synced':
      yield ['the child publishes', published(state)];
      return;
    case 'dead':
  }
}

/** A claim is where a run begins; a file that holds an outcome is published as it stands. */
function claimed(state: State): State {
  const { job, wasRead, wasRemoved } = state;
  const held = { ...state, job: moved(job, 'running') };
  if (!job.isWhole) return setAside(state);
  if (job.tail === 'whole') return { ...held, child: 'dead' }; // As recovery does it.
  if (wasRead) return { ...state, wrong: 'a job runs again whose outcome was read' };
  if (wasRemoved) return { ...state, wrong: 'a job runs again whose outcome was removed' };
  return { ...held, child: 'runs' };
}

/** A job that was accepted must not come to this; what a cut broke before that is nobody's. */
function setAside(state: State): State {
  const { job, sender, wasRead } = state;
  if (sender === 'answered' || wasRead) return { ...state, wrong: 'an accepted job is broken' };
  return { ...state, job: moved({ ...job, isWhole: true }, 'nowhere'), child: 'idle' };
}

function published(state: State): State {
  return { ...state, job: moved(state.job, 'results'), child: 'idle' };
}

/** What a dead child held. */
function* recover(state: State, rules: Rules): Generator<Step> {
  const { child, job, isSecured } = state;
  if (child !== 'dead') return;
  if (job.place !== 'running') yield ['there is nothing to recover', { ...state, child: 'idle' }];
  else if (!job.isWhole) yield ['a broken job is set aside', setAside(state)];
  else if (job.tail !== 'whole') {
    yield ['the job is sent back', { ...state, job: moved(written(job, 'none'), 'pending'), child: 'idle' }];
  } else if (!isSecured) {
    const byFile = { ...state, job: syncedFile(job, rules), isSecured: true };
    yield ['the outcome of the dead is synced', byFile];
    yield ['the outcome of the dead is recorded', { ...synced(append(state, 'settled'), 'settled'), isSecured: true }];
  } else yield ['the outcome of the dead is published', { ...published(state), isSecured: false }];
}

function* checkpoint(state: State, { frees, checkpoints, generation }: Rules): Generator<Step> {
  const { entries, job } = state;
  const free = (isFreed: (entry: Entry) => boolean): readonly Entry[] =>
    entries.flatMap((entry) => {
      if (entry.segment !== 'used' || !isFreed(entry)) return [entry];
      return generation ? [] : [{ ...entry, segment: 'free' as const }];
    });
  if (!generation && entries.some(({ segment }) => segment === 'free')) {
    const used = entries.map((entry) => (entry.segment === 'free' ? { ...entry, segment: 'stale' as const } : entry));
    yield ['a segment is used again', { ...state, entries: used }];
  }
  for (const kind of KINDS) {
    if (!entries.some((entry) => entry.segment === 'used' && entry.kind === kind)) continue;
    if (frees === 'before the sync') {
      yield [`segments are freed (${kind})`, { ...state, entries: free((entry) => entry.kind === kind) }];
    } else if (state.checkpoint === 'rests') {
      // A sender's record and its file are one turn of its program.
      const isBusy = kind === 'accepted' && state.sender === 'has written' && checkpoints === 'between turns';
      const marked = entries.map((entry) => (entry.kind === kind && !isBusy ? { ...entry, isSynced: true } : entry));
      yield [`a checkpoint syncs (${kind})`, { ...state, job: safe(job), entries: marked, checkpoint: kind }];
    } else if (state.checkpoint === kind) {
      const left = free((entry) => entry.kind === kind && (frees === 'all' || entry.isSynced));
      yield [`segments are freed (${kind})`, { ...state, entries: left, checkpoint: 'rests' }];
    }
  }
}

function* expire(state: State, { removes }: Rules): Generator<Step> {
  const { expirer, entries, job } = state;
  if (expirer === 'has looked') {
    const rests: State = { ...state, expirer: 'rests' };
    yield ['the outcome is removed', { ...rests, job: moved(job, 'nowhere'), wasRemoved: true }];
  } else if (job.place === 'results') {
    const isNamed = entries.some(({ segment }) => segment === 'used');
    if (!isNamed || removes === 'any') yield ['the segments are read', { ...state, expirer: 'has looked' }];
  }
}

function isReplayed(state: State, { kind, disk, segment, isOld }: Entry, { generation, replays }: Rules): boolean {
  if (disk !== 'safe' && isOld) return false;
  const isDead = state[kind === 'accepted' ? 'sender' : 'child'] === 'dead';
  if (!isOld && replays !== 'of the living' && !(replays === 'of the dead' && isDead)) return false;
  return segment === 'used' || (!generation && segment === 'stale');
}

function* replay(state: State, rules: Rules): Generator<Step> {
  const { job } = state;
  const entries = state.entries.filter((entry) => isReplayed(state, entry, rules));
  if (state.kills > 0 && state.replay !== 'due') {
    yield ['the replayer dies', { ...state, kills: state.kills - 1, replay: 'due' }];
  }
  switch (state.replay) {
    case 'due':
      yield ['pending/ is looked at', { ...state, replay: job.place === 'pending' ? 'found' : 'pending' }];
      return;
    case 'pending':
      yield ['running/ is looked at', { ...state, replay: job.place === 'running' ? 'found' : 'running' }];
      return;
    case 'running':
      yield ['results/ is looked at', { ...state, replay: job.place === 'results' ? 'found' : 'results' }];
      return;
    case 'results':
      yield ['the job is made again', madeAgain(state, entries, rules)];
      return;
    case 'found':
      yield ['the job is mended', mended(state, entries, rules)];
      return;
    case 'done':
      yield ['the replayer syncs', { ...state, job: safe(job), replay: 'synced' }];
      if (!rules.replaySyncs) yield ['segments are freed', replayed(state, rules)];
      return;
    case 'synced':
      yield ['segments are freed', replayed(state, rules)];
      return;
    case 'none':
  }
}

function replayed(state: State, rules: Rules): State {
  return {
    ...state,
    entries: state.entries.filter((entry) => !isReplayed(state, entry, rules)),
    replay: 'none',
    isBack: false,
  };
}

/** It is nowhere: whole again, as far in its life as the records say. */
function madeAgain(state: State, entries: readonly Entry[], { settled }: Rules): State {
  const hasBase = entries.some(({ kind }) => kind === 'accepted' || settled === 'all of it');
  const hasEnded = entries.some(({ kind }) => kind === 'settled');
  if (!hasBase) return { ...state, replay: 'done' };
  if (state.job.place !== 'nowhere') return { ...state, wrong: 'a job is made a second time' };
  const whole: Job = { ...NOWHERE, mayBe: state.job.mayBe, tail: hasEnded ? 'whole' : 'none' };
  return { ...state, job: moved(whole, hasEnded ? 'results' : 'pending'), replay: 'done' };
}

/** It is somewhere: broken bytes are written again, and it gets as far in its life as the records say. */
function mended(state: State, entries: readonly Entry[], { settled }: Rules): State {
  const { job } = state;
  const hasBase = job.isWhole || entries.some(({ kind }) => kind === 'accepted' || settled === 'all of it');
  const hasEnded = entries.some(({ kind }) => kind === 'settled');
  const isFarther = hasEnded && !(job.place === 'results' && job.tail === 'whole');
  if (!hasBase || (job.isWhole && !isFarther)) return { ...state, replay: 'done' };
  const whole: Job = { ...job, isWhole: true, isBaseSafe: false, isTailSafe: false, tail: hasEnded ? 'whole' : 'none' };
  return { ...state, job: hasEnded ? moved(whole, 'results') : whole, replay: 'done' };
}
