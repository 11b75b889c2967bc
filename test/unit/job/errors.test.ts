import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { FencedError, FsqError, PermanentError, TimeoutError } from '../../../src/job/errors.ts';
import { tempDir } from '../../support/temp-dir.ts';

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
