import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../../src/job/errors.ts';
import { checkToken, newToken, Session } from '../../../../src/ui/http/session.ts';

test('whoever has the token is known, by a header or by the cookie that it was changed for', () => {
  const token = newToken();
  const session = new Session(token);
  const [cookie = ''] = session.cookie('/queue/', false).split(';');

  assert.equal(session.isToken(token), true);
  assert.equal(session.knows({ authorization: `Bearer ${token}` }), true);
  assert.equal(session.knows({ cookie: `other=1; ${cookie}` }), true);
  assert.equal(session.cookie('/queue/', false), `${cookie}; Path=/queue/; HttpOnly; SameSite=Strict`);
  assert.match(session.cookie('/', true), /; Secure$/);
  assert.ok(!cookie.includes(token), 'the cookie tells the token');
});

test('nobody else is known', () => {
  const [token, other] = [newToken(), newToken()];
  const session = new Session(token);
  const [name = ''] = session.cookie('/', false).split('=');

  assert.equal(session.isToken(''), false);
  assert.equal(session.isToken(token.slice(1)), false);
  assert.equal(session.isToken(`${token} `), false);
  assert.equal(session.knows({}), false);
  assert.equal(session.knows({ cookie: `${name}=${token}` }), false);
  assert.equal(session.knows({ cookie: new Session(other).cookie('/', false) }), false);
  assert.equal(session.knows({ authorization: `Bearer ${other}`, cookie: session.cookie('/', false) }), false);
  assert.notEqual(new Session(other).cookie('/', false).split('=')[0], name, 'two pages share a cookie');
});

test('a token that somebody has chosen is long enough, and fits into a header; it is never told', () => {
  assert.equal(checkToken('0123456789abcdef', '`token`'), '0123456789abcdef');
  assert.equal(checkToken(newToken(), '`token`').length, 32);
  for (const wrong of [
    '',
    'short',
    '0123456789abcde',
    '0123456789abcdef\n',
    'pass word pass word',
    'ünicode-ünicode-ü',
  ])
    assert.throws(
      () => checkToken(wrong, '`token`'),
      (error) => error instanceof UsageError && (wrong === '' || !error.message.includes(wrong)),
    );
});
