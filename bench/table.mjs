/** The bench's words: figures as people read them, and a scenario as Markdown. Pure. */
import { summary, valuesOf } from './figures.mjs';

/**
 * @typedef {object} Report of one scenario
 * @property {string} name
 * @property {string} title
 * @property {string} figure
 * @property {string} unit
 * @property {readonly (import('./figures.mjs').Result & { readonly kind: string, readonly figure?: string, readonly unit?: string })[]} results
 * @property {readonly import('./figures.mjs').Judgement[]} judgements
 * @property {readonly Row[]} [rows]
 *
 * @typedef {object} Row of the table that compares all queues
 * @property {string} text what they do
 * @property {string} figure
 * @property {string} unit
 * @property {Readonly<Record<string, string>>} cells by the queue, which is the column: the contestant that does it
 */

/**
 * Three digits that count, with separators: '12,300', '0.35', '47'.
 *
 * @param {number} value
 */
export function number(value) {
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) >= 1_000 ? Math.round(rounded).toLocaleString('en-US') : String(rounded);
}

/**
 * @param {Report} report
 * @returns {string} Markdown: what each contestant did, then what was wanted
 */
export function scenarioText({ title, figure, unit, results, judgements }) {
  const rows = results.map((result) => {
    const { name, kind, missing } = result;
    const found = summary(valuesOf(result, result.figure ?? figure));
    if (found === null) return [name, kind, missing ?? '–', ''];
    return [
      name,
      kind,
      `${number(found.median)} ${result.unit ?? unit}`,
      `${number(found.min)} – ${number(found.max)}`,
    ];
  });
  const targets = judgements.map(({ target, against, summary: found, verdict, reason }) => [
    target.text,
    found === null ? (reason ?? '') : `${measured(target, found.median)} (${number(found.min)} – ${number(found.max)})`,
    against !== null && Array.isArray(target.to) ? `${verdict} (${against})` : verdict,
  ]);
  return [
    `### ${title}`,
    '',
    ...table(['who', 'what', 'median', 'min – max'], rows),
    '',
    ...table(['target', 'measured (min – max)', 'verdict'], targets),
  ].join('\n');
}

/**
 * The rows of several scenarios in one table, with a column for each queue. No row, no table.
 *
 * @param {readonly Report[]} reports
 * @returns {readonly string[]} lines
 */
export function overview(reports) {
  const rows = reports.flatMap((report) => (report.rows ?? []).map((row) => ({ ...row, report })));
  const queues = [...new Set(rows.flatMap(({ cells }) => Object.keys(cells)))];
  if (rows.length === 0) return [];
  return table(
    ['median', ...queues],
    rows.map(({ text, unit, figure, cells, report }) => [
      `${text}, ${unit}`,
      ...queues.map((queue) => medianOf(report.results, cells[queue], figure)),
    ]),
  );
}

/** Empty where the queue does not take part, a dash where it has no figures. */
function medianOf(results, name, figure) {
  if (name === undefined) return '';
  const result = results.find((each) => each.name === name);
  const found = result === undefined ? null : summary(valuesOf(result, figure));
  return found === null ? '–' : number(found.median);
}

function measured({ kind, unit = '' }, value) {
  if (kind === 'ratio') return `${number(value)} ×`;
  return `${number(value)} ${unit}`.trim();
}

/**
 * A Markdown table, padded as prettier pads it.
 *
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 * @returns {readonly string[]} lines
 */
export function table(head, rows) {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')));
  const widths = head.map((_, column) => Math.max(3, ...escaped.map((row) => [...(row[column] ?? '')].length)));
  const line = (row) => `| ${widths.map((width, column) => pad(row[column] ?? '', width)).join(' | ')} |`;
  const [first = [], ...others] = escaped;
  return [line(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...others.map(line)];
}

function pad(text, width) {
  return text + ' '.repeat(Math.max(0, width - [...text].length));
}

/**
 * @param {import('./machine.mjs').Run} run
 * @returns {string} one paragraph: the command and the machine
 */
export function runText(run) {
  const { command, date, cores, cpu, memoryGb, fileSystem, system, node, commit } = run;
  return `\`${command}\`, ${date} UTC, commit ${commit}: ${cores} cores (${cpu}), ${memoryGb} GB, ${fileSystem}, ${system}, Node.js ${node}.`;
}
