import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import test, { describe } from 'node:test';
import { runInNewContext } from 'node:vm';
import { UsageError } from '../../../src/job/errors.ts';
import { createUi, type UiOptions } from '../../../src/ui/ui.ts';

const authorize = (): boolean => true;

describe('createUi refuses, and says what it wants', () => {
  const cases: readonly [what: string, options: unknown, message: RegExp][] = [
    ['no options', undefined, /^Expected the options of createUi to be an object, got undefined$/],
    ['nobody who may see the page', {}, /^Expected `authorize` or `token`: whoever sees the page can run jobs/],
    ['two ways to say who may', { authorize, token: '0123456789abcdef' }, /got both/],
    [
      'a letter that would leave the acts on',
      { authorize, readonly: true },
      /^Unknown option "readonly" of createUi; did you mean readOnly\?$/,
    ],
    [
      'an option of another page',
      { authorize, title: 'x' },
      /^Unknown option "title" of createUi; known are app, authorize, token, hosts,/,
    ],
    [
      'a text for read-only',
      { authorize, readOnly: 'false' },
      /^Expected `readOnly` to be true or false, got "false"$/,
    ],
    [
      'nothing for hidden arguments',
      { authorize, hideArguments: null },
      /^Expected `hideArguments` to be true or false, got null$/,
    ],
    [
      'one host alone',
      { authorize, hosts: 'admin.example.com' },
      /^Expected `hosts` to be an array of names such as 'admin.example.com', got "admin/,
    ],
    [
      'an address for a host',
      { authorize, hosts: ['https://a.example'] },
      /^Expected `hosts` to be names such as 'admin.example.com', got "https:/,
    ],
    [
      'a path without a slash',
      { authorize, basePath: 'queue' },
      /^Expected `basePath` to be a path such as '\/admin\/queue', got "queue"$/,
    ],
    ['a login that is none', { authorize: true }, /^Expected `authorize` to be a function, got true$/],
    [
      'an app that is none',
      { authorize, app: { spool: '/x' } },
      /^Expected `app` to be an app, as createApp gives it, got an object$/,
    ],
    [
      'a token that is no text, untold',
      { token: 1_234_567_890_123_456 },
      /^Expected `token` to be at least 16 [^0-9]*, got what is no text$/,
    ],
  ];
  for (const [what, options, message] of cases)
    test(what, () =>
      assert.throws(
        () => createUi(options as UiOptions),
        (error) => error instanceof UsageError && message.test(error.message),
      ),
    );
});

describe('createUi, mounted without being called, says so of the request that comes', () => {
  const asked = { method: 'GET', url: '/queue/' };
  const requests: Readonly<Record<string, unknown>> = {
    'node:http, Express, Connect': Object.assign(Object.create(IncomingMessage.prototype), asked, { _events: {} }),
    Fastify: { raw: {}, ...asked },
    Hono: { env: {}, req: asked },
    Koa: { app: {}, req: asked, res: {} },
    'the web': new Request('http://localhost/queue/'),
    'another realm': runInNewContext("({ method: 'GET', url: '/queue/' })"),
  };
  for (const [name, request] of Object.entries(requests))
    test(name, () =>
      assert.throws(
        () => createUi(request as UiOptions),
        (error) =>
          error instanceof UsageError && /got a request.* Call `createUi\(.*mount what it returns$/.test(error.message),
      ),
    );
});

test('createUi takes what is undefined for not given', () => {
  const options: unknown = {
    authorize,
    app: undefined,
    token: undefined,
    hosts: undefined,
    basePath: undefined,
    readOnly: undefined,
  };

  assert.equal(typeof createUi(options as UiOptions), 'function');
});
