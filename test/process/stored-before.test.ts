/**
 * A store that an earlier version wrote is opened by this one, and every order goes on: orders in each step of the
 * warehouse, open effects, pending timers, reservations, a payment page, a parked order, dead letters, and the rows
 * that the killed nodes left in their outboxes. The fixture was written by test/support/programs/write-store.ts,
 * run with that version; every process of it was killed.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { command, history, ledger, mails, read, stock } from "../support/clients/order-client.ts";
import type { OrderView } from "../../src/services/orders/contract.ts";
import { storedKeys } from "../support/audits/stored-keys.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import type { StoredOrder } from "../support/programs/write-store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

type Step = Parameters<typeof command>[2];

const WAIT = { timeoutMs: 60_000, intervalMs: 100 };
const YEAR_MS = 31_536_000_000;
const TOTAL = { amount: 2000, currency: "EUR" };

/** Statuses that an order never leaves. */
const ENDED = ["completed", "cancelled", "rejected", "payment_failed"];
/** The steps that are left for an order, by what the fixture calls it. */
const STEPS: Readonly<Record<string, readonly Step[]>> = {
  stored: ["pick", "quality-check", "pack", "ship", "deliver"],
  captured: ["pick", "quality-check", "pack", "ship", "deliver"],
  dead: ["pick", "quality-check", "pack", "ship", "deliver"],
  picked: ["quality-check", "pack", "ship", "deliver"],
  quality_checked: ["pack", "ship", "deliver"],
  ready: ["ship", "deliver"],
  shipped: ["deliver"],
  effect: ["ship", "deliver"],
};
/** Kinds that the nodes finish by themselves, and how each may end. */
const BY_ITSELF: Readonly<Record<string, readonly string[]>> = {
  "timer cash_on_delivery": ["completed"],
  "timer credit_card": ["completed"],
  "timer tokenized": ["completed"],
  "effect tok_timeout": ["payment_expired"],
  "effect tok_slow": ["completed"],
  "unpaid page": ["payment_expired"],
  // The poll and the deadline are both overdue: whichever fires first decides.
  "paid page": ["completed", "payment_expired"],
  "while a node is frozen": ["completed"],
};

/** A line as it was shown before lines had ids and counted their pieces. */
const withoutCounts = ({ sku, quantity, unitPrice }: OrderView["lines"][number]) => ({
  sku,
  quantity,
  unitPrice,
});

const isEvent = (kind: string) => kind.startsWith("orders.events.");

/** Not names of machines, states and events, nor numbers of partitions. The payload of a dead letter is an event's. */
const isFormat = (kind: string, path: string) =>
  isEvent(kind) || kind === "dead"
    ? path.startsWith("header ")
    : !/\.(?:event|machines|from|to)\.|\.#$/u.test(path);

/** The fixture, unpacked, with the gateway's authorizations valid for another year. */
function unpack(t: Parameters<typeof temporaryFolder>[0], name: string) {
  const folder = temporaryFolder(t);
  const archive = fileURLToPath(new URL(`../fixtures/${name}.tgz`, import.meta.url));
  execFileSync("tar", ["-xzf", archive, "-C", folder]);
  const bookings = join(folder, "store", "gateway", "ledger.jsonl");
  const validUntil = `"expiresAt":${Date.now() + YEAR_MS}`;
  writeFileSync(bookings, readFileSync(bookings, "utf8").replaceAll(/"expiresAt":\d+/gu, validUntil));
  const orders = JSON.parse(readFileSync(join(folder, "orders.json"), "utf8")) as StoredOrder[];
  return { orders, storedIn: join(folder, "store") };
}

/** What earlier programs wrote, by fixture. `env`: replaces the settings of the cluster that are stored there. */
const writers = {
  "store-0.1.0": { writer: "version 0.1.0", env: {} },
  "store-definition-3": { writer: "version 3 of the definition", env: { ORDERLY_SETTINGS_CHANGE: "2" } },
} as const;

