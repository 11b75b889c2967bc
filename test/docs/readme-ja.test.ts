/** README.ja.md says in Japanese what README.md says: it is kept in step by what a program can compare. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const [ENGLISH, JAPANESE] = [read('README.md'), read('README.ja.md')];

const blocksOf = (text: string): readonly string[] =>
  [...text.matchAll(/^```[^\n]*\n[^]*?^```$/gm)].map(([block]) => block.replace(/(^|\s)(?:\/\/|#) .*$/gm, ''));
const proseOf = (text: string): string => text.replace(/^```[^\n]*\n[^]*?^```$/gm, '');
const headingsOf = (text: string): readonly number[] =>
  [...proseOf(text).matchAll(/^(#+) /gm)].map(([, marks = '']) => marks.length);
/** The first cells of tables that are code: what is listed there. */
const listedIn = (text: string): readonly string[] =>
  [...proseOf(text).matchAll(/^\| (`[^|]*)\|/gm)].map(([, cell = '']) => cell.match(/`[^`]+`/)?.[0] ?? '');
const picturesOf = (text: string): readonly string[] =>
  [...text.matchAll(/!\[[^\]]{20,}\]\((\S+\.(?:svg|webp))\)/g)].map(([, path = '']) => path);

test('the Japanese README has the headings of the English one', () => {
  assert.deepEqual(headingsOf(JAPANESE), headingsOf(ENGLISH));
  assert.ok(headingsOf(ENGLISH).length > 5);
});

test('its code is the same, but for comments', () => {
  assert.deepEqual(blocksOf(JAPANESE), blocksOf(ENGLISH));
  assert.ok(blocksOf(ENGLISH).length > 5);
});

test('its tables list the same, and it shows the same pictures', () => {
  assert.deepEqual(listedIn(JAPANESE), listedIn(ENGLISH));
  assert.ok(listedIn(ENGLISH).length > 20);
  assert.deepEqual(picturesOf(JAPANESE).toSorted(), picturesOf(ENGLISH).toSorted());
  assert.equal(picturesOf(ENGLISH).length, 5);
});

test('each links to the other', () => {
  assert.match(ENGLISH, /\]\(README\.ja\.md\)/);
  assert.match(JAPANESE, /\]\(README\.md\)/);
});
