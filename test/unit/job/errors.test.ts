import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import vm from 'node:vm';
import { build } from 'esbuild';
import * as errors from '../../../src/job/errors.ts';
import { tempDir } from '../../support/temp-dir.ts';

const { FencedError, FsqError, PermanentError, SpoolError, TimeoutError, UsageError } = errors;

/** The same module once more, as a second bundle has it. */
const copy = (await import(`${new URL('../../../src/job/errors.ts', import.meta.url).href}?copy`)) as typeof errors;

const SRC = fileURLToPath(new URL('../../../src', import.meta.url));

test('an error has the name of its class, also one that a user has derived', () => {
  class NoSuchCustomer extends PermanentError {}

  const names = [new TimeoutError('x', 1), new FencedError('o'), new NoSuchCustomer('7')].map(({ name }) => name);

  assert.deepEqual(names, ['TimeoutError', 'FencedError', 'NoSuchCustomer']);
  assert.ok(new NoSuchCustomer('7') instanceof FsqError);
});

test('every class of errors keeps its name when it is minified', async (t) => {
  const folder = tempDir(t);
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const classes = files.flatMap((file) =>
    [...readFileSync(join(SRC, file), 'utf8').matchAll(/^export class (\w+) extends \w*Error\b/gm)].map((match) => ({
      file: join(SRC, file),
      name: match[1] ?? '',
    })),
  );
  const source = classes.map(({ file, name }, i) => `export { ${name} as e${i} } from ${JSON.stringify(file)};`);

  await build({
    stdin: { contents: source.join('\n'), resolveDir: SRC },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    outfile: join(folder, 'errors.mjs'),
  });
  const minified = await import(pathToFileURL(join(folder, 'errors.mjs')).href);

  assert.ok(classes.length > 10, `${classes.length} classes of errors under ${SRC}`);
  assert.deepEqual(
    classes.map((_, i) => minified[`e${i}`].name),
    classes.map(({ name }) => name),
  );
});

test('an error of another copy of fsq is an instance of the class of the same name, and of those above it', () => {
  const error = new copy.TimeoutError('the-id', 5);

  assert.notEqual(copy.TimeoutError, TimeoutError);
  assert.ok(error instanceof TimeoutError && error instanceof FsqError && error instanceof Error);
  assert.equal(error instanceof UsageError, false);
  assert.ok(new SpoolError('FSQ_SPOOL', 'x') instanceof copy.SpoolError);
});

test('a class that extends one of them has its own instances only, and its own name', () => {
  class NoMoney extends PermanentError {}
  class NoTime extends PermanentError {}
  const error = new NoMoney('x');

  assert.equal(error.name, 'NoMoney');
  assert.ok(error instanceof NoMoney && error instanceof PermanentError && error instanceof copy.PermanentError);
  assert.equal(error instanceof NoTime, false);
  assert.equal(new PermanentError('x') instanceof NoMoney, false);
});

test('nothing else is an instance, and asking never throws', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile = new Proxy({}, { getOwnPropertyDescriptor: () => vm.runInNewContext('throw 1') });

  for (const value of [
    null,
    undefined,
    'x',
    {},
    new Error('x'),
    { code: 'FSQ_TIMEOUT' },
    revoked.proxy,
    Object.create(hostile),
  ])
    assert.equal(value instanceof FsqError, false);
});
