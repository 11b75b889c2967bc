import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { checkImports, isBeyondStripping, isKnownLoader } from '../../../../src/app/project/load-module.ts';
import { tempDir } from '../../../support/temp-dir.ts';
import vm from 'node:vm';

/** Modules to import first that cannot be found: told before any process is started for them. */

describe('of the modules to import first', () => {
  const refused: readonly (readonly [string, (folder: string) => readonly string[]])[] = [
    ['a package that is not there', () => ['typo']],
    ['a module that a package has not', () => ['plain/typo.js']],
    ['a file that is not there', (folder) => [pathToFileURL(join(folder, 'typo.mjs')).href]],
  ];
  const passed: readonly (readonly [string, (folder: string) => readonly string[]])[] = [
    ['none', () => []],
    ['a package', () => ['plain']],
    ['a module of a package', () => ['plain/index.js']],
    ['a package for import() alone', () => ['esm-only']],
    ['a file', (folder) => [pathToFileURL(join(folder, 'first.mjs')).href]],
    ['a file with a query', (folder) => [`${pathToFileURL(join(folder, 'first.mjs')).href}?once`]],
    ['a module of Node.js', () => ['node:fs']],
    ['a URL of data', () => ['data:text/javascript,1']],
    ['what only a loader before it can find', () => ['plain', '@/typo']],
  ];
  const folderOf = (t: Parameters<typeof tempDir>[0]): string => {
    const folder = tempDir(t);
    const files = {
      'node_modules/plain/index.js': '',
      'node_modules/esm-only/package.json': '{"exports":{"import":"./it.mjs"}}',
      'node_modules/esm-only/it.mjs': '',
      'first.mjs': '',
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return folder;
  };
  for (const [what, imports] of refused)
    test(`${what} is refused`, (t) => {
      const folder = folderOf(t);

      assert.throws(() => checkImports(imports(folder), folder, []), {
        code: 'FSQ_CONFIG',
        message: /^Found no module .*typo.*--import\.$/,
      });
    });
  for (const [what, imports] of passed)
    test(`${what} passes`, (t) => {
      const folder = folderOf(t);

      checkImports(imports(folder), folder, []);
    });

  test('what a loader of this process may find passes', (t) => {
    checkImports(['@/typo'], tempDir(t), ['tsx']);
  });
});

describe('a preloaded module is a loader of TypeScript by its package:', () => {
  const preloaded: readonly [string, boolean][] = [
    ['tsx', true],
    ['tsx/esm', true],
    ['@swc-node/register/esm-register', true],
    ['@babel/register', true],
    ['ts-node/register', true],
    ['/srv/shop/node_modules/tsx/dist/loader.mjs', true],
    ['file:///srv/node_modules/.pnpm/tsx@4.23.0/node_modules/tsx/dist/loader.mjs', true],
    ['C:\\shop\\node_modules\\tsx\\dist\\loader.mjs', true],
    ['./node_modules/@swc/register/lib/node.js', true],
    ['/home/tsx/shop/instrument.mjs', false],
    ['file:///srv/swc/tracer.mjs', false],
    ['./tsx-setup.mjs', false],
    ['../babel.config.mjs', false],
    ['dotenv/config', false],
    ['/srv/tsx/node_modules/dotenv/config.js', false],
    ['babel-plugin-tester', false],
    ['@swc/helpers', false],
    ['my-tsx', false],
    ['data:text/javascript,tsx', false],
    ['', false],
  ];
  for (const [module, isLoader] of preloaded)
    test(`${module || 'nothing'}: ${isLoader}`, () => assert.equal(isKnownLoader(module), isLoader));
});

test('what a loader may mend is told from what a module itself throws', () => {
  const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

  for (const code of ['ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX', 'ERR_MODULE_NOT_FOUND', 'ERR_UNKNOWN_FILE_EXTENSION'])
    assert.equal(isBeyondStripping(withCode(code)), true);
  assert.equal(isBeyondStripping(vm.runInNewContext('new SyntaxError("no export named T")')), true);
  for (const error of [new Error('x'), withCode('ENOENT'), withCode('ECONNREFUSED'), new TypeError('x'), 'x', null])
    assert.equal(isBeyondStripping(error), false);
});
