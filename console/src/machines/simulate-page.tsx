/** What an order would do, step by step: nothing is written, and no call is made. */
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { Link } from "wouter";
import { send } from "../api/client.ts";
import type { Simulate, Simulation } from "../api/types.ts";
import { Page } from "../app/page.tsx";
import { machineKinds, useCharts } from "../charts/chart-queries.ts";
import type { CommitSteps } from "../charts/path.ts";
import { eventText } from "../charts/labels.ts";
import { MarkIcon, verdictOf } from "../charts/marks.tsx";
import { stateTitle } from "../charts/machine-chart.ts";
import { upTo } from "../order/instants.ts";
import { MachinePanel } from "../order/machine-panel.tsx";
import { historyQuery } from "../order/order-queries.ts";
import { Button, buttonClass, IconButton } from "../ui/button.tsx";
import { SelectField, TextArea, TextField } from "../ui/field.tsx";
import { Failure, Skeleton } from "../ui/panel.tsx";
import { choiceParam, patternParam, searchCodec, textParam } from "../url/search-codec.ts";
import { useSearchState } from "../url/use-search-state.ts";
import {
  answerOf,
  eventsFor,
  fieldsOfEvent,
  parsed,
  readSteps,
  type Step,
  type StepResult,
  stepText,
  writeSteps,
} from "./steps.ts";
import styles from "./machines.module.css";

const methods = ["credit_card", "debit_card", "tokenized", "async", "cash_on_delivery", "in_person"] as const;
const FROM = /^ord_[A-Za-z0-9_-]{1,64}@[1-9]\d{0,8}$/u;

const codec = searchCodec({
  /** A stored order at one of its records: `ord_X@17`; without it a new one. */
  from: patternParam(FROM),
  method: choiceParam(methods),
  mode: choiceParam(["manual", "auto"]),
  e: textParam,
  /** The step that is shown; without it the last one. */
  step: patternParam(/^\d{1,3}$/u),
});

/** The page. */
export default function SimulatePage({ params }: { readonly params: Readonly<Record<string, string>> }) {
  const { kind = "order" } = params;
  const [search, setSearch] = useSearchState(codec);
  const { charts, error, retry } = useCharts();
  const steps = useMemo(() => readSteps(search.e), [search.e]);
  const body = useMemo((): Simulate => {
    const [orderId = "", version] = search.from.split("@");
    const from =
      search.from === ""
        ? { kind, input: { method: search.method, mode: search.mode, stepDelayMs: 1500 } }
        : { orderId, version: Number(version) };
    return { from, steps: [...steps] };
  }, [kind, search.from, search.method, search.mode, steps]);
  const run = useQuery({
    queryKey: ["simulate", body],
    queryFn: async ({ signal }) =>
      (await send<Simulation>("/v1/machines/simulate", { method: "POST", body, signal })).body,
    placeholderData: (before) => before,
  });
  const [storedId = "", storedAt = "0"] = search.from.split("@");
  const stored = useQuery({ ...historyQuery(storedId), enabled: search.from !== "" });
  const before = useMemo(
    () => (search.from === "" ? [] : upTo(stored.data ?? [], Number(storedAt))),
    [search.from, stored.data, storedAt],
  );
  const results = run.data?.results ?? [];
  const at = search.step === "" ? results.length - 1 : Math.min(Number(search.step), results.length - 1);
  const set = (next: readonly Step[]): void => setSearch({ e: writeSteps(next), step: "" });
  const last = results.at(-1);
  const failed = run.error ?? error;
  return (
    <Page
      title={`Simulate ${kind}`}
      actions={
        <Link href={`/machines/${kind}`} className={buttonClass ?? ""}>
          The machine
        </Link>
      }
    >
      <p className="dim">
        Nothing is written, and no call is made. The address holds all of it: send it to show the same steps.
      </p>
      <div className={styles["simulator"]}>
        <section className={styles["info"]} aria-label="Steps">
          <Beginning search={search} onChange={(change) => setSearch({ ...change, e: "", step: "" })} />
          <h2>Steps</h2>
          <ol className={styles["steps"]}>
            {results.map((result, place) => (
              <li key={`${place}`} data-at={place === at || undefined}>
                <button
                  type="button"
                  aria-current={place === at ? "step" : undefined}
                  onClick={() => setSearch({ step: `${place}` })}
                >
                  <MarkIcon name={result.accepted ? "done" : "failed"} />
                  {place === 0 ? "the beginning" : stepText(steps[place - 1] ?? {})}
                </button>
                {place > 0 && place === results.length - 1 && (
                  <IconButton
                    icon="close"
                    label="Take the last step back"
                    onClick={() => set(steps.slice(0, -1))}
                  />
                )}
              </li>
            ))}
          </ol>
          {run.data?.complete === false && <p role="status">The time was up before the last step.</p>}
          {last && charts && <Next charts={charts} result={last} onStep={(step) => set([...steps, step])} />}
        </section>
        <div className={styles["outcome"]}>
          {failed ? (
            <Failure
              error={failed}
              retry={() => {
                void run.refetch();
                retry();
              }}
            />
          ) : !charts || results.length === 0 ? (
            <Skeleton lines={10} />
          ) : (
            <Outcome
              before={before}
              charts={charts}
              results={results}
              at={at}
              onGo={(step) => setSearch({ step: `${step}` })}
            />
          )}
        </div>
      </div>
    </Page>
  );
}

