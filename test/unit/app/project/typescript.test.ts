import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import vm from 'node:vm';
import { isBeyondStripping, isKnownLoader } from '../../../../src/app/project/typescript.ts';

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
