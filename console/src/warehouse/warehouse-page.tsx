/**
 * The warehouse: one step for one order at a time. A scanner alone can drive it: a scan opens an order or counts a
 * piece, and Enter without a scan does the step.
 */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { command } from "../api/orders.ts";
import { problemOf } from "../api/problem.ts";
import { orderQuery, ordersQuery } from "../api/queries.ts";
import type { Order } from "../api/types.ts";
import { useTitle } from "../app/page.tsx";
import { useStored } from "../app/stored.ts";
import { useTopic } from "../live/use-live.ts";
import { useThrottled } from "../live/use-throttled.ts";
import { useSearchState } from "../url/use-search-state.ts";
import { Queue, StepTabs } from "./queue.tsx";
import { type Counted, isComplete, readScan, type StepName, stepOf, steps, warehouseCodec } from "./steps.ts";
import { playTone } from "./tone.ts";
import { Work } from "./work.tsx";
import styles from "./warehouse.module.css";

const QUEUE = 100;
const RENEW_MS = 800;

type Said = { readonly kind: "right" | "wrong" | "plain"; readonly text: string };
const greeting: Said = { kind: "plain", text: "Scan an order, or choose one." };

/** The page. */
export default function WarehousePage() {
  useTitle("Warehouse");
  const client = useQueryClient();
  const [{ order: id, step: name }, set] = useSearchState(warehouseCodec);
  const step = steps[name];
  const queue = useQuery(ordersQuery({ ...step.filter, sort: "createdAt", limit: QUEUE }));
  const order = useQuery({ ...orderQuery(id), enabled: id !== "" });
  const [counted, setCounted] = useState<Counted>({});
  const [said, setSaid] = useState(greeting);
  const [busy, setBusy] = useState(false);
  const [sound, setSound] = useStored("sound", ["off", "on"]);
  const field = useRef<HTMLInputElement>(null);
  const renew = useThrottled(() => void client.invalidateQueries({ queryKey: ["orders"] }), RENEW_MS);
  useTopic("orders", renew);
  useEffect(() => field.current?.focus(), [id, name]);

  const say = (kind: Said["kind"], text: string) => {
    setSaid({ kind, text });
    if (sound === "on" && kind !== "plain") playTone(kind === "right");
  };
  const open = (next: string, at: StepName = name) => {
    setCounted({});
    set({ order: next, step: at });
  };
  const rows = queue.data?.items ?? [];
  const shown = id === "" ? undefined : order.data;

  const act = async (body: Readonly<Record<string, unknown>>, done: string) => {
    if (!shown || step.command === undefined || busy) return;
    setBusy(true);
    try {
      // The same scan twice is the same command on the same version: done once.
      const key = `floor-${step.command}-${shown.id}-${shown.version}`;
      const after = await command(shown.id, step.command, { body, key, version: shown.version });
      client.setQueryData(orderQuery(shown.id).queryKey, after);
      say("right", `${shown.id} is ${done}.`);
      open(rows.find((row) => row.id !== shown.id)?.id ?? "");
      renew();
    } catch (error) {
      const problem = problemOf(error);
      say("wrong", sentenceOf(problem.code, problem.title));
      await order.refetch();
    } finally {
      setBusy(false);
      field.current?.focus();
    }
  };

  const onScan = (event: FormEvent) => {
    event.preventDefault();
    const input = field.current;
    const text = input?.value.trim() ?? "";
    if (input) input.value = "";
    if (text === "") {
      if (shown && step.command !== undefined && canFinish(shown, name, counted))
        void act(bodyOf(name), step.done);
      else if (shown) say("wrong", "Scan the pieces first, or count them with the buttons.");
      return;
    }
    const scanned = readScan(text, shown, rows, counted);
    if (scanned.kind === "refused") say("wrong", `${scanned.why}.`);
    else if (scanned.kind === "counted") {
      setCounted(scanned.counted);
      say("right", `${scanned.sku} counted.`);
    } else void openScanned(scanned.id);
  };

  /** An order that another step has next is shown there, and the page says so. */
  const openScanned = async (next: string) => {
    try {
      const found = await client.fetchQuery(orderQuery(next));
      const at = stepOf(found);
      if (at === undefined)
        return say("wrong", `${next} is ${found.status.replaceAll("_", " ")}: nothing to do here.`);
      say(
        at === name ? "right" : "wrong",
        at === name ? `${next} is open.` : `${next} is in ${steps[at].title}.`,
      );
      open(next, at);
    } catch (error) {
      say("wrong", `${problemOf(error).title}: ${next}.`);
    }
  };

  return (
    <div className={styles["floor"]}>
      <header className={styles["top"]}>
        <h1 className="visually-hidden">Warehouse</h1>
        <StepTabs chosen={name} />
        <form onSubmit={onScan} role="search" style={{ display: "contents" }}>
          <input
            ref={field}
            className={styles["scan"]}
            aria-label="Scan an order, a SKU or a tracking number; Enter alone does the step"
            placeholder="Scan order, SKU or tracking"
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
          />
          <button type="submit" className="visually-hidden">
            Enter the scan
          </button>
        </form>
        <button
          type="button"
          className={styles["big"]}
          aria-pressed={sound === "on"}
          onClick={() => setSound(sound === "on" ? "off" : "on")}
        >
          Sound {sound}
        </button>
        <Link href="/" className={styles["big"] ?? ""}>
          Console
        </Link>
      </header>
      <Queue query={queue} chosen={id} onOpen={(next) => open(next)} name={name} />
      <section className={styles["work"]} aria-label="The open order">
        <p className={styles["said"]} data-kind={said.kind} role="status">
          {said.text}
        </p>
        <Work
          query={order}
          isOpen={id !== ""}
          name={name}
          counted={counted}
          setCounted={setCounted}
          busy={busy}
          canFinish={shown !== undefined && canFinish(shown, name, counted)}
          act={(body, done) => void act(body, done)}
        />
      </section>
    </div>
  );
}

const canFinish = (order: Order, name: StepName, counted: Counted): boolean =>
  stepOf(order) === name && (!steps[name].counts || isComplete(order, counted));

const bodyOf = (name: StepName): Readonly<Record<string, unknown>> =>
  name === "check" ? { passed: true } : {};

const sentences: Readonly<Record<string, string>> = {
  version_changed: "The order has changed meanwhile. Read it again, then repeat the step.",
  illegal_transition: "The order does not take this step now.",
  amount_mismatch: "The amount is not the one that is due.",
  no_answer: "The node does not answer. Nothing is lost: scan again.",
};
const sentenceOf = (code: string, title: string): string => sentences[code] ?? `${title}.`;
