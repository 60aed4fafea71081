/** Process: checks the audit log, and ends. It needs no key: it goes to NATS, not to a node. */
import { parseArgs } from "node:util";
import { loadKeySettings } from "../config/key-settings.ts";
import { connectNats } from "../src/adapters/nats/connection.ts";
import { natsJournal } from "../src/adapters/nats/journal.ts";
import { AUDIT } from "../src/services/audit/chain.ts";
import { verifyAudit } from "../src/services/audit/verify.ts";
import { reasonOf } from "./local/max-wait.ts";
import { natsSettings } from "./nats-login.ts";

const USAGE = `usage: node orderly.mjs audit verify [--expect HASH]

  verify    reads the whole audit log and checks the chain of each writer
  --expect  a head that a node has logged ("head of the audit log"): an entry with this hash must be there, so that a
            log whose end was removed is found; may be repeated
  --help    this text

NATS_URL is the address of NATS (default nats://127.0.0.1:4222), as on the nodes.

exit code  0  the log is what was written
           1  it is not; the output says from where on
           2  not known; the output says why
`;

const CONNECT_TIMEOUT_MS = 10_000;

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`orderly audit: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function run(): Promise<0 | 1 | 2> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" }, expect: { type: "string", multiple: true } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length !== 1 || positionals[0] !== "verify") {
    process.stderr.write(USAGE);
    return 2;
  }
  const link = await connectNats(natsSettings(loadKeySettings(), "keys", "audit", CONNECT_TIMEOUT_MS));
  try {
    const { broken, entries, heads, missing } = await verifyAudit(
      natsJournal(link, AUDIT),
      values.expect ?? [],
    );
    for (const { sequence, why } of broken) process.stdout.write(`broken at ${sequence}: ${why}\n`);
    for (const hash of missing)
      process.stdout.write(`no entry has the hash ${hash}: the end was removed, or changed\n`);
    for (const [writer, { hash, n }] of heads)
      process.stdout.write(`${writer}  ${n} entries  head ${hash}\n`);
    process.stdout.write(`${entries} entries\n`);
    return broken.length + missing.length === 0 ? 0 : 1;
  } finally {
    await link.close();
  }
}
