/**
 * One job between two processes that may die before any system call: claim, finish, park, requeue, fence and recover as fsq
 * does them (src/spool/{claim,settle,take-back}.ts), each system call one step.
 *
 * The job is one file: a place, two counters in its name, an inode, and what is written behind its base. A write goes
 * through an open file, so it follows the inode wherever it was moved; everything else goes by path and fails with ENOENT when
 * the path is gone. A process that has ended starts again as a new owner.
 */
import type { Model } from './explore.ts';
import {
  BASE,
  type Budget,
  type Claiming,
  type Content,
  type Fenced,
  key,
  type Plan,
  type Process,
  type Rules,
  seenAs,
  startsOf,
  type State,
  violations,
} from './handover-state.ts';

/** Deaths after which a job is given up; fsq allows 3, here the bound must be met within the kills. */
const MAX_CRASHES = 1;

export function handover(rules: Rules, budget: Budget): Model<State> {
  return {
    initial: startsOf(budget),
    next: (state) => steps(state, rules),
    violations,
    key,
    isGoal: ({ place }) => place === 'results',
  };
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules): Generator<Step> {
  if (state.place === 'delayed') yield ['promote', { ...state, place: 'pending' }];
  for (const [slot, process] of state.processes.entries()) {
    const become = (next: Process): State => ({ ...state, processes: state.processes.with(slot, next) });
    if (process.at === 'ended') {
      const started: Process = { at: 'idle', owner: state.nextOwner };
      yield [`a new owner ${state.nextOwner}`, { ...become(started), nextOwner: state.nextOwner + 1 }];
      continue;
    }
    yield* deaths(state, process.owner, become({ at: 'ended' }));
    for (const [name, next] of stepsOf(state, process, become, rules)) yield [`${process.owner} ${name}`, next];
  }
}

function* deaths({ left, stopped }: State, owner: number, dead: State): Generator<Step> {
  if (left.kills > 0) yield [`${owner} is killed`, { ...dead, left: { ...left, kills: left.kills - 1 } }];
  if (left.stops > 0) {
    yield [`${owner} is stopped`, { ...dead, left: { ...left, stops: left.stops - 1 }, stopped: [...stopped, owner] }];
  }
}

type Become = (next: Process) => State;

function stepsOf(
  state: State,
  process: Exclude<Process, { at: 'ended' }>,
  become: Become,
  rules: Rules,
): readonly Step[] {
  switch (process.at) {
    case 'idle':
      return [...claim(state, process.owner, become), ...fence(state, process.owner, become, rules)];
    case 'claimed':
      return [examine(state, process, become, rules)];
    case 'running':
      return endRun(state, process, become);
    case 'fenced':
      return [process.mustCopy ? readForCopy(state, process, become) : judge(state, process, become)];
    case 'copied':
      return [replaceByCopy(state, process, become)];
    case 'opens':
      return [open(state, process, become)];
    case 'writes':
    case 'writes on':
      return write(state, process, become);
    case 'reopens':
      return [reopen(state, process, become)];
    case 'replaces':
      return [replace(state, process, become)];
    case 'moves':
      return [move(state, process, become)];
  }
}

/** rename(pending/J, running/<me>/J) with one attempt more. */
function claim(state: State, owner: number, become: Become): readonly Step[] {
  if (state.place !== 'pending') return [];
  if (state.gone.includes(owner)) return [['claims in vain: fenced', become({ at: 'ended' })]];
  const dir = String(owner);
  const attempt = state.attempt + 1;
  return [['claims', { ...become({ at: 'claimed', owner, dir, attempt }), place: dir, attempt }]];
}

/** open and read what was taken: an outcome of this attempt is published, anything else is run. */
function examine(state: State, { owner, dir, attempt }: Claiming, become: Become, rules: Rules): Step {
  if (state.place !== dir) return ['finds its claim gone', become({ at: 'ended' })];
  if (rules.rollForward && hasOutcome(state)) return ['finds an outcome', become(publishing(state, owner, dir))];
  return ['begins to run', become({ at: 'running', owner, dir, attempt })];
}

