/** The part of docs/performance.md that the bench writes, between two markers. Pure. */
import { overview, runText, scenarioText } from './table.mjs';

const BEGIN = '<!-- bench: begin (written by `npm run bench -- --update-docs`) -->';
const END = '<!-- bench: end -->';

/** @typedef {import('./table.mjs').Report & { readonly run: import('./machine.mjs').Run }} DatedReport */

/**
 * @param {string} page its text
 * @param {readonly DatedReport[]} reports in the order of the page
 * @returns {string} the new text
 * @throws Error when the page has no markers
 */
export function updatePage(page, reports) {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from === -1 || to < from) throw new Error(`Expected the page to have the lines ${BEGIN} and ${END}`);
  const blocks = reports.map((report) => `${scenarioText(report)}\n\n${runText(report.run)}`);
  const compared = overview(reports);
  const first = compared.length === 0 ? [] : [compared.join('\n')];
  return `${page.slice(0, from)}${[BEGIN, ...first, ...blocks, END].join('\n\n')}${page.slice(to + END.length)}`;
}

/**
 * The newest report of each scenario: one that was not run this time keeps its old one.
 *
 * @param {readonly DatedReport[]} old
 * @param {readonly DatedReport[]} fresh
 * @param {readonly string[]} order names of all scenarios; a report of any other is dropped
 * @returns {readonly DatedReport[]}
 */
export function merge(old, fresh, order) {
  const newest = new Map([...old, ...fresh].map((report) => [report.name, report]));
  return order.flatMap((name) => newest.get(name) ?? []);
}
