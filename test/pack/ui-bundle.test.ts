/** A program that mounts the page is bundled, and finds the page's files in the package, whatever lies beside the bundle. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { build as esbuild } from 'esbuild';
import { REPOSITORY, run, tempProject } from '../support/project.ts';
import { tempDir } from '../support/temp-dir.ts';

const VERSION: string = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).version;

describe('a bundle that mounts the page', () => {
  const MOUNTING = `
    import { createServer } from 'node:http';
    import { createUi } from 'fsq/ui';
    const ui = createUi({ authorize: () => true });
    const server = createServer(ui).listen(0, '127.0.0.1', async () => {
      const ask = async (path) => {
        const reply = await fetch('http://127.0.0.1:' + server.address().port + path);
        return [reply.status, (await reply.text()).slice(0, 400)];
      };
      process.stdout.write(JSON.stringify([await ask('/'), await ask('/page.js'), await ask('/api/session'), await ask('/api/jobs')]));
      await ui.close();
      server.close();
      server.closeAllConnections();
    });`;

  for (const [extension, options] of [
    ['cjs', {}],
    ['cjs', { minify: true }],
    ['mjs', { format: 'esm' }],
    ['mjs', { packages: 'external', format: 'esm' }],
  ] as const) {
    test(`serves it from the package fsq, or says what to install (${extension}, ${JSON.stringify(options)})`, async (t) => {
      const project = tempProject(t, { 'page.mjs': MOUNTING, 'page/index.html': 'of the program' });
      mkdirSync(join(project.path, 'dist'));
      const out = `dist/out.${extension}`;
      await esbuild({
        ...options,
        entryPoints: [join(project.path, 'page.mjs')],
        outfile: join(project.path, out),
        bundle: true,
        platform: 'node',
        logLevel: 'error',
      });
      const told = async (path: string): Promise<readonly (readonly [number, string])[]> =>
        JSON.parse((await run({ path, spool: '' }, process.execPath, [out])).stdout);

      const [page, script, session] = await told(project.path);

      assert.match(page?.[1] ?? '', /^<!doctype html>/);
      assert.deepEqual([page?.[0], script?.[0]], [200, 200]);
      assert.match(session?.[1] ?? '', new RegExp(`"version":"${VERSION}"`));
      if ('packages' in options) return;
      const alone = tempDir(t);
      mkdirSync(join(alone, 'dist'));
      cpSync(join(project.path, out), join(alone, out));
      const [none] = await told(alone);
      assert.equal(none?.[0], 503);
      assert.match(none?.[1] ?? '', new RegExp(`Run there: npm install fsq@${VERSION}.*"code":"FSQ_PEER"`));
    });
  }
});
