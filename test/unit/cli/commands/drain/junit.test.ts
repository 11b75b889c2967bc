import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { junitText } from '../../../../../src/cli/commands/drain/junit.ts';
import { report, trouble } from './fixtures.ts';

/** What is used of it: its own declarations do not compile without `skipLibCheck`. */
interface Parser {
  on(event: 'error', act: (error: Error) => void): void;
  on(
    event: 'opentag',
    act: (tag: { readonly name: string; readonly attributes: Readonly<Record<string, string>> }) => void,
  ): void;
  on(event: 'closetag', act: () => void): void;
  on(event: 'text', act: (text: string) => void): void;
  write(xml: string): { close(): void };
}

const { SaxesParser } = createRequire(import.meta.url)('saxes') as { readonly SaxesParser: new () => Parser };

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** By a parser that refuses whatever XML 1.0 forbids. @throws where the text is no XML */
function parse(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes: { ...attributes }, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', (text) => {
    const last = open.at(-1);
    if (last !== undefined) last.text += text;
  });
  parser.write(xml).close();
  return root;
}

function find(element: Element, name: string): readonly Element[] {
  return element.children.flatMap((child) => [...(child.name === name ? [child] : []), ...find(child, name)]);
}

describe('a JUnit report', () => {
  test('has a suite for each task, and a case for each job', () => {
    const xml = junitText(
      report({
        tasks: [
          { task: 'add', succeeded: 2, failed: 0, revoked: 0, expired: 0, ms: 1_500 },
          { task: 'send', succeeded: 0, failed: 1, revoked: 1, expired: 0, ms: 20 },
        ],
        good: [
          { id: 'a1', task: 'add', state: 'succeeded', attempts: 1, ms: 500 },
          { id: 'a2', task: 'add', state: 'succeeded', attempts: 3, ms: 1_000 },
        ],
        troubles: [
          trouble({
            id: 's1',
            error: { name: 'TypeError', message: 'no <way> & "so"', stack: 'TypeError: no\n    at f' },
            output: [
              { atMs: 0, stream: 'stdout', text: 'out 1' },
              { atMs: 0, stream: 'stderr', text: 'err' },
              { atMs: 0, stream: 'stdout', text: 'out 2' },
            ],
          }),
          trouble({ id: 's2', state: 'revoked', error: { name: 'RevokedError', message: 'no more' } }),
        ],
        places: new Map([['send', { file: '/p/tasks.ts', line: 7 }]]),
      }),
    );

    const root = parse(xml);
    const [all] = find(root, 'testsuites');
    assert.deepEqual(all?.attributes, {
      name: 'fsq',
      tests: '4',
      failures: '1',
      errors: '0',
      skipped: '1',
      time: '3.200',
    });
    const suites = find(root, 'testsuite').map(({ attributes, children }) => ({
      ...attributes,
      cases: children.length,
    }));
    const common = { errors: '0', timestamp: '2026-11-27T01:02:03', hostname: 'localhost' };
    assert.deepEqual(suites, [
      { ...common, name: 'add', tests: '2', failures: '0', skipped: '0', time: '1.500', cases: 2 },
      {
        ...common,
        name: 'send',
        tests: '2',
        failures: '1',
        skipped: '1',
        time: '0.020',
        file: '/p/tasks.ts',
        line: '7',
        cases: 2,
      },
    ]);
    const cases = find(root, 'testcase');
    assert.deepEqual(
      cases.map(({ attributes }) => attributes['name']),
      ['a1', 'a2', 's1', 's2'],
    );
    assert.deepEqual(cases[2]?.attributes, {
      name: 's1',
      classname: 'send',
      time: '0.020',
      file: '/p/tasks.ts',
      line: '7',
    });
    assert.deepEqual(find(cases[1] ?? root, 'property')[0]?.attributes, { name: 'attempts', value: '3' });
    const [failure] = find(root, 'failure');
    assert.deepEqual(failure?.attributes, { type: 'TypeError', message: 'TypeError: no <way> & "so"' });
    assert.equal(failure?.text, 'TypeError: no\n    at f');
    assert.equal(find(root, 'system-out')[0]?.text, 'out 1\nout 2');
    assert.equal(find(root, 'system-err')[0]?.text, 'err');
    assert.equal(find(root, 'skipped')[0]?.attributes['message'], 'revoked: RevokedError: no more');
  });

  test('is XML whatever the texts are: each character of Unicode, alone and in a pair', () => {
    const controls = Array.from({ length: 0x110 }, (_, code) => String.fromCharCode(code)).join('');
    const evil = `${controls}\ud800 \udfff \ufdd0\ufffe\uffff 👩‍👩‍👧 \u{1ffff} ]]> <!-- --> ?> \r\n\t"'&<>`;
    const xml = junitText(
      report({
        tasks: [{ task: evil, succeeded: 0, failed: 1, revoked: 0, expired: 0, ms: 0 }],
        troubles: [
          trouble({
            task: evil,
            error: { name: evil, message: evil, stack: evil },
            output: [{ atMs: 0, stream: 'stdout', text: evil }],
          }),
        ],
        places: new Map([[evil, { file: evil, line: 1 }]]),
      }),
    );

    const root = parse(xml);
    const [failure] = find(root, 'failure');
    // eslint-disable-next-line no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(xml, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/);
    assert.match(failure?.text ?? '', /^\\u\{0\}\\u\{1\}/);
    assert.match(failure?.text ?? '', /\\u\{d800\} \\u\{dfff\} \\u\{fdd0\}\\u\{fffe\}\\u\{ffff\} 👩‍👩‍👧/);
    assert.ok(
      find(root, 'testsuite')[0]?.attributes['name']?.endsWith(`\r\n\t"'&<>`),
      'line ends of attributes are kept',
    );
  });

  test('is there also when nothing ran', () => {
    assert.equal(find(parse(junitText(report())), 'testsuites')[0]?.attributes['tests'], '0');
  });
});
