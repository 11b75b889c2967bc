/** What a program gives may refuse to be looked at. It is refused as anything wrong is: by an error of fsq, which says what was wanted. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { chain, chord, createApp, group } from '../../../src/index.ts';
import { peek } from '../../../src/job/values/realm.ts';

const revocable = [Proxy.revocable({}, {}), Proxy.revocable([], {}), Proxy.revocable(() => 1, {})];
for (const { revoke } of revocable) revoke();
const HOSTILE = revocable.map(({ proxy }) => proxy as never);

const app = createApp({ spool: '/nowhere', alwaysEager: true });
const echo = app.task('hostile.echo', (given: string) => given);

const OF_TASK =
  'queue priority retries backoff onCrash expires timeLimit softTimeLimit unique resultTtl ignoreResult concurrency rateLimit';
const OF_CALL =
  'queue priority retries backoff onCrash expires timeLimit unique resultTtl headers countdown eta after key';

const wrong: readonly (readonly [what: string, use: (hostile: never) => unknown])[] = [
  ...OF_TASK.split(' ').map(
    (key) =>
      [
        `the option ${key} of a task`,
        (hostile: never) => app.task(`hostile.${key}`, { [key]: hostile }, () => 1),
      ] as const,
  ),
  ...OF_CALL.split(' ').map(
    (key) => [`the option ${key} of a call`, (hostile: never) => echo.applyAsync(['x'], { [key]: hostile })] as const,
  ),
  ['an error class of a task', (hostile) => app.task('hostile.retryOn', { retryOn: [hostile] }, () => 1)],
  ['the options of a task', (hostile) => app.task('hostile.options', hostile, () => 1)],
  ['the options of a call', (hostile) => echo.applyAsync(['x'], hostile)],
  ['an argument', (hostile) => echo.delay(hostile)],
  ['the arguments', (hostile) => echo.applyAsync(hostile)],
  ['the calls', (hostile) => echo.delayMany(hostile)],
  ['a step', (hostile) => chain(echo.s('x'), hostile)],
  ['the members of a group', (hostile) => group(hostile)],
  ['the members of a chord', (hostile) => chord(hostile, echo.s('x') as never)],
  ['the items of a map', (hostile) => echo.map(hostile)],
  ['the settings', (hostile) => createApp(hostile)],
];

describe('refused with what was wanted is', () => {
  for (const [what, use] of wrong) {
    test(what, async () => {
      for (const hostile of HOSTILE) {
        const error: unknown = await Promise.resolve()
          .then(() => use(hostile))
          .then(
            () => null,
            (thrown: unknown) => thrown,
          );

        assert.match(String(peek(error, 'code')), /^FSQ_/, String(peek(error, 'stack')));
      }
    });
  }
});
