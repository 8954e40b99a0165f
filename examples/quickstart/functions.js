/** Functions of the quickstart: workers load them by `--functions`. */

const OWN = ["stdout", "stderr", "exit_code"];

/** The outputs that one upstream task wrote, without what every bash task has. */
function outputsOf(params, task) {
  const prefix = `${task}__`;
  const entries = Object.entries(params)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), value]);
  return Object.fromEntries(entries.filter(([key]) => !OWN.includes(key)));
}

/** Converts each shop's sum into the currency that the run asks for. */
export function convert(params, { log }) {
  const rate = params.rates__body.rates[params.currency];
  if (rate === undefined) throw new Error(`no rate for ${params.currency}`);
  log(`1 EUR is ${rate} ${params.currency}`);
  const sums = Object.entries(outputsOf(params, "by_shop"));
  return Object.fromEntries(sums.map(([shop, sum]) => [shop, Math.round(Number(sum) * rate)]));
}

/** Puts everything together. */
export function report(params) {
  const shops = outputsOf(params, "convert");
  const products = Object.entries(outputsOf(params, "by_product"));
  const [best] = products.toSorted(([, a], [, b]) => Number(b) - Number(a));
  return {
    currency: params.currency,
    total: Object.values(shops).reduce((sum, value) => sum + value, 0),
    shops,
    best_product: best[0],
    rows: Number(params.check__rows),
    bad_rows: Number(params.check__bad_rows),
    archived: params.flaky__archived === "true",
  };
}
