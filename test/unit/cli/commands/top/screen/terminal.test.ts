import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test, { describe, type TestContext } from 'node:test';
import type { Input } from '../../../../../../src/cli/commands/top/screen/keys.ts';
import { frameText, Terminal, type TerminalStreams } from '../../../../../../src/cli/commands/top/screen/terminal.ts';

const ENTERED = '\u001b[?1049h';
const LEFT = '\u001b[?1049l';

interface Scene {
  readonly terminal: Terminal;
  readonly stdin: PassThrough;
  readonly stdout: PassThrough;
  /** All that was written so far. */
  readonly written: () => string;
  readonly rawModes: boolean[];
  readonly inputs: Input[];
  readonly ends: number[];
  readonly sizes: unknown[];
}

function scene(t: TestContext): Scene {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const chunks: string[] = [];
  stdout.on('data', (chunk) => chunks.push(String(chunk)));
  const rawModes: boolean[] = [];
  Object.assign(stdin, { setRawMode: (isRaw: boolean) => rawModes.push(isRaw) });
  Object.assign(stdout, { columns: 40, rows: 5 });
  const [inputs, ends, sizes]: [Input[], number[], unknown[]] = [[], [], []];
  const terminal = new Terminal({ stdin, stdout } as unknown as TerminalStreams, {
    input: (input) => inputs.push(input),
    changed: (size) => sizes.push(size),
    end: (code) => ends.push(code),
  });
  t.after(() => terminal.close());
  return {
    terminal,
    stdin,
    stdout,
    written: () => chunks.join(''),
    rawModes,
    inputs,
    ends,
    sizes,
  };
}

/** What was written has arrived. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a frame', () => {
  test('is made of the lines that have changed, each in its row', () => {
    assert.equal(frameText(['a', 'b', 'c'], ['a', 'B', 'c', 'd']), '\u001b[2;1H\u001b[KB\u001b[4;1H\u001b[Kd');
    assert.equal(frameText(['a', 'b'], ['a']), '\u001b[2;1H\u001b[K');
    assert.equal(frameText(['a'], ['a']), '');
  });

  test('is one write, which a terminal that can shows at once; the same frame is none', async (t) => {
    const { terminal, written } = scene(t);
    await settled();
    const before = written().length;

    terminal.draw(['one', 'two']);
    await settled();
    const first = written().slice(before);
    terminal.draw(['one', 'two']);
    await settled();

    assert.equal(first, '\u001b[?2026h\u001b[1;1H\u001b[Kone\u001b[2;1H\u001b[Ktwo\u001b[?2026l');
    assert.equal(written().slice(before), first);
  });
});

describe('a terminal', () => {
  test('is taken with another screen and raw keys, and given back as it was, with no listener left', async (t) => {
    const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP', 'SIGCONT', 'exit'] as const;
    const count = (): readonly number[] => names.map((name) => process.listenerCount(name));
    const before = count();
    const { terminal, written, rawModes, sizes } = scene(t);
    await settled();

    terminal.close();
    terminal.close();
    await settled();

    const text = written();
    assert.ok(text.startsWith(ENTERED) && text.endsWith(LEFT), JSON.stringify(text));
    assert.equal(text.indexOf(LEFT), text.lastIndexOf(LEFT));
    assert.deepEqual([rawModes.slice(0, 2), rawModes.at(-1)], [[false, true], false]);
    assert.deepEqual(sizes, [{ columns: 40, rows: 5 }]);
    assert.deepEqual(count(), before);
  });

  test('is drawn whole after SIGCONT and after another size, for others may have written to it', async (t) => {
    const { terminal, stdout, written, rawModes, sizes } = scene(t);
    terminal.draw(['one']);
    await settled();
    let before = written().length;

    process.emit('SIGCONT');
    terminal.draw(['one']);
    await settled();
    assert.match(written().slice(before), /\[\?1049h[^]*\[2J[^]*one/);
    assert.deepEqual(rawModes.slice(-2), [false, true]);

    before = written().length;
    stdout.emit('resize');
    terminal.draw(['one']);
    await settled();
    assert.match(written().slice(before), /\[2J[^]*one/);
    assert.equal(sizes.length, 3);
  });

  test('says which key came, also one whose bytes come apart, and that ESC was alone when nothing follows', async (t) => {
    const { stdin, inputs } = scene(t);

    for (const chunk of ['j\u001b', '[A', Buffer.from('🎉').subarray(0, 2), Buffer.from('🎉').subarray(2), '\u001b'])
      stdin.write(chunk);
    const escaped = new Promise<void>((resolve) => {
      inputs.push = (...more) => {
        Array.prototype.push.apply(inputs, more);
        if (more[0]?.kind === 'key' && more[0].key === 'escape') resolve();
        return inputs.length;
      };
    });
    await escaped;

    assert.deepEqual(
      inputs.map((input) => (input.kind === 'key' ? input.key : input)),
      ['j', 'up', '🎉', 'escape'],
    );
  });

  for (const [name, how] of [
    ['its input ends', ({ stdin }: Scene) => stdin.end()],
    [
      'it cannot be written to',
      ({ stdout }: Scene) => stdout.emit('error', Object.assign(new Error('EIO'), { code: 'EIO' })),
    ],
    ['it cannot be read', ({ stdin }: Scene) => stdin.emit('error', Object.assign(new Error('EIO'), { code: 'EIO' }))],
  ] as const)
    test(`that goes away, as ${name}, ends the program as SIGHUP does, and gets nothing more`, async (t) => {
      const all = scene(t);
      await settled();

      how(all);
      await settled();
      const before = all.written();
      all.terminal.draw(['lost']);
      all.terminal.close();
      await settled();

      assert.deepEqual(all.ends, [129]);
      assert.equal(all.written(), before);
    });

  test('a signal ends the program with the code that shells expect', (t) => {
    const { ends } = scene(t);

    process.emit('SIGTERM');
    process.emit('SIGINT');
    process.emit('SIGHUP');

    assert.deepEqual(ends, [143, 130, 129]);
  });
});
