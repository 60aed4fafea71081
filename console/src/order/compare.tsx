/** What differs between two instants of an order: states, and what the machines remember. */
import { useQuery } from "@tanstack/react-query";
import { Button } from "../ui/button.tsx";
import { inputClass } from "../ui/field.tsx";
import { Failure, Skeleton } from "../ui/panel.tsx";
import type { HistoryItem } from "../api/types.ts";
import { differences } from "./context-diff.ts";
import { instantQuery } from "./order-queries.ts";
import styles from "./order.module.css";

/** The choice of the instant that is compared with. */
export function CompareWith({
  at,
  commits,
  onChoose,
  version,
}: {
  readonly commits: readonly HistoryItem[];
  readonly at: number;
  readonly version: number | undefined;
  readonly onChoose: (version: number | undefined) => void;
}) {
  return (
    <label className={styles["compareWith"]}>
      <span>Compare with</span>
      <select
        className={inputClass}
        value={version ?? ""}
        onChange={({ target }) => onChoose(target.value === "" ? undefined : Number(target.value))}
      >
        <option value="">nothing</option>
        {commits
          .filter((commit) => commit.version !== at)
          .toReversed()
          .map((commit) => (
            <option key={commit.version} value={commit.version}>
              record {commit.version}
            </option>
          ))}
      </select>
    </label>
  );
}

/** The differences of two instants. */
export function Compare({
  at,
  id,
  onEnd,
  version,
}: {
  readonly id: string;
  readonly at: number;
  readonly version: number;
  readonly onEnd: () => void;
}) {
  const [before, after] = [useQuery(instantQuery(id, version)), useQuery(instantQuery(id, at))];
  const error = before.error ?? after.error;
  if (error) return <Failure error={error} />;
  if (!before.data || !after.data) return <Skeleton lines={3} />;
  const found = Object.keys(after.data.machines).map((machine) => ({
    machine,
    changes: differences(before.data.machines[machine], after.data.machines[machine]),
  }));
  const rows = found.flatMap(({ changes, machine }) => changes.map((change) => ({ machine, ...change })));
  return (
    <section className={styles["compare"]} aria-label="Comparison">
      <header>
        <h3>
          Record {version} and record {at}
        </h3>
        <Button kind="quiet" icon="close" onClick={onEnd}>
          End the comparison
        </Button>
      </header>
      {rows.length === 0 ? (
        <p className="dim">The machines have the same states and remember the same.</p>
      ) : (
        <div className={styles["scrolls"]}>
          <table className={styles["plain"]}>
            <caption className="visually-hidden">Differences</caption>
            <thead>
              <tr>
                <th scope="col">Machine</th>
                <th scope="col">What</th>
                <th scope="col">Record {version}</th>
                <th scope="col">Record {at}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ after, before, machine, path }) => (
                <tr key={`${machine} ${path}`}>
                  <td>{machine}</td>
                  <td>{path.replace(/^context\./u, "")}</td>
                  <td className="mono">{before ?? <span className="dim">not there</span>}</td>
                  <td className="mono">{after ?? <span className="dim">not there</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
