/** Process: makes a new key in the key file, or wraps all stored keys with the newest one, and ends. */
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { loadPersonalKeySettings, type PersonalKeySettings } from "../config/personal-key-settings.ts";
import { natsBucket } from "../src/adapters/nats/bucket.ts";
import { connectNats } from "../src/adapters/nats/connection.ts";
import { KeyEntries } from "../src/services/personal/key-entries.ts";
import { MasterKeys } from "../src/services/personal/master-keys.ts";
import { type RewrapCounts, rewrapAll } from "../src/services/personal/rewrap.ts";
import { natsSettings } from "./nats-login.ts";
import { reasonOf } from "./local/max-wait.ts";
import { addKey, keyFileText } from "./order/personal-keys.ts";
import { personalKeysBucket } from "./order/streams.ts";

const USAGE = `usage: node orderly.mjs personal-keys rotate|rewrap|list

  rotate   writes a new key into the key file, as its first line: processes that start with the file wrap with it
  rewrap   wraps every stored key with the first key of the file. Nodes may run. A second run does the rest
  list     lists the ids of the keys in the file, the newest first
  --help   this text

ORDERLY_PERSONAL_KEY_FILE is the key file, NATS_URL the address of NATS (default nats://127.0.0.1:4222), as on the
nodes. docs/operations.md, "Keys", says in which order to rotate, restart and rewrap.

exit code  0  done
           1  some keys are not wrapped by the newest key, each is named
           2  nothing is known to be done; the output says why
`;

const CONNECT_TIMEOUT_MS = 10_000;
const PROGRESS_MS = 2000;

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`orderly personal-keys: ${reasonOf(error)}\n`);
  process.exitCode = 2;
}

async function run(): Promise<0 | 1 | 2> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [action, ...more] = positionals;
  if (more.length > 0 || action === undefined || !["rotate", "rewrap", "list"].includes(action)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const settings = loadPersonalKeySettings();
  const { personalKeyFile } = settings;
  // A file that cannot be used is never extended.
  const present = new MasterKeys(() => keyFileText(personalKeyFile), randomBytes);
  if (action === "rewrap") return await rewrap(settings, present);
  if (action === "rotate") addKey(personalKeyFile);
  const ids = new MasterKeys(() => keyFileText(personalKeyFile), randomBytes).ids();
  process.stdout.write(
    action === "list"
      ? `${ids.join("\n")}\n`
      : `new key ${ids[0]}; copy the file to all nodes, start them again one by one, then run rewrap\n`,
  );
  return 0;
}

async function rewrap(settings: PersonalKeySettings, masterKeys: MasterKeys): Promise<0 | 1> {
  const link = await connectNats(natsSettings(settings, "keys", "personal-keys", CONNECT_TIMEOUT_MS));
  let shownAt = performance.now();
  const progress = ({ done, entries, rewrapped }: RewrapCounts): void => {
    if (performance.now() - shownAt < PROGRESS_MS) return;
    shownAt = performance.now();
    process.stderr.write(`${done} of ${entries} entries, ${rewrapped} rewrapped\n`);
  };
  try {
    const bucket = natsBucket(link, personalKeysBucket({ replicas: 1 }));
    const { entries, rewrapped, failed } = await rewrapAll(new KeyEntries(bucket), masterKeys, progress);
    for (const { name, reason } of failed) process.stderr.write(`${name}: ${reason}\n`);
    process.stdout.write(
      `${entries} entries, ${rewrapped} rewrapped by ${masterKeys.ids()[0]}, ${failed.length} failed\n`,
    );
    return failed.length === 0 ? 0 : 1;
  } finally {
    await link.close();
  }
}
