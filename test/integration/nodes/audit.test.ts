/** The audit log on a real server: what the server refuses, and what the command finds. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import t from "tap";
import pino from "pino";
import { auditStream } from "../../../nodes/order/streams.ts";
import { connectNats } from "../../../src/adapters/nats/connection.ts";
import { natsJournal } from "../../../src/adapters/nats/journal.ts";
import { ensureStream } from "../../../src/adapters/nats/streams.ts";
import { AuditLog } from "../../../src/services/audit/audit-log.ts";
import { AUDIT } from "../../../src/services/audit/chain.ts";
import { startNatsServer } from "../../support/cluster/nats-server.ts";
import { apiRequest } from "../../../src/adapters/nats/jetstream-api.ts";

const run = promisify(execFile);

t.test("the server keeps the log, and the command shows whether it is whole", async (t) => {
  const { url } = await startNatsServer(t);
  const link = await connectNats({ servers: [url], name: "audit", connectTimeoutMs: 5000 });
  t.teardown(() => link.close());
  await ensureStream(link, auditStream({ replicas: 1 }));
  const journal = natsJournal(link, AUDIT);
  const log = pino({ level: "silent" });
  const [one, two] = ["node-1", "node-2"].map((writer) => new AuditLog({ journal, writer, log }));
  const entry = { phase: "asked", actor: "k", via: "key", roles: ["admin"], address: null } as const;
  const more = { route: "POST /v1/keys", target: null, version: null, reason: null, status: null };
  for (let n = 0; n < 10; n++)
    for (const writer of [one!, two!])
      t.match(await writer.write({ requestId: `r${n}`, ...entry, ...more }), { status: "stored" });
  t.match(await one!.list({ limit: 3 }), {
    items: [{ writer: "node-2" }, { writer: "node-1" }, {}],
    next: 18,
  });
  for (const [api, request] of [
    ["STREAM.PURGE.AUDIT", {}],
    ["STREAM.MSG.DELETE.AUDIT", { seq: 3 }],
  ] as const)
    await t.rejects(apiRequest(link, api, request, 2000), api);
  const verify = async (...args: string[]) => {
    const env = { ...process.env, NATS_URL: url };
    return await run(process.execPath, ["nodes/audit.ts", "verify", ...args], { env }).then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { code: number; stdout: string }) => ({ code: error.code, stdout: error.stdout }),
    );
  };
  const whole = await verify();
  t.match(whole, { code: 0, stdout: /^node-1 {2}10 entries {2}head [0-9a-f]{64}\nnode-2.*\n20 entries\n$/u });
  const [, head = ""] = /head ([0-9a-f]+)/u.exec(whole.stdout) ?? [];
  t.equal((await verify("--expect", head)).code, 0);
  t.match(await verify("--expect", "00"), { code: 1, stdout: /no entry has the hash 00/u });
  await journal.append([{ subject: "audit.node-1", payload: '{"forged":true}' }], 2000);
  t.match(await verify(), { code: 1, stdout: /broken at 21: it is no entry/u });
});
