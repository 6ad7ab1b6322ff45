/** What is counted while requests are made; `null` where nobody can tell. */
export interface Figures {
  connections: number | null;
  /** TLS handshakes with certificates. */
  full: number | null;
  /** TLS handshakes that went on with an earlier session. */
  resumed: number | null;
  /** Host names that were looked up. */
  lookups: number | null;
}

/** Nothing is known. */
export const UNKNOWN: Figures = {
  connections: null,
  full: null,
  resumed: null,
  lookups: null,
};

/** Adds up, figure by figure; with an unknown one, the sum is not known. */
export function sum(all: Figures[]): Figures {
  const add = (name: keyof Figures) =>
    all.reduce<number | null>(
      (total, { [name]: one }) =>
        total === null || one === null ? null : total + one,
      0,
    );
  return {
    connections: add("connections"),
    full: add("full"),
    resumed: add("resumed"),
    lookups: add("lookups"),
  };
}
