/** What a dry run says: shown before a command is sent. */
import type { DryRun } from "../api/types.ts";
import { StateChip } from "../ui/chip.tsx";
import { inWords } from "../ui/format.ts";
import { Time } from "../ui/time.tsx";
import { orderMeanings } from "../orders/meanings.ts";
import styles from "./place.module.css";

/** What would happen. */
export function Prediction({ prediction }: { readonly prediction: DryRun }) {
  const { accepted, after, before, effects, events, guards, machines, refusal, timers } = prediction;
  return (
    <div className={styles["result"]} role="status">
      <h3>{accepted ? "It would be accepted" : `It would be refused: ${inWords(refusal?.code ?? "")}`}</h3>
      {after && (
        <p>
          {before && (
            <>
              <StateChip meaning={orderMeanings[before.status]} label={before.status} /> →{" "}
            </>
          )}
          <StateChip meaning={orderMeanings[after.status]} label={after.status} />
        </p>
      )}
      <ul>
        {machines.map(({ from, machine, to }, at) => (
          <li key={`${machine} ${at}`}>
            <span className="dim">{machine}</span>
            <span className="mono">{from === null ? text(to) : `${text(from)} → ${text(to)}`}</span>
          </li>
        ))}
        {events.map((event, at) => (
          <li key={`event ${at}`}>
            <span className="dim">publishes</span> <span className="mono">{event}</span>
          </li>
        ))}
        {effects.map(({ key, name }) => (
          <li key={key}>
            <span className="dim">calls</span> <span className="mono">{name}</span>
          </li>
        ))}
        {timers.map(({ dueAt, name }) => (
          <li key={name}>
            <span className="dim">timer</span> <span className="mono">{name}</span> <Time at={dueAt} />
          </li>
        ))}
        {!accepted &&
          guards.map(({ event, guard, machine, state, verdict }) => (
            <li key={`${machine} ${state} ${event} ${guard}`}>
              <span className="dim">
                {machine} {state}
              </span>
              <span className="mono">
                {event} [{guard}]
              </span>
              {verdict ? "yes" : "no"}
            </li>
          ))}
      </ul>
    </div>
  );
}

const text = (state: unknown): string => (typeof state === "string" ? state : (JSON.stringify(state) ?? "–"));
