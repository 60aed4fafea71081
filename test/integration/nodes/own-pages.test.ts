/** Simulators and mailbox serve their own pages and callers that are no browsers; nothing frames them. */
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import t, { type Test } from "tap";
import { createCarrierApp } from "../../../nodes/carrier/app.ts";
import { Courier } from "../../../nodes/carrier/courier.ts";
import { Shipments } from "../../../nodes/carrier/shipments.ts";
import { createGatewayApp } from "../../../nodes/gateway/app.ts";
import { Ledger } from "../../../nodes/gateway/ledger.ts";
import { createMailboxApp } from "../../../nodes/mailbox/app.ts";
import { ReceivedMessages } from "../../../nodes/mailbox/messages.ts";

function apps(t: Test): Record<string, FastifyInstance> {
  const home = t.testdir();
  const ledger = new Ledger(join(home, "ledger.jsonl"), Date.now);
  const shipments = new Shipments(join(home, "shipments.jsonl"), Date.now);
  const courier = new Courier({ shipments, deliverAfterMs: undefined, report: () => {}, now: Date.now });
  const knownHosts = new Set(["gateway"]);
  t.teardown(() => {
    courier.stop();
    ledger.close();
    shipments.close();
  });
  return {
    gateway: createGatewayApp({
      ledger,
      slowMs: 1,
      lifeMs: 1000,
      shortLifeMs: 1000,
      publicUrl: "http://127.0.0.1:3900",
      knownHosts,
      now: Date.now,
      decided: () => {},
    }),
    carrier: createCarrierApp({ shipments, courier, knownHosts }),
    mailbox: createMailboxApp(new ReceivedMessages(10), knownHosts),
  };
}

const writes: Readonly<Record<string, readonly [method: "POST" | "DELETE", url: string]>> = {
  gateway: ["POST", "/pay/pay_1"],
  carrier: ["POST", "/shipments/TRK1/deliver"],
  mailbox: ["DELETE", "/messages"],
};
const reads: Readonly<Record<string, string>> = {
  gateway: "/ledger",
  carrier: "/shipments",
  mailbox: "/messages",
};

t.test("a page of another site, or a foreign name, neither writes nor reads", async (t) => {
  for (const [name, app] of Object.entries(apps(t))) {
    const [method, url] = writes[name]!;
    for (const headers of [
      { host: "evil.example" },
      { host: "127.0.0.1:3900", origin: "http://evil.example" },
      { host: "127.0.0.1:3900", origin: "http://127.0.0.1:3000" },
      { host: "127.0.0.1:3900", "sec-fetch-site": "same-site" },
    ]) {
      const answer = await app.inject({ method, url, headers });
      t.equal(answer.statusCode, 403, `${name} ${JSON.stringify(headers)}`);
      t.equal(answer.json().error, "foreign_origin");
    }
    const read = await app.inject({ url: reads[name]!, headers: { host: "evil.example" } });
    t.equal(read.statusCode, 403, `${name} is not read`);
  }
});

t.test("own pages and other programs are served, and every answer refuses to be framed", async (t) => {
  for (const [name, app] of Object.entries(apps(t))) {
    const [method, url] = writes[name]!;
    for (const headers of [
      { host: "gateway:3900" },
      { host: "127.0.0.1:3900", origin: "http://127.0.0.1:3900", "sec-fetch-site": "same-origin" },
    ]) {
      const answer = await app.inject({ method, url, headers });
      t.not(answer.statusCode, 403, `${name} ${JSON.stringify(headers)}`);
      t.match(answer.headers, {
        "content-security-policy": /frame-ancestors 'none'/u,
        "x-frame-options": "DENY",
        "x-content-type-options": "nosniff",
      });
    }
  }
});