function hasOutcome({ content, attempt }: State): boolean {
  return content.tail === 'outcome' && content.last >= attempt;
}

function publishing({ attempt, crashes }: State, owner: number, dir: string): Process {
  return { at: 'moves', owner, dir, plan: { write: null, to: 'results', attempt, crashes } };
}

/** The run returns, or the task is unknown here, or the worker is told to stop at once. */
function endRun(state: State, { owner, dir, attempt }: Claiming, become: Become): readonly Step[] {
  const { crashes, left } = state;
  const finish: Plan = { write: { tail: 'outcome', last: attempt }, to: 'results', attempt, crashes };
  const park: Plan = { write: { tail: 'open', last: 0 }, to: 'delayed', attempt: attempt - 1, crashes };
  const requeue: Plan = { write: null, to: 'pending', attempt, crashes };
  const stopped = { ...become({ at: 'moves', owner, dir, plan: requeue }), left: { ...left, stops: left.stops - 1 } };
  return [
    ['returns', become({ at: 'opens', owner, dir, plan: finish })],
    ['does not know the task', become({ at: 'opens', owner, dir, plan: park })],
    ...(left.stops > 0 ? ([['ends its run at once', stopped]] as const) : []),
  ];
}

/** rename(running/O, running/O~<me>), for an owner that is dead or, in lossy mode, said to be. */
function fence(
  state: State,
  owner: number,
  become: Become,
  { verdicts, fence: hasFence, copy }: Rules,
): readonly Step[] {
  const { place, processes, left, gone, stopped } = state;
  if (!/^\d/.test(place)) return [];
  const [first = '', responsible = first] = place.split('~');
  if (Number(responsible) === owner) return [];
  const isAlive = processes.some((other) => other.at !== 'ended' && other.owner === Number(responsible));
  if (isAlive && (verdicts === 'exact' || left.falseVerdicts === 0)) return [];
  const dir = hasFence ? `${first}~${owner}` : place;
  const isOwners = hasFence && place === first && !gone.includes(Number(first));
  const fenced = {
    place: dir,
    gone: isOwners ? [...gone, Number(first)] : gone,
    left: isAlive ? { ...left, falseVerdicts: left.falseVerdicts - 1 } : left,
  };
  // With the kernel's proof nobody is ever taken for dead who lives, and one who recovers has had that proof.
  const isSure = verdicts === 'exact' || (!isAlive && place === first);
  const mustCopy = copy === 'unsure' ? !isSure : copy === 'unproved' && isAlive;
  const endings = stopped.includes(Number(first)) ? [false, true] : [false];
  return endings.map((wasStopped) => [
    `gives ${responsible} up${isAlive ? ' although it lives' : ''}`,
    { ...become({ at: 'fenced', owner, dir, mustCopy, wasStopped }), ...fenced },
  ]);
}

/** open and read by the recoverer: what it puts into the new file is the outcome or, without one, the base. */
function readForCopy(state: State, { owner, dir, wasStopped }: Fenced, become: Become): Step {
  if (state.place !== dir) return ['finds the job gone', become({ at: 'idle', owner })];
  const copy = state.content.tail === 'outcome' ? state.content : BASE;
  return ['copies the job', become({ at: 'copied', owner, dir, copy, wasStopped })];
}

/** rename(tmp/<draft>, running/O~<me>/J): the old file has no name any more. */
function replaceByCopy(
  state: State,
  { owner, dir, copy, wasStopped }: Extract<Process, { at: 'copied' }>,
  become: Become,
): Step {
  if (state.place !== dir) return ['finds the job gone', become({ at: 'idle', owner })];
  const judging = become({ at: 'fenced', owner, dir, mustCopy: false, wasStopped });
  return ['replaces the file by the copy', { ...judging, inode: state.inode + 1, content: copy }];
}

