/**
 * Metrics as the text that Prometheus reads: format 0.0.4, and OpenMetrics 1.0. Pure.
 *
 * Names are the same in both. In OpenMetrics a counter `x_total` belongs to the family `x`, which must be the only one of that name: where
 * a gauge is called so, the counter is told as of unknown type.
 */

type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** Times in buckets. */
export interface BucketSample {
  readonly labels?: Labels;
  /** How many times fell into each bucket; those at the end may be left out. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

interface About {
  /** As it stands before the samples; of a counter with `_total`, of an info with `_info`. */
  readonly name: string;
  /** One sentence without a full stop. */
  readonly help: string;
}

/** All samples of one name. */
export type Metric =
  | (About & { readonly type: 'gauge' | 'counter' | 'info'; readonly samples: readonly Sample[] })
  | (About & {
      readonly type: 'histogram';
      /** The upper bounds of all buckets but the last, rising. */
      readonly bounds: readonly number[];
      readonly samples: readonly BucketSample[];
    });

export type Format = 'prometheus' | 'openmetrics';

/** For the header `Content-Type`. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export function metricsText(metrics: readonly Metric[], format: Format): string {
  const names = new Set(metrics.map(({ name }) => name));
  const texts = metrics.map((metric) => [...headOf(metric, format, names), ...linesOf(metric, format)].join('\n'));
  return `${texts.join('\n')}\n${format === 'openmetrics' ? '# EOF\n' : ''}`;
}

const SUFFIX = /_(?:total|info)$/;
const UNIT = /_(seconds|bytes)$/;

function headOf({ name, type, help }: Metric, format: Format, names: ReadonlySet<string>): readonly string[] {
  if (format === 'prometheus')
    return [`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type === 'info' ? 'gauge' : type}`];
  const short = name.replace(SUFFIX, '');
  const isTaken = short !== name && names.has(short);
  const family = isTaken ? name : short;
  const unit = UNIT.exec(family)?.[1];
  return [
    `# TYPE ${family} ${isTaken ? 'unknown' : type}`,
    ...(unit === undefined ? [] : [`# UNIT ${family} ${unit}`]),
    `# HELP ${family} ${escapeValue(help)}`,
  ];
}

function linesOf(metric: Metric, format: Format): readonly string[] {
  const { name } = metric;
  if (metric.type !== 'histogram') return metric.samples.map(({ labels, value }) => line(name, labels, value));
  const { bounds, samples } = metric;
  return samples.flatMap(({ labels = {}, buckets, sum }) => {
    let count = 0;
    const upTo = [...bounds, Number.POSITIVE_INFINITY].map((bound, i) => {
      count += buckets[i] ?? 0;
      return line(`${name}_bucket`, { ...labels, le: boundText(bound, format) }, count);
    });
    return [...upTo, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)];
  });
}

function line(name: string, labels: Labels = {}, value: number): string {
  const texts = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`);
  return `${name}${texts.length === 0 ? '' : `{${texts.join(',')}}`} ${numberText(value)}`;
}

/** OpenMetrics writes bounds with a point: 1.0. */
function boundText(bound: number, format: Format): string {
  const text = numberText(bound);
  return format === 'openmetrics' && /^\d+$/.test(text) ? `${text}.0` : text;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', String.raw`\"`);
}