function Beginning({
  onChange,
  search,
}: {
  readonly search: {
    readonly from: string;
    readonly method: (typeof methods)[number];
    readonly mode: "manual" | "auto";
  };
  readonly onChange: (change: {
    from?: string;
    method?: (typeof methods)[number];
    mode?: "manual" | "auto";
  }) => void;
}) {
  const [text, setText] = useState(search.from);
  return (
    <>
      <TextField
        label="From an order at a record"
        hint="ord_…@17; empty: a new order"
        value={text}
        autoComplete="off"
        fault={text === "" || FROM.test(text) ? undefined : "It has to be like ord_…@17"}
        onChange={({ target }) => {
          setText(target.value);
          if (target.value === "" || FROM.test(target.value)) onChange({ from: target.value });
        }}
      />
      {search.from === "" && (
        <div className={styles["two"]}>
          <SelectField
            label="Paid by"
            value={search.method}
            onChange={({ target }) => onChange({ method: target.value as (typeof methods)[number] })}
          >
            {methods.map((method) => (
              <option key={method} value={method}>
                {method}
              </option>
            ))}
          </SelectField>
          <SelectField
            label="Fulfillment"
            value={search.mode}
            onChange={({ target }) => onChange({ mode: target.value as "manual" | "auto" })}
          >
            <option value="manual">manual</option>
            <option value="auto">auto</option>
          </SelectField>
        </div>
      )}
    </>
  );
}

/** What can happen next: outcomes of open calls, timers, events; with a form for what it says. */
function Next({
  charts,
  onStep,
  result,
}: {
  readonly charts: NonNullable<ReturnType<typeof useCharts>["charts"]>;
  readonly result: StepResult;
  readonly onStep: (step: Step) => void;
}) {
  const [chosen, setChosen] = useState<{
    readonly kind: "event" | "effect";
    readonly name: string;
    readonly machine?: string;
  }>();
  const [text, setText] = useState("");
  const choose = (next: NonNullable<typeof chosen>): void => {
    setChosen(next);
    setText(next.kind === "event" ? fieldsOfEvent(next.name) : answerOf(next.name));
  };
  const value = parsed(text);
  const isObject = typeof value?.value === "object" && value.value !== null && !Array.isArray(value.value);
  const isGood = chosen?.kind === "event" ? isObject : value !== undefined;
  const sendChosen = (): void => {
    if (!chosen || !value || !isGood) return;
    const { kind, machine, name } = chosen;
    if (kind === "effect") onStep({ effect: name, output: value.value });
    else
      onStep({
        event: name,
        ...(machine === undefined ? {} : { machine }),
        data: value.value as Record<string, unknown>,
      });
    setChosen(undefined);
  };
  return (
    <>
      <h2>What happens next</h2>
      {result.open.effects.map(({ name }) => (
        <div key={name} className={styles["next"]}>
          <MarkIcon name="call" />
          <span>{name}</span>
          <Button onClick={() => choose({ kind: "effect", name })}>answers…</Button>
          <Button onClick={() => onStep({ effect: name, error: { code: "simulated", kind: "refused" } })}>
            is refused
          </Button>
          <Button onClick={() => onStep({ effect: name, error: { code: "simulated", kind: "retryable" } })}>
            fails
          </Button>
        </div>
      ))}
      {result.open.timers.map(({ name }) => (
        <div key={name} className={styles["next"]}>
          <MarkIcon name="time" />
          <Button onClick={() => onStep({ timer: name })}>{stepText({ timer: name })}</Button>
        </div>
      ))}
      {machineKinds.map((machine) => {
        const index = charts.get(machine);
        const events = index ? eventsFor(index, result.states[machine]) : [];
        return (
          events.length > 0 && (
            <div key={machine} className={styles["next"]}>
              <span className="dim">{machine}</span>
              {events.map((name) => (
                <Button key={name} onClick={() => choose({ kind: "event", name, machine })}>
                  {name}
                </Button>
              ))}
            </div>
          )
        );
      })}
      {chosen && (
        <form
          className={styles["chosen"]}
          onSubmit={(event) => {
            event.preventDefault();
            sendChosen();
          }}
        >
          <TextArea
            label={`${chosen.name} ${chosen.kind === "event" ? "with" : "answers"} (JSON)`}
            rows={5}
            value={text}
            spellCheck={false}
            fault={isGood ? undefined : "It has to be JSON"}
            onChange={({ target }) => setText(target.value)}
          />
          <div className={styles["next"]}>
            <Button kind="primary" type="submit" disabled={!isGood}>
              Take this step
            </Button>
            <Button kind="quiet" onClick={() => setChosen(undefined)}>
              Close
            </Button>
          </div>
        </form>
      )}
    </>
  );
}