/** open and read by the recoverer, and what follows from it. */
function judge(state: State, { owner, dir, wasStopped }: Fenced, become: Become): Step {
  const { place, attempt, crashes } = state;
  if (place !== dir) return ['finds the job gone', become({ at: 'idle', owner })];
  if (hasOutcome(state)) return ['finds an outcome', become(publishing(state, owner, dir))];
  if (wasStopped) {
    const plan: Plan = { write: null, to: 'pending', attempt, crashes };
    return ['will requeue it', become({ at: 'moves', owner, dir, plan })];
  }
  const isPoison = crashes + 1 > MAX_CRASHES;
  const plan: Plan = isPoison
    ? { write: { tail: 'outcome', last: attempt }, to: 'results', attempt, crashes }
    : { write: { tail: 'open', last: attempt }, to: 'delayed', attempt, crashes: crashes + 1 };
  return [isPoison ? 'will give the job up' : 'will send it back', become({ at: 'opens', owner, dir, plan })];
}

type Settling = { readonly owner: number; readonly dir: string; readonly plan: Plan };

/** open(running/…/J): ENOENT when fenced. */
function open(state: State, { owner, dir, plan }: Settling, become: Become): Step {
  if (state.place !== dir) return fencedOff(owner, dir, become);
  return ['opens the file', become({ at: 'writes', owner, dir, plan, inode: state.inode })];
}

/** write and fsync through the open file: torn on the way, and it may fail at any point. */
function write(
  state: State,
  process: Extract<Process, { at: 'writes' | 'writes on' }>,
  become: Become,
): readonly Step[] {
  const { owner, dir, plan, inode } = process;
  const failed = faulty(state, become({ at: 'reopens', owner, dir, plan }));
  if (process.at === 'writes') {
    const next = become({ at: 'writes on', owner, dir, plan, inode });
    return [['writes the first bytes', written(next, inode, { tail: 'torn', last: 0 })], ...failed];
  }
  const next = become({ at: 'moves', owner, dir, plan });
  return [['writes the last bytes', plan.write === null ? next : written(next, inode, plan.write)], ...failed];
}

function written(state: State, inode: number, content: Content): State {
  if (state.inode !== inode) return state; // The file has no name any more.
  return { ...state, content, hasEnded: state.hasEnded || content.tail === 'outcome' };
}

function faulty({ left }: State, failed: State): readonly Step[] {
  return left.faults > 0 ? [['is refused by the disk', { ...failed, left: { ...left, faults: left.faults - 1 } }]] : [];
}

/** open and read the base for a copy of our own, after the disk refused. */
function reopen(state: State, { owner, dir, plan }: Settling, become: Become): Step {
  if (state.place !== dir) return fencedOff(owner, dir, become);
  return ['reads the base again', become({ at: 'replaces', owner, dir, plan })];
}

/** rename(tmp/<draft>, running/…/J): it needs the directory only, not the file. */
function replace(state: State, { owner, dir, plan }: Settling, become: Become): Step {
  const moved = become({ at: 'moves', owner, dir, plan });
  if (state.place === dir) {
    const content = plan.write ?? state.content;
    const hasEnded = state.hasEnded || content.tail === 'outcome';
    return ['puts a new file in its place', { ...moved, inode: state.inode + 1, content, hasEnded }];
  }
  if (isFencedOff(state, dir)) return fencedOff(owner, dir, become);
  return ['puts a new file where none is', { ...moved, isDouble: true }];
}

/** rename(running/…/J, <target>): the commit point. */
function move(state: State, { owner, dir, plan }: Settling, become: Become): Step {
  if (state.place !== dir) return fencedOff(owner, dir, become);
  const { to, attempt, crashes } = plan;
  const shown = to === 'results' && state.shown === null ? seenAs(state.content, state.inode) : state.shown;
  return [`moves it to ${to}`, { ...become({ at: 'idle', owner }), place: to, attempt, crashes, shown }];
}

/** ENOENT: a worker that lost its claim ends, a recoverer leaves it to whoever took it. */
function fencedOff(owner: number, dir: string, become: Become): Step {
  return ['finds the path gone', become(dir === String(owner) ? { at: 'ended' } : { at: 'idle', owner })];
}

function isFencedOff({ gone, place }: State, dir: string): boolean {
  return dir.includes('~') ? place !== dir : gone.includes(Number(dir));
}