for (const [fixture, { env, writer }] of Object.entries(writers))
  t.test(`a store of ${writer} is opened, and every order in it goes on`, async (t) => {
    const { orders, storedIn } = unpack(t, fixture);
    const startedAt = Date.now();
    t.ok(orders.length >= 26, `${orders.length} orders are in the fixture`);
    const cluster = await startOrderCluster(t, {
      nodes: 2,
      fulfillment: "manual",
      webhooks: "off",
      catalogue: false,
      env,
      storedIn,
    });
    const [url = "", other = ""] = cluster.urls;
    const statusOf = async (id: string) => (await read(url, id)).body.status;
    const get = async <Body>(path: string) => (await (await fetch(`${url}${path}`)).json()) as Body;

    await t.test("orders that had ended read as they did", async (t) => {
      const ended = orders.filter(({ view }) =>
        ENDED.includes((view as { status?: string } | null)?.status ?? ""),
      );
      t.ok(ended.length >= 5, `${ended.length} had ended`);
      for (const { kind, id, view } of ended) {
        const { lines, ...body } = (await read(other, id)).body;
        t.strictSame({ ...body, lines: lines.map(withoutCounts) }, view, kind);
        t.strictSame(
          lines.map((line) => line.id),
          ["l1"],
          kind,
        );
      }
    });

    await t.test("orders with steps left are taken to their end by the warehouse", async (t) => {
      for (const { kind, id } of orders) {
        const steps = STEPS[kind.split(" ")[0] ?? ""];
        if (steps === undefined || Object.hasOwn(BY_ITSELF, kind)) continue;
        for (const step of steps) {
          const order = await waitUntil(
            `${kind}: ${step} is allowed`,
            async () => {
              const { body } = await read(url, id);
              return body.nextEvents.includes(step) ? body : undefined;
            },
            WAIT,
          );
          const collects =
            step === "deliver" && ["cash_on_delivery", "in_person"].includes(order.payment.method);
          const fields =
            step === "quality-check" ? { passed: true } : collects ? { collected: TOTAL } : undefined;
          t.equal((await command(url, id, step, fields)).status, 200, `${kind}: ${step}`);
        }
        await waitUntil(`${kind} is completed`, async () => (await statusOf(id)) === "completed", WAIT);
        t.match(
          await get(`/v1/orders/${id}`),
          { invoice: { number: /^\d{4}-\d{6}$/u } },
          `${kind} has an invoice`,
        );
      }
    });

    await t.test("open effects, pending timers and started reservations go on by themselves", async (t) => {
      for (const { kind, id } of orders) {
        const ends = BY_ITSELF[kind];
        if (ends === undefined) continue;
        const status = await waitUntil(
          `${kind} ends`,
          async () => {
            const now = await statusOf(id);
            if (ends.includes(now)) return now;
            throw new Error(`it is ${now}`);
          },
          WAIT,
        );
        t.ok(ends.includes(status), `${kind}: ${status}`);
      }
    });

    await t.test("the parked order is listed with its reason, and a skip lets it go on", async (t) => {
      const { id = "" } = orders.find(({ kind }) => kind === "parked") ?? {};
      const { items } = await get<{ items: { orderId: string }[] }>("/v1/parked");
      t.match(items, [{ orderId: id, input: "inbox:gateway.paid" }]);
      const skipped = await fetch(`${url}/v1/orders/${id}/skip`, { method: "POST" });
      t.equal(skipped.status, 200);
      t.same(await get("/v1/parked"), { items: [], nextCursor: null });
      const gone = ["payment_expired", "cancelled"];
      if (!gone.includes(await statusOf(id)))
        t.equal((await command(url, id, "cancel", { reason: "test" })).status, 200);
      t.ok(gone.includes(await statusOf(id)));
    });

    await t.test("the dead letters are listed, and a replay delivers them", async (t) => {
      const { items } = await get<{ items: { sequence: number; id?: string }[] }>("/v1/dead-letters");
      t.equal(items.length, 2);
      for (const letter of items) {
        const id = letter.id ?? letter.sequence;
        const replayed = await fetch(`${url}/v1/dead-letters/${id}/replay`, { method: "POST" });
        t.ok(replayed.ok, `replay answers ${replayed.status}`);
      }
      await waitUntil(
        "both messages are in the mailbox",
        async () => {
          const subjects = (await mails(cluster.mailbox.url)).filter(
            ({ to }) => to === "refused@example.com",
          );
          return new Set(subjects.map(({ subject }) => subject)).size >= 2;
        },
        WAIT,
      );
    });

    await t.test("nothing is lost, doubled or oversold", async (t) => {
      for (const { kind, id, sku } of orders) {
        const items = await history(url, id);
        t.same(
          items.map(({ version }) => version),
          items.map((_, index) => index + 1),
          `${kind}: its history has every version once`,
        );
        const booked = (await ledger(cluster.gateway.url, id)).map(({ kind: booking }) => booking);
        for (const booking of ["authorize", "capture", "void", "refund"] as const)
          t.ok(booked.filter((one) => one === booking).length <= 1, `${kind}: at most one ${booking}`);
        const { body } = await read(url, id);
        if (sku === "MUG-RED") continue;
        const { onHand, reserved } = await stock(url, sku);
        t.equal(reserved, 0, `${kind}: nothing stays reserved`);
        const initial = kind === "rejected" ? 1 : 10;
        t.equal(
          onHand,
          body.status === "completed" ? initial - 2 : initial,
          `${kind}: stock is what was shipped`,
        );
      }
    });

    await t.test(
      "both versions store under the names of docs/formats.md, events under no new one",
      async (t) => {
        const { before, since } = await storedKeys(cluster.nats.url, startedAt);
        t.ok(before.size >= 30 && since.size >= 20, `${before.size} kinds of messages, then ${since.size}`);
        const page = readFileSync(new URL("../../docs/formats.md", import.meta.url), "utf8");
        const code = [...page.matchAll(/`([^`\n]+)`/gu)].map(([, text = ""]) => text);
        const named = new Set(code.flatMap((text) => text.match(/[\w-]+/gu) ?? []));
        for (const [kind, keys] of [...before, ...since]) {
          const own = [...keys].filter((path) => isFormat(kind, path));
          const missing = own.filter((path) => !named.has(path.split(/[. ]/u).at(-1) ?? ""));
          t.strictSame(missing, [], `every name of ${kind} is on the page`);
        }
        for (const [kind, keys] of since) {
          const known = before.get(kind);
          if (!isEvent(kind) || known === undefined) continue;
          const added = [...keys.difference(known)].filter(
            (path) => path.lastIndexOf(".") <= 0 && path !== "header Orderly-Facts",
          );
          t.strictSame(added, [], `${kind} has no new name`);
        }
      },
    );
  });
