import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { type Asked, bearer, cookie, hostName, refusalOf } from '../../../../src/ui/http/guard.ts';

const HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]', 'queue.example']);
const JSON_TYPE = { 'content-type': 'application/json' };

const asked = (method: string, headers: Readonly<Record<string, string>>): Asked => ({
  method,
  headers,
  rawHeaders: Object.entries(headers).flat(),
});

function statusOf(method: string, headers: Readonly<Record<string, string>>): number {
  return refusalOf(asked(method, headers), HOSTS)?.status ?? 200;
}

describe('a request is answered or refused by its Host', () => {
  const cases: readonly [host: string, status: number][] = [
    ['127.0.0.1:9478', 200],
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['[::1]:9478', 200],
    ['queue.example', 200],
    ['evil.example', 403],
    ['evil.example:9478', 403],
    ['127.0.0.1.evil.example', 403],
    ['queue.example.evil', 403],
    ['localhost:9478@evil.example', 403],
    ['localhost:', 403],
    ['localhost:9478 ', 403],
    ['localhost.', 403],
    ['[::1', 403],
    ['0.0.0.0:9478', 403],
    ['', 403],
  ];
  for (const [host, status] of cases)
    test(`${JSON.stringify(host)}: ${status}, whatever is asked`, () => {
      assert.equal(statusOf('GET', { host }), status);
      assert.equal(statusOf('HEAD', { host, 'sec-fetch-site': 'same-origin' }), status);
      assert.equal(statusOf('POST', { host, 'sec-fetch-site': 'same-origin', ...JSON_TYPE }), status);
    });

  test('two are refused, whichever comes first: a proxy may have gone by the other', () => {
    for (const [name, other] of [
      ['Host', 'host'],
      ['HOST', 'HOST'],
    ]) {
      const rawHeaders = [String(name), 'localhost', 'X-Host', 'host', String(other), 'evil.example'];
      assert.equal(refusalOf({ method: 'GET', headers: { host: 'localhost' }, rawHeaders }, HOSTS)?.status, 400);
    }
    assert.equal(statusOf('GET', { host: 'localhost', 'x-a': 'host', 'x-b': 'Host' }), 200);
  });

  test('HTTP/2 says it under a name of its own', () => {
    assert.equal(statusOf('GET', { ':authority': 'localhost:1' }), 200);
    assert.equal(statusOf('GET', { ':authority': 'evil.example' }), 403);
    assert.equal(statusOf('GET', { ':authority': 'localhost', host: 'evil.example' }), 403);
  });

  test('none at all is refused, and what it was is told as text', () => {
    assert.equal(refusalOf(asked('GET', {}), HOSTS)?.status, 403);
    assert.match(refusalOf(asked('GET', { host: 'e\u001b[2J' }), HOSTS)?.text ?? '', /e\\u\{1b\}\[2J/);
  });
});

describe('a POST is answered', () => {
  const host = 'localhost:9478';
  const cases: readonly [what: string, headers: Readonly<Record<string, string>>, status: number][] = [
    ['of the page itself', { 'sec-fetch-site': 'same-origin' }, 200],
    ['not of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['not of another port of this machine', { 'sec-fetch-site': 'same-site' }, 403],
    ['not of what its user has typed', { 'sec-fetch-site': 'none' }, 403],
    [
      'not of another site that says an origin which is right',
      { 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
      403,
    ],
    ['of an older browser with this origin', { origin: `http://${host}` }, 200],
    ['not with the origin of another port', { origin: 'http://localhost:3000' }, 403],
    ['not with another origin', { origin: 'https://evil.example' }, 403],
    ['not of a sandboxed frame', { origin: 'null' }, 403],
    ['not without either', {}, 403],
    ['of a script that shows its token', { authorization: 'Bearer abc' }, 200],
    ['not with a token of another page', { authorization: 'Bearer abc', origin: 'https://evil.example' }, 403],
  ];
  for (const [what, headers, status] of cases)
    test(`${what}: ${status}`, () => assert.equal(statusOf('POST', { host, ...JSON_TYPE, ...headers }), status));

  for (const [type, status] of [
    ['application/json', 200],
    ['Application/JSON; charset=utf-8', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=application/json', 415],
    ['', 415],
  ] as const)
    test(`as ${JSON.stringify(type)}: ${status}`, () =>
      assert.equal(statusOf('POST', { host, 'sec-fetch-site': 'same-origin', 'content-type': type }), status));
});

test('a page of another origin may lead here, and load nothing', () => {
  const host = 'localhost';

  assert.equal(statusOf('GET', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }), 200);
  for (const mode of ['no-cors', 'cors', 'websocket', ''])
    for (const site of ['cross-site', 'same-site'])
      assert.equal(statusOf('GET', { host, 'sec-fetch-site': site, 'sec-fetch-mode': mode }), 403, `${site} ${mode}`);
});

test('other methods are refused, and those that are answered are named', () => {
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get', ''])
    assert.deepEqual(refusalOf(asked(method, { host: 'localhost' }), HOSTS)?.headers, {
      allow: 'GET, HEAD, POST',
    });
});

test('a cookie and a token are found among others', () => {
  assert.equal(cookie({ cookie: 'a=1; fsq-x=secret=; b' }, 'fsq-x'), 'secret=');
  assert.equal(cookie({ cookie: 'fsq-x2=no; xfsq-x=no' }, 'fsq-x'), null);
  assert.equal(cookie({}, 'fsq-x'), null);
  assert.equal(bearer({ authorization: 'bearer  abc ' }), 'abc');
  assert.equal(bearer({ authorization: 'Basic abc' }), null);
  assert.equal(bearer({ authorization: ['Bearer abc'] }), null);
  assert.equal(hostName('Queue.Example:443'), 'queue.example');
});
