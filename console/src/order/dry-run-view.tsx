/** What an action would do: states before and after, events, calls, timers, and the conditions that say no. */
import { eventText } from "../charts/labels.ts";
import { leavesOf, stateTitle } from "../charts/machine-chart.ts";
import { MarkIcon, verdictOf } from "../charts/marks.tsx";
import type { DryRun } from "../api/types.ts";
import { orderMeanings } from "../orders/meanings.ts";
import { StateChip } from "../ui/chip.tsx";
import { inWords } from "../ui/format.ts";
import { Time } from "../ui/time.tsx";
import { timerName } from "./commits.ts";
import styles from "./order.module.css";

/** Draws it. */
export function DryRunView({ run }: { readonly run: DryRun }) {
  const { accepted, basedOn, effects, events, machines, refusal, timers } = run;
  const { detail } = (refusal ?? {}) as { readonly detail?: string };
  const [before, after] = [run.before?.status, run.after?.status];
  return (
    <section className={styles["dryRun"]} data-accepted={accepted} aria-label="What would happen">
      <h3>
        <MarkIcon name={accepted ? "done" : "failed"} />
        {accepted ? "What would happen" : "It would be refused"}
        <span className="dim">
          record {basedOn.version}
          {basedOn.source === "stored" && ", from what is stored: no owner answered"}
        </span>
      </h3>
      {refusal && <p>{detail ?? inWords(refusal.code)}</p>}
      {before && after && before !== after && (
        <p className={styles["change"]}>
          <span className="dim">order status</span>
          <StateChip meaning={orderMeanings[before]} label={before} />
          <span aria-label="becomes">→</span>
          <StateChip meaning={orderMeanings[after]} label={after} />
        </p>
      )}
      <Guards run={run} />
      {machines.length > 0 && (
        <table className={styles["plain"]}>
          <caption className="visually-hidden">Steps of the machines</caption>
          <thead>
            <tr>
              <th scope="col">Machine</th>
              <th scope="col">Before</th>
              <th scope="col">After</th>
              <th scope="col">Event</th>
            </tr>
          </thead>
          <tbody>
            {machines.map(({ event = "", from, machine, to }, at) => (
              <tr key={`${machine} ${at}`}>
                <td>{machine}</td>
                <td>{stateTitle(leavesOf(from)[0] ?? "–")}</td>
                <td>
                  <strong>{stateTitle(leavesOf(to)[0] ?? "–")}</strong>
                </td>
                <td className="dim">{eventText(event)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <dl className={styles["facts"]}>
        {events.length > 0 && (
          <>
            <dt>Events</dt>
            <dd>{events.join(", ")}</dd>
          </>
        )}
        {effects.length > 0 && (
          <>
            <dt>Calls</dt>
            <dd>
              {effects.map(({ key, name }) => (
                <div key={key}>
                  {name} <span className="dim mono">key {key}</span>
                </div>
              ))}
            </dd>
          </>
        )}
        {timers.length > 0 && (
          <>
            <dt>Timers</dt>
            <dd>
              {timers.map(({ dueAt, name }) => (
                <div key={name}>
                  {timerName(name)} <Time at={dueAt} />
                </div>
              ))}
            </dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** Conditions that were checked; those that say no come with what they belong to. */
function Guards({ run: { accepted, guards, refusal } }: { readonly run: DryRun }) {
  const { guards: refused = [] } = (refusal ?? {}) as { readonly guards?: DryRun["guards"] };
  const shown = accepted ? guards : refused.length > 0 ? refused : guards;
  if (shown.length === 0) return null;
  return (
    <ul className={styles["guards"]} aria-label="Conditions">
      {shown.map(({ event, guard, machine, state, verdict }, at) => (
        <li key={`${machine} ${state} ${guard} ${at}`} data-verdict={verdictOf(verdict).name}>
          <MarkIcon name={verdictOf(verdict).name} />
          <span>
            <strong>{guard}</strong> says {verdict ? "yes" : "no"}{" "}
            <span className="dim">
              {machine} {stateTitle(state)} on {eventText(event)}
            </span>
          </span>
        </li>
      ))}
    </ul>
  );
}
