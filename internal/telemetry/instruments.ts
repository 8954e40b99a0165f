/** The metrics of the list as instruments of prom-client, and what keeps their labels few. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type Metric, METRICS } from "./metric-list.ts";

/** Names of a list whose metrics are of a kind. */
type NamesOf<List, K extends Metric["kind"]> = {
  [N in keyof List]: List[N] extends { kind: K } ? N : never;
}[keyof List] &
  string;

/** From a task that only says something to one that runs for hours. */
const BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1_800, 3_600, 14_400];
const MAX_VALUES = 100;
const OTHER = "other";

/** Makes the instruments of one list; each has to be asked for, or it is not exposed. */
export class Instruments<List extends Readonly<Record<string, Metric>>> {
  readonly #registers: Registry[];

  constructor(registry: Registry) {
    this.#registers = [registry];
  }

  counter(name: NamesOf<List, "counter">): Counter {
    return new Counter(this.#options(name));
  }

  histogram(name: NamesOf<List, "histogram">): Histogram {
    return new Histogram({ ...this.#options(name), buckets: BUCKETS });
  }

  /** `read` is asked whenever somebody looks; `undefined` is no value, and no line. */
  gauge(name: NamesOf<List, "gauge">, read: () => number | undefined): void {
    const gauge: Gauge = new Gauge({
      ...this.#options(name),
      collect: () => {
        const value = read();
        if (value === undefined) gauge.remove();
        else gauge.set(value);
      },
    });
  }

  /** One value for each value of the label. */
  gauges(name: NamesOf<List, "gauge">, read: () => Iterable<readonly [label: string, value: number]>): void {
    const { labelNames, ...options } = this.#options(name);
    const gauge: Gauge = new Gauge({
      ...options,
      labelNames,
      collect: () => {
        gauge.reset();
        const labels = boundedLabel();
        for (const [label, value] of read()) gauge.inc({ [labelNames[0] ?? ""]: labels(label) }, value);
      },
    });
  }

  #options(name: string): { name: string; help: string; labelNames: string[]; registers: Registry[] } {
    const metric = METRICS[name];
    if (metric === undefined) throw new Error(`internal: the metric '${name}' is not declared`);
    const { sentence, labels } = metric;
    return { name, help: sentence, labelNames: [...labels], registers: this.#registers };
  }
}

/** What definitions may name freely must not become a time series each: the first 100 values keep their names. */
export function boundedLabel(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= MAX_VALUES) return OTHER;
    known.add(value);
    return value;
  };
}
