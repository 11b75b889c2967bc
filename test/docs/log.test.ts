/** Every field of a worker's JSON log is in the table of docs/cli.md. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fsq, REPOSITORY, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

test('docs/cli.md names every field that a worker writes', async (t) => {
  const project = tempProject(t, {
    'tasks.mjs': `import { task } from 'fsq';\ntask('good', () => 1);\ntask('bad', { retries: 1, backoff: 1 }, () => { throw new Error('no'); });\n`,
  });
  const { send } = sender(t, project);
  for (const name of ['good', 'bad', 'nobody-knows-it']) await send(name, []);

  const { stderr } = await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'debug']);

  const written = new Set(
    stderr
      .trim()
      .split('\n')
      .flatMap((line) => Object.keys(JSON.parse(line) as object)),
  );
  const page = readFileSync(join(REPOSITORY, 'docs/cli.md'), 'utf8');
  const section = /## The log\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
  const named = new Set(
    [...section.matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []),
  );
  assert.ok(written.has('stack') && written.has('ms'), [...written].join(' '));
  assert.deepEqual(
    [...written].filter((field) => !named.has(field)),
    [],
  );
});
