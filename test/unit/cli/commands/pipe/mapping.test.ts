import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BadLine } from '../../../../../src/cli/commands/pipe/json-lines.ts';
import { type LineJob, type MapBroker, type MapCall, Mapping } from '../../../../../src/cli/commands/pipe/mapping.ts';
import { UnknownJobError, UsageError } from '../../../../../src/job/errors.ts';
import type { JobRecord, Outcome } from '../../../../../src/job/job.ts';
import { jobRecord } from '../../../../support/factory.ts';
import { until } from '../../../../support/conditions.ts';

/** A broker whose jobs end when the test says so. */
class FakeBroker implements MapBroker {
  readonly sent: string[] = [];
  readonly batches: number[] = [];
  readonly reads: string[] = [];
  readonly known = new Set<string>();
  readonly #outcomes = new Map<string, Outcome | Error>();
  readonly #hear = new Set<() => void>();

  async send(calls: readonly MapCall[]): Promise<readonly LineJob[]> {
    this.batches.push(calls.length);
    return calls.map(({ args }) => {
      const id = String(args[0]);
      this.sent.push(id);
      return { id, isDuplicate: this.known.has(id) };
    });
  }

  async ended({ id }: LineJob, signal: AbortSignal): Promise<JobRecord | null> {
    while (!this.#outcomes.has(id) && !signal.aborted)
      await new Promise<void>((resolve) => {
        this.#hear.add(resolve);
        signal.addEventListener('abort', () => resolve());
      });
    const outcome = this.#outcomes.get(id);
    if (outcome === undefined) return null;
    if (outcome instanceof Error) throw outcome;
    this.reads.push(id);
    return { job: jobRecord(), attempts: [], outcome, parked: null, kept: {} };
  }

  end(id: string, outcome: Outcome | Error = { state: 'succeeded', value: `v${id}` }): void {
    this.#outcomes.set(id, outcome);
    for (const hear of this.#hear) hear();
    this.#hear.clear();
  }
}

/** An output whose reader may be slow or gone. */
class FakeOutput {
  isClosed = false;
  readonly lines: Readonly<Record<string, unknown>>[] = [];
  #slow: { readonly until: Promise<void>; readonly goOn: () => void } | null = null;

  write(text: string): void {
    if (!this.isClosed) this.lines.push(JSON.parse(text) as Readonly<Record<string, unknown>>);
  }

  caughtUp(): Promise<void> | null {
    return this.#slow?.until ?? null;
  }

  hold(): void {
    let goOn = (): void => undefined;
    const until = new Promise<void>((resolve) => (goOn = resolve));
    this.#slow = { until, goOn };
  }

  goOn(): void {
    const slow = this.#slow;
    this.#slow = null;
    slow?.goOn();
  }

  get numbers(): readonly unknown[] {
    return this.lines.map(({ line }) => line);
  }
}

function call(number: number): MapCall {
  return { number, args: [number], identity: String(number) };
}

async function* inputOf(lines: readonly (MapCall | BadLine)[], each: number): AsyncGenerator<(MapCall | BadLine)[]> {
  for (let i = 0; i < lines.length; i += each) yield lines.slice(i, i + each);
}

function scene(
  lines: readonly (MapCall | BadLine)[],
  options: { window?: number; isOrdered?: boolean; each?: number } = {},
) {
  const { window = 100, isOrdered = false, each = 1_000 } = options;
  const [broker, stdout, stop] = [new FakeBroker(), new FakeOutput(), new AbortController()];
  const input = inputOf(lines, each);
  const mapping = new Mapping({ input, broker, stdout, window, isOrdered, stop: stop.signal });
  return { broker, stdout, stop, mapping, run: mapping.run() };
}

const SIX = [1, 2, 3, 4, 5, 6].map(call);

describe('lines come out', () => {
  test('as their jobs end, each with its number, its id and its value', async () => {
    const { broker, stdout, run } = scene(SIX.slice(0, 2));
    await until(() => broker.sent.length === 2, 'both are sent');

    broker.end('2');
    await until(() => stdout.lines.length === 1, 'the second is told');
    broker.end('1', { state: 'failed', error: { name: 'RangeError', message: 'no' } });

    assert.equal(await run, true);
    assert.deepEqual(stdout.lines, [
      { line: 2, id: '2', state: 'succeeded', value: 'v2' },
      { line: 1, id: '1', state: 'failed', error: { name: 'RangeError', message: 'no' }, args: [1] },
    ]);
  });

  test('in the order of the input where that is asked for, also of lines that are refused', async () => {
    const problem = new UsageError('Expected line 2 to be JSON');
    const lines = [call(1), { number: 2, problem }, call(3)];
    const { broker, stdout, run, mapping } = scene(lines, { isOrdered: true });
    await until(() => broker.sent.length === 2, 'both are sent');

    broker.end('3');
    broker.end('1');

    assert.equal(await run, true);
    assert.deepEqual(stdout.numbers, [1, 2, 3]);
    assert.equal(stdout.lines[1]?.['state'], 'refused');
    assert.deepEqual(
      [...mapping.tally.ends],
      [
        ['succeeded', 2],
        ['refused', 1],
      ],
    );
  });

  test('as forgotten, where a line was done and its outcome is not kept', async () => {
    const { broker, stdout, run } = scene([call(1)]);

    broker.end('1', new UnknownJobError('1', 'there'));

    assert.equal(await run, true);
    assert.deepEqual(stdout.lines, [{ line: 1, id: '1', state: 'forgotten', args: [1] }]);
  });
});

describe('at most a window of lines is sent and not told', () => {
  for (const isOrdered of [false, true])
    test(isOrdered ? 'in order' : 'as they end', async () => {
      const { broker, mapping, run } = scene(SIX, { window: 2, isOrdered });
      let most = 0;

      for (const id of ['2', '1', '3', '4', '5', '6']) {
        await until(() => broker.sent.includes(id), `${id} is sent`);
        most = Math.max(most, mapping.atHand);
        broker.end(id);
      }

      assert.equal(await run, true);
      assert.deepEqual([most, Math.max(...broker.batches)], [2, 2]);
    });

  test('a reader that is slow holds up the sending, and what waits for it is not held in memory', async () => {
    const { broker, stdout, run } = scene(SIX, { window: 3 });
    await until(() => broker.sent.length === 3, 'a window is sent');
    stdout.hold();

    for (const id of ['1', '2', '3']) broker.end(id);
    await until(() => broker.reads.length === 3, 'all three are heard of');

    assert.deepEqual([stdout.lines.length, broker.sent.length], [0, 3]);
    stdout.goOn();
    await until(() => broker.sent.length === 6, 'the rest is sent');
    for (const id of ['4', '5', '6']) broker.end(id);
    assert.equal(await run, true);
    assert.deepEqual(stdout.numbers, [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(broker.reads.slice(3, 6), ['1', '2', '3']);
  });
});

describe('it ends before the lines do', () => {
  test('when it is stopped, also while it waits for input', async () => {
    const { broker, stop, mapping, run } = scene(SIX, { window: 2 });
    await until(() => broker.sent.length === 2, 'a window is sent');

    stop.abort();

    assert.equal(await run, false);
    assert.equal(mapping.atHand, 2);
  });

  test('when nobody reads any more: nothing more is sent', async () => {
    const { broker, stdout, run } = scene(SIX, { window: 2 });
    await until(() => broker.sent.length === 2, 'a window is sent');

    stdout.isClosed = true;
    broker.end('1');

    assert.equal(await run, false);
    assert.equal(broker.sent.length, 2);
  });

  test('with the error of a wait, or of a send', async () => {
    const { broker, run } = scene(SIX, { window: 2 });
    await until(() => broker.sent.length === 2, 'a window is sent');

    broker.end('1', new Error('the spool is gone'));

    await assert.rejects(run, /the spool is gone/);
    const other = scene(SIX);
    other.broker.send = async () => Promise.reject(new Error('full'));
    await assert.rejects(other.run, /full/);
  });
});
