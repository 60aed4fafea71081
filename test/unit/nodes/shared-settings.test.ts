/** Which settings the nodes of a cluster compare, and what they store of secrets. */
import { readFileSync } from "node:fs";
import t from "tap";
import { loadNodeSettings } from "../../../config/settings.ts";
import { sharedSettings } from "../../../nodes/order/shared-settings.ts";

const BASE = { ORDERLY_NODE_ID: "node-1", ORDERLY_DEVELOPMENT: "true" };
const sharedOf = (env: Readonly<Record<string, string>> = {}) =>
  sharedSettings(loadNodeSettings({ ...BASE, ...env }), env["ORDERLY_PERSONAL_KEY_FILE"] ?? "keys");

/** Another value of each setting that must be equal on all nodes. */
const OTHERS: Readonly<Record<string, string>> = {
  ORDERLY_PARTITIONS: "64",
  ORDERLY_STREAMS: "2",
  ORDERLY_REPLICAS: "3",
  ORDERLY_FULFILLMENT: "manual",
  ORDERLY_STEP_DELAY_MS: "7",
  ORDERLY_INTERNAL_EVENTS: "true",
  ORDERLY_PAYMENT_DEADLINE_MS: "600000",
  ORDERLY_PAYMENT_POLL_MS: "3000",
  ORDERLY_PAYMENT_POLL_MAX_MS: "70000",
  ORDERLY_AUTH: "keys",
  ORDERLY_TAX_BASIS_POINTS: "600",
  ORDERLY_SELLER_NAME: "Other",
  ORDERLY_SELLER_ADDRESS: "1 Street|Town",
  ORDERLY_SELLER_TAX_ID: "PT1",
  ORDERLY_PRESENCE_TTL_MS: "4000",
  ORDERLY_PRESENCE_REFRESH_MS: "400",
  ORDERLY_GATEWAY_URL: "http://127.0.0.1:1",
  ORDERLY_CARRIER_URL: "http://127.0.0.1:2",
  ORDERLY_IDEMPOTENCY_SECRET: "i".repeat(40),
  ORDERLY_WEBHOOK_SECRET: `whsec_${"d".repeat(44)}`,
  ORDERLY_CARRIER_WEBHOOK_SECRET: `whsec_${"e".repeat(44)}`,
  // What the file holds is compared, not its name.
  ORDERLY_PERSONAL_KEY_FILE: "other keys",
};

t.test("every setting that must be equal on all nodes is compared", async (t) => {
  const own = sharedOf();
  const digests = await own.digests("salt");
  for (const [name, value] of Object.entries(OTHERS)) {
    const other = sharedOf({ [name]: value });
    const isSecret = name.endsWith("_SECRET") || name.endsWith("_KEY_FILE");
    const [mine, theirs] = isSecret ? [digests, await other.digests("salt")] : [own.values, other.values];
    t.type(mine[name], "string", name);
    t.not(theirs[name], mine[name], name);
  }
  const compared = [...Object.keys(own.values), ...Object.keys(digests)];
  // Only one value of it is allowed.
  t.same(new Set(compared), new Set([...Object.keys(OTHERS), "ORDERLY_INVENTORY_SHARDS"]));
});

t.test("no setting is marked as equal on all nodes without being compared", async (t) => {
  const source = readFileSync(new URL("../../../config/settings.ts", import.meta.url), "utf8");
  const marked = [...source.matchAll(/Equal on all nodes(?:(?!\*\/)[\s\S])*\*\/\n {2}readonly (\w+):/gu)].map(
    ([, name = ""]) => name,
  );
  const code = readFileSync(new URL("../../../nodes/order/shared-settings.ts", import.meta.url), "utf8");
  t.ok(marked.length >= 14, `${marked.length} are marked`);
  for (const name of marked) t.match(code, new RegExp(`\\b${name}\\b`, "u"), name);
});

t.test(
  "secrets are compared by a digest that depends on the cluster's salt and on the setting",
  async (t) => {
    const same = { ORDERLY_WEBHOOK_SECRET: "s".repeat(40), ORDERLY_CARRIER_WEBHOOK_SECRET: "s".repeat(40) };
    const shared = sharedOf(same);
    const [one, again, other] = await Promise.all(["a", "a", "b"].map((salt) => shared.digests(salt)));
    t.same(one, again);
    t.not(one?.["ORDERLY_WEBHOOK_SECRET"], other?.["ORDERLY_WEBHOOK_SECRET"]);
    t.not(
      one?.["ORDERLY_WEBHOOK_SECRET"],
      one?.["ORDERLY_CARRIER_WEBHOOK_SECRET"],
      "equal secrets do not look equal",
    );
    t.notMatch(JSON.stringify([shared.values, one]), /ssss/u);
  },
);

t.test("the password in an address is compared and not shown", async (t) => {
  const [one, two] = ["a", "b"].map((word) =>
    sharedOf({ ORDERLY_GATEWAY_URL: `http://me:${word}${word}pass@gate` }),
  );
  t.equal(one?.values["ORDERLY_GATEWAY_URL"], "http://[hidden]@gate");
  t.same(one?.values, two?.values);
  const [mine, theirs] = [await one?.digests("s"), await two?.digests("s")];
  t.not(mine?.["ORDERLY_GATEWAY_URL"], theirs?.["ORDERLY_GATEWAY_URL"]);
});

t.test("a node that makes no invoices needs no seller, and compares none", async (t) => {
  t.notHas(sharedOf({ ORDERLY_WORKERS: "email" }).values, { ORDERLY_SELLER_NAME: "" });
  t.notOk("ORDERLY_SELLER_NAME" in sharedOf({ ORDERLY_WORKERS: "none" }).values);
  t.ok("ORDERLY_SELLER_NAME" in sharedOf({ ORDERLY_WORKERS: "invoice" }).values);
});
