/** Process: makes, lists or revokes API keys, and ends. It needs no key itself: it goes to NATS, not to a node. */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import pino from "pino";
import { loadKeySettings } from "../config/key-settings.ts";
import { systemClock } from "../src/adapters/local/system-clock.ts";
import { natsJournal } from "../src/adapters/nats/journal.ts";
import { AuditLog } from "../src/services/audit/audit-log.ts";
import { AUDIT } from "../src/services/audit/chain.ts";
import { natsBucket } from "../src/adapters/nats/bucket.ts";
import { connectNats } from "../src/adapters/nats/connection.ts";
import { StoredApiKeys } from "../src/services/access/api-keys.ts";
import { type ApiKey, type Role, roles, type WantedKey } from "../src/services/access/contract.ts";
import { natsSettings } from "./nats-login.ts";
import { reasonOf } from "./local/max-wait.ts";
import { apiKeysBucket } from "./order/streams.ts";

const USAGE = `usage: node orderly.mjs keys create --name NAME --role ROLE [--role ROLE] [--customer ID] [--expires DATE]
       node orderly.mjs keys list
       node orderly.mjs keys revoke ID

  create      makes an API key and prints it, once: Orderly stores a hash of it
  list        id, name, roles and state of all keys, the newest first
  revoke      the nodes refuse the key within two seconds
  --name      which program or person uses it
  --role      ${roles.join(", ")}
  --customer  for the role customer, and only for it: whose orders the key reaches
  --expires   when it ends, like 2027-01-31 or 2027-01-31T12:00:00Z; without it, when it is revoked
  --help      this text

NATS_URL is the address of NATS (default nats://127.0.0.1:4222), as on the nodes; one of them must have run before.
docs/access.md says what each role may do.

exit code  0  done
           1  there is no such key
           2  nothing is known to be done; the output says why
`;

const CONNECT_TIMEOUT_MS = 10_000;
const BY = "command line";

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`orderly keys: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function run(): Promise<0 | 1 | 2> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h" },
      name: { type: "string" },
      role: { type: "string", multiple: true },
      customer: { type: "string" },
      expires: { type: "string" },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [action, id, ...more] = positionals;
  const takesId = action === "revoke";
  const isKnown = action === "create" || action === "list" || takesId;
  if (!isKnown || more.length > 0 || takesId !== (id !== undefined)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const wanted = action === "create" ? wantedKey(values) : undefined;
  return await withKeys(async ({ audit, keys }) => {
    if (wanted)
      return await recorded(audit, `keys create --role ${wanted.roles.join(" --role ")}`, null, () =>
        create(keys, wanted),
      );
    if (id !== undefined) return await recorded(audit, "keys revoke", id, () => revoke(keys, id));
    for (const key of keys.list()) process.stdout.write(`${lineOf(key)}\n`);
    return 0;
  });
}

/** @throws Error that says which option is wrong */
function wantedKey(values: {
  readonly name?: string | undefined;
  readonly role?: string[] | undefined;
  readonly customer?: string | undefined;
  readonly expires?: string | undefined;
}): WantedKey {
  const { customer, expires, name, role = [] } = values;
  if (!name?.trim() || name.length > 100) throw new Error("--name must have 1 to 100 characters");
  const unknown = role.find((one) => !roles.some((known) => known === one));
  if (unknown !== undefined || role.length === 0)
    throw new Error(`--role must be one of ${roles.join(", ")}; it may be repeated`);
  const held = [...new Set(role)] as Role[];
  if (held.includes("customer") !== (customer !== undefined))
    throw new Error("--customer is needed for --role customer, and goes with no other");
  const end = expires === undefined ? undefined : Date.parse(expires);
  if (end !== undefined && !(end > Date.now())) throw new Error("--expires must be a date in the future");
  return {
    name,
    roles: held,
    customerId: customer ?? null,
    expiresAt: end === undefined ? null : new Date(end).toISOString(),
    createdBy: BY,
  };
}

type KeyWork = { readonly keys: StoredApiKeys; readonly audit: AuditLog };

async function withKeys<T>(work: (opened: KeyWork) => Promise<T>): Promise<T> {
  const link = await connectNats(natsSettings(loadKeySettings(), "keys", "keys", CONNECT_TIMEOUT_MS));
  try {
    const log = pino({ level: "error" }, pino.destination(2));
    const keys = new StoredApiKeys({
      bucket: natsBucket(link, apiKeysBucket({ replicas: 1 })),
      clock: systemClock,
      random: randomBytes,
      log,
    });
    const watch = await keys.start();
    const audit = new AuditLog({ journal: natsJournal(link, AUDIT), writer: "command-line", log });
    const result = await work({ keys, audit });
    await watch.stop();
    return result;
  } finally {
    await link.close();
  }
}

/** The change is in the audit log before it is done. */
async function recorded<Code extends number>(
  audit: AuditLog,
  route: string,
  target: string | null,
  work: () => Promise<Code>,
): Promise<Code | 2> {
  const asked = {
    requestId: `cli_${randomBytes(9).toString("base64url")}`,
    actor: BY,
    via: BY,
    roles: [],
    address: null,
    route,
    target,
    version: null,
    reason: null,
  };
  const before = await audit.write({ ...asked, phase: "asked", status: null });
  if (before.status !== "stored") return failed("reason" in before ? before.reason : before.status);
  const code = await work();
  await audit.write({ ...asked, phase: "answered", status: code });
  return code;
}

async function create(keys: StoredApiKeys, wanted: WantedKey): Promise<0 | 2> {
  const result = await keys.create(wanted);
  if (result.status !== "created") return failed("reason" in result ? result.reason : result.status);
  process.stderr.write(`${lineOf(result.key)}\nIt is shown once:\n`);
  process.stdout.write(`${result.text}\n`);
  return 0;
}

async function revoke(keys: StoredApiKeys, id: string): Promise<0 | 1 | 2> {
  const result = await keys.revoke(id);
  if (result.status === "revoked") process.stdout.write(`${lineOf(result.key)}\n`);
  if (result.status === "revoked") return 0;
  if (result.status !== "not_found") return failed("reason" in result ? result.reason : result.status);
  process.stderr.write(`there is no key ${id}\n`);
  return 1;
}

function failed(reason: string): 2 {
  process.stderr.write(`orderly keys: ${reason}\n`);
  return 2;
}

function lineOf({ customerId, expiresAt, id, name, revokedAt, roles: held }: ApiKey): string {
  const state =
    revokedAt === null ? (expiresAt === null ? "valid" : `until ${expiresAt}`) : `revoked ${revokedAt}`;
  const whose = customerId === null ? "" : ` of ${customerId}`;
  return `${id}  ${state}  ${held.join(",")}${whose}  ${name}`;
}