function Outcome({
  at,
  before,
  charts,
  onGo,
  results,
}: {
  /** What the stored order has done until the simulation begins. */
  readonly before: readonly CommitSteps[];
  readonly charts: NonNullable<ReturnType<typeof useCharts>["charts"]>;
  readonly results: readonly StepResult[];
  readonly at: number;
  readonly onGo: (step: number) => void;
}) {
  const first = before.at(-1)?.version ?? 0;
  const commits = useMemo(
    () => [
      ...before,
      ...results
        .slice(0, at + 1)
        .map(({ machines }, step) => ({ version: first + step, transitions: machines })),
    ],
    [at, before, first, results],
  );
  const shown = results[at];
  if (!shown) return null;
  return (
    <>
      <div className={styles["panels"]}>
        {machineKinds.map((kind) => {
          const index = charts.get(kind);
          return (
            index && (
              <MachinePanel
                key={kind}
                index={index}
                commits={commits}
                at={{ value: shown.states[kind], next: new Map() }}
                view="path"
                status={() => (at === 0 ? "the beginning" : `after step ${at}`)}
                since={before.length === 0 ? undefined : { version: first, value: results[0]?.states[kind] }}
                onPick={(version) => onGo(Math.max(0, version - first))}
              />
            )
          );
        })}
      </div>
      <section className={styles["info"]} aria-label={`Step ${at}`}>
        <h2>{at === 0 ? "The beginning" : `Step ${at}`}</h2>
        {!shown.accepted && (
          <p role="status">Not accepted: {shown.why ?? "no machine takes it now"}. Nothing has changed.</p>
        )}
        <dl className={styles["facts"]}>
          {shown.events.length > 0 && (
            <>
              <dt>Events</dt>
              <dd>{shown.events.join(", ")}</dd>
            </>
          )}
          {shown.effects.length > 0 && (
            <>
              <dt>Calls</dt>
              <dd>{shown.effects.join(", ")}</dd>
            </>
          )}
          {shown.timers.length > 0 && (
            <>
              <dt>Timers</dt>
              <dd>{shown.timers.map((timer) => stepText({ timer }).replace("timer ", "")).join(", ")}</dd>
            </>
          )}
          {shown.guards.length > 0 && (
            <>
              <dt>Conditions</dt>
              <dd>
                {shown.guards.map(({ event, guard, machine, state, verdict }, place) => (
                  <div key={`${place}`} data-verdict={verdictOf(verdict).name}>
                    <MarkIcon name={verdictOf(verdict).name} /> {guard} says {verdict ? "yes" : "no"}{" "}
                    <span className="dim">
                      {machine} {stateTitle(state)} on {eventText(event)}
                    </span>
                  </div>
                ))}
              </dd>
            </>
          )}
        </dl>
      </section>
    </>
  );
}
