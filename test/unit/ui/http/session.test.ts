import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../../src/job/errors.ts';
import { checkToken, newToken, Session, throughDoor } from '../../../../src/ui/http/session.ts';

test('whoever has the token is known, by a header or by the cookie that it was changed for', () => {
  const token = newToken();
  const session = new Session(token);
  const [cookie = ''] = session.cookie('/queue/', false).split(';');

  assert.equal(session.isToken(token), true);
  const { door } = session;

  assert.equal(session.knows({ authorization: `Bearer ${token}` }, null), true);
  assert.equal(session.knows({ cookie: `other=1; ${cookie}` }, door), true);
  assert.equal(session.cookie('/queue/', false), `${cookie}; Path=/queue/door/${door}/; HttpOnly; SameSite=Strict`);
  assert.deepEqual(throughDoor(`/door/${door}/api/jobs`), { door, path: '/api/jobs' });
  assert.match(session.cookie('/', true), /; Secure$/);
  assert.ok(!cookie.includes(token) && !door.includes(token), 'the cookie or the door tells the token');
  assert.ok(!cookie.includes(door), 'the cookie tells the door');
});

test('nobody else is known', () => {
  const [token, other] = [newToken(), newToken()];
  const session = new Session(token);
  const { door } = session;
  const own = session.cookie('/', false);
  const [name = ''] = own.split('=');

  assert.equal(session.isToken(''), false);
  assert.equal(session.isToken(token.slice(1)), false);
  assert.equal(session.isToken(`${token} `), false);
  assert.equal(session.knows({}, door), false);
  assert.equal(session.knows({ cookie: `${name}=${token}` }, door), false);
  assert.equal(session.knows({ cookie: new Session(other).cookie('/', false) }, door), false);
  assert.equal(session.knows({ authorization: `Bearer ${other}`, cookie: own }, door), false);
  for (const wrong of [null, '', `${door}x`, new Session(other).door])
    assert.equal(session.knows({ cookie: own }, wrong), false, String(wrong));
  for (const path of [
    '/api/jobs',
    `/door/${door}`,
    `/door/${door}/page.js`,
    '/door//api/jobs',
    `/x/door/${door}/api/jobs`,
  ])
    assert.equal(throughDoor(path), null, path);
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
