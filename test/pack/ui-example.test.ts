/** The example of docs/ui.md, as a program in TypeScript has it: with the types of Express, and a login that adds to its requests. */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { codeBlocks } from '../support/markdown.ts';
import { REPOSITORY, run, tempProject } from '../support/project.ts';

/** As express-session and Passport declare what they add. */
const LOGIN = `
  import type { RequestHandler } from 'express';
  declare global {
    namespace Express {
      interface Request { session: { user?: { isAdmin: boolean } }; isAuthenticated(): boolean; }
    }
  }
  export const login: RequestHandler = (_request, _response, next) => next();`;
const OTHERS = `
  import express from 'express';
  import { createServer } from 'node:http';
  import { createUi } from 'fsq/ui';
  import './login.js';
  express().use(createUi<express.Request>({ authorize: (request) => request.isAuthenticated() }));
  createServer(createUi({ authorize: async ({ headers }) => headers.authorization !== undefined }));
  // @ts-expect-error -- nothing says here that it is a request of Express
  createUi({ authorize: (request) => request.session.user?.isAdmin === true });`;

for (const options of [
  ['--module', 'commonjs'],
  ['--module', 'node16'],
  ['--module', 'nodenext'],
  ['--module', 'esnext', '--moduleResolution', 'bundler'],
])
  test(`the example that mounts the page compiles: ${options.join(' ')}`, async (t) => {
    const page = readFileSync(join(REPOSITORY, 'docs/ui.md'), 'utf8');
    const examples = codeBlocks(page).filter(({ text }) => text.includes("from 'fsq/ui'"));
    const [example = ''] = examples.map(({ text }) => text);
    assert.equal(examples.length, 1);
    const sources = { 'login.ts': LOGIN, 'server.ts': example, 'esm.mts': example, 'others.ts': OTHERS };
    const project = tempProject(t, { 'package.json': '{ "name": "mounting" }', ...sources });
    symlinkSync(join(REPOSITORY, 'node_modules/@types'), join(project.path, 'node_modules/@types'));
    const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
    const strict = ['--noEmit', '--ignoreConfig', '--strict', '--target', 'es2022', '--types', 'node'];

    const { code, stdout } = await run(project, process.execPath, [
      tsc,
      ...strict,
      ...options,
      ...Object.keys(sources),
    ]);

    assert.equal(code, 0, stdout);
  });
