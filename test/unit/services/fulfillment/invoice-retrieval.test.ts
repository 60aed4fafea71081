import { createHash } from "node:crypto";
import t from "tap";
import { memoryDocuments } from "../../../../src/adapters/memory/documents.ts";
import { retrievalEffect } from "../../../../src/services/fulfillment/invoice-retrieval.ts";
import { EffectRunner } from "../../../../src/runtime/effects/effect-runner.ts";
import type { EffectOutcome } from "../../../../src/runtime/actor/input.ts";
import type { Documents } from "../../../../src/runtime/workers/document-store.ts";
import { Unavailable } from "../../../../src/runtime/ports.ts";
import { VirtualClock } from "../../../../src/adapters/memory/virtual-clock.ts";
import { quietLog } from "../../../support/logs/quiet-log.ts";

const number = "2026-000042";
const bytes = Buffer.from("%PDF-1.3 the invoice");
const stored = async (name: string, document = { bytes, metadata: { number } }): Promise<Documents> => {
  const documents = memoryDocuments();
  await documents.put(name, document);
  return documents;
};
const retrieve = (documents: Pick<Documents, "get">) =>
  retrievalEffect(documents).run({
    actor: "ord_1",
    key: "ord_1:fulfillment.retrieveInvoice:1000",
    input: { orderId: "ord_1", number },
    attempt: 1,
    resumed: false,
    signal: new AbortController().signal,
  });

t.test("the document is read, and described by number, size and digest", async (t) => {
  t.strictSame(await retrieve(await stored("ord_1")), {
    number,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("base64url"),
  });
});

t.test("what is missing is tried again, what is something else is refused", async (t) => {
  await t.rejects(retrieve(await stored("ord_2")), { kind: "retryable", code: "invoice_not_found" });
  await t.rejects(retrieve(await stored("ord_1", { bytes, metadata: { number: "2026-000041" } })), {
    kind: "refused",
    code: "invoice_differs",
  });
  for (const wrong of [Buffer.from(""), Buffer.from("%PDF"), Buffer.from("<html>")])
    await t.rejects(retrieve(await stored("ord_1", { bytes: wrong, metadata: { number } })), {
      kind: "refused",
      code: "invoice_unreadable",
    });
});

t.test("a store that is away, or a replica that lags, costs some tries", async (t) => {
  const clock = new VirtualClock(0);
  const documents = await stored("ord_1");
  let tries = 0;
  const runner = new EffectRunner({
    handlers: {
      retrieveInvoice: retrievalEffect({
        get: async (name) => {
          if (++tries === 1) throw new Unavailable("no responders");
          return tries === 2 ? undefined : documents.get(name);
        },
      }),
    },
    clock,
    log: quietLog,
  });
  const outcome = Promise.withResolvers<EffectOutcome>();
  runner.start({
    actor: "ord_1",
    src: "retrieveInvoice",
    key: "ord_1:fulfillment.retrieveInvoice:1000",
    input: { orderId: "ord_1", number },
    resumed: false,
    done: outcome.resolve,
  });
  await clock.advance(2000);
  t.match(await outcome.promise, { output: { number, bytes: bytes.length } });
  t.equal(tries, 3);
});
