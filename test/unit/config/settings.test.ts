import { resolve } from "node:path";
import t from "tap";
import { loadCarrierSettings } from "../../../config/carrier-settings.ts";
import { loadKeySettings } from "../../../config/key-settings.ts";
import { loginVariables } from "../../../config/nats-settings.ts";
import { loadPersonalKeySettings } from "../../../config/personal-key-settings.ts";
import { loadReconcileSettings } from "../../../config/reconcile-settings.ts";
import { natsSettings } from "../../../nodes/nats-login.ts";
import { loadGatewaySettings } from "../../../config/gateway-settings.ts";
import {
  loadClusterSettings,
  loadMailboxSettings,
  loadNodeSettings,
  unknownVariables,
} from "../../../config/settings.ts";
import { redacted, SettingsInvalid } from "../../../config/settings-reader.ts";

const SECRET = "a secret of one's own, long enough to be one";
const node = { ORDERLY_NODE_ID: "node-1", ORDERLY_DEVELOPMENT: "true" };

/** The faults of these settings; none when they can be used. */
function faults(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof SettingsInvalid) return error.faults;
    throw error;
  }
}

t.test("an empty environment gives a local cluster with the documented defaults", async (t) => {
  t.same(loadClusterSettings({}), {
    port: 3000,
    nodes: 3,
    natsServers: 1,
    natsPort: 4222,
    natsBatches: "memory",
    natsUrl: undefined,
    home: resolve(".orderly"),
    fulfillment: "auto",
    stepDelayMs: 1500,
    paymentDeadlineMs: 900_000,
    paymentPollMs: 2000,
    webhooks: "on",
    auth: "off",
    personalKeyFile: resolve(".orderly/personal.key"),
    logLevel: "info",
  });
});

t.test("an order node needs its name; the rest has defaults in development", async (t) => {
  t.same(
    faults(() => loadNodeSettings({ ORDERLY_DEVELOPMENT: "true" })),
    ["ORDERLY_NODE_ID is not set"],
  );
  t.match(loadNodeSettings(node), {
    nodeId: "node-1",
    natsUrl: "nats://127.0.0.1:4222",
    publicUrl: "http://127.0.0.1:3000",
    partitions: 32,
    streams: 1,
    replicas: 1,
    fulfillment: { mode: "auto", stepDelayMs: 1500 },
    presenceTtlMs: 3000,
    presenceRefreshMs: 500,
    development: true,
    auth: "off",
  });
  t.match(
    faults(() => loadNodeSettings({ ...node, ORDERLY_DEVELOPMENT: "false", ORDERLY_AUTH: "off" })).join(" "),
    /ORDERLY_AUTH=off is for development only/u,
  );
});

t.test("text becomes numbers and booleans, and an empty variable counts as unset", async (t) => {
  const settings = loadNodeSettings({
    ...node,
    ORDERLY_HTTP_PORT: " 8080 ",
    ORDERLY_STEP_DELAY_MS: "0",
    ORDERLY_PARTITIONS: "",
    ORDERLY_PUBLIC_URL: "https://shop.example.com/orders",
  });
  t.match(settings, {
    httpPort: 8080,
    fulfillment: { stepDelayMs: 0 },
    partitions: 32,
    publicUrl: "https://shop.example.com/orders",
  });
});

t.test("all faults are reported together, each with its variable, the rule and the value", async (t) => {
  t.same(
    faults(() =>
      loadClusterSettings({
        ORDERLY_PORT: "eighty",
        ORDERLY_NODES: "0",
        NATS_URL: "foo bar",
        ORDERLY_FULFILLMENT: "perhaps",
      }),
    ),
    [
      'ORDERLY_PORT must be integer, but is "eighty"',
      'ORDERLY_NODES must be >= 1, but is "0"',
      'NATS_URL must be an address like nats://127.0.0.1:4222, or several separated by commas, but is "foo bar"',
      'ORDERLY_FULFILLMENT must be one of auto, manual, but is "perhaps"',
    ],
  );
});

t.test("a node runs the workers that its settings name, both by default", async (t) => {
  const workers = (value: string) => loadNodeSettings({ ...node, ORDERLY_WORKERS: value }).workers;
  t.same(loadNodeSettings(node).workers, ["email", "invoice"]);
  t.same(
    [workers("all"), workers("email"), workers("invoice"), workers("none")],
    [["email", "invoice"], ["email"], ["invoice"], []],
  );
});

t.test("relations between settings are checked", async (t) => {
  const refused = (env: Record<string, string>, fault: RegExp) =>
    t.match(
      faults(() => loadNodeSettings({ ...node, ...env })),
      [fault],
    );
  refused(
    { ORDERLY_PRESENCE_REFRESH_MS: "1000" },
    /^ORDERLY_PRESENCE_REFRESH_MS \(1000\) must be below a third/u,
  );
  refused({ ORDERLY_COMMIT_TIMEOUT_MS: "5000" }, /^ORDERLY_COMMIT_TIMEOUT_MS \(5000\) must be below/u);
  refused(
    { ORDERLY_DEFAULT_WAIT_MS: "5000" },
    /^ORDERLY_GATEWAY_TIMEOUT_MS \(5000\) must be below ORDERLY_DEFAULT_WAIT_MS/u,
  );
  refused(
    { ORDERLY_STREAMS: "4", ORDERLY_PARTITIONS: "3" },
    /^ORDERLY_STREAMS \(4\) must not be above ORDERLY_PARTITIONS \(3\)/u,
  );
  t.same(
    faults(() => loadClusterSettings({ ORDERLY_NATS_PORT: "3925" })),
    ["ORDERLY_NATS_PORT 3925 is one of the ports that ORDERLY_PORT 3000 implies"],
  );
  t.same(
    faults(() => loadClusterSettings({ ORDERLY_NATS_PORT: "3925", NATS_URL: "127.0.0.1:4222" })),
    [],
  );
  t.same(
    faults(() => loadClusterSettings({ ORDERLY_NATS_PORT: "3915", ORDERLY_NATS_SERVERS: "3" })),
    ["ORDERLY_NATS_PORT 3915 implies 3925 too, which is one of the ports that ORDERLY_PORT 3000 implies"],
  );
  t.same(
    faults(() => loadClusterSettings({ ORDERLY_NATS_PORT: "65530", ORDERLY_NATS_SERVERS: "3" })),
    ["ORDERLY_NATS_PORT 65530 leaves no room for three servers"],
  );
  t.same(
    faults(() => loadClusterSettings({ NATS_URL: "127.0.0.1:4222", ORDERLY_NATS_SERVERS: "3" })),
    ["ORDERLY_NATS_SERVERS and NATS_URL are both set: choose one"],
  );
});

t.test("three nats-servers have a folder of their own unless it is named", async (t) => {
  t.match(loadClusterSettings({ ORDERLY_NATS_SERVERS: "3" }), {
    natsServers: 3,
    home: resolve(".orderly/cluster"),
  });
  t.equal(loadClusterSettings({ ORDERLY_NATS_SERVERS: "3", ORDERLY_HOME: "/x" }).home, "/x");
});

t.test(
  "outside development the built-in secrets are refused, and other secrets are never shown",
  async (t) => {
    const keyFile = { ORDERLY_PERSONAL_KEY_FILE: "/run/secrets/personal_keys" };
    const production = { ORDERLY_NODE_ID: "node-1", ORDERLY_WORKERS: "email", ...keyFile };
    t.match(
      faults(() => loadNodeSettings(production)),
      [
        /^ORDERLY_IDEMPOTENCY_SECRET must be set/u,
        /^ORDERLY_WEBHOOK_SECRET must be set/u,
        /^ORDERLY_CARRIER_WEBHOOK_SECRET must be set/u,
      ],
    );
    t.match(
      faults(() => loadCarrierSettings({ ORDERLY_DEVELOPMENT: "false" })),
      [/^ORDERLY_CARRIER_WEBHOOK_SECRET must be set/u],
    );
    const own = {
      ORDERLY_IDEMPOTENCY_SECRET: SECRET,
      ORDERLY_WEBHOOK_SECRET: `${SECRET} (gateway)`,
      ORDERLY_CARRIER_WEBHOOK_SECRET: `${SECRET} (carrier)`,
    };
    t.match(loadNodeSettings({ ...production, ...own }), { idempotencySecret: SECRET, development: false });
    const built = "whsec_b3JkZXJseS1kZXZlbG9wbWVudC1zZWNyZXQtMzJieXRlcw==";
    for (const [env, fault] of [
      [
        { ORDERLY_CARRIER_WEBHOOK_SECRET: built },
        /^ORDERLY_CARRIER_WEBHOOK_SECRET must be set to a secret of/u,
      ],
      [{ ORDERLY_WEBHOOK_SECRET: "ab".repeat(20) }, /^ORDERLY_WEBHOOK_SECRET has a secret of fewer than 12/u],
      [
        { ORDERLY_WEBHOOK_SECRET: SECRET },
        /^ORDERLY_WEBHOOK_SECRET has a secret of ORDERLY_IDEMPOTENCY_SECRET too/u,
      ],
      [
        { ORDERLY_CARRIER_WEBHOOK_SECRET: `${SECRET} (newer)\n${SECRET} (gateway)` },
        /^ORDERLY_CARRIER_WEBHOOK_SECRET has a secret of ORDERLY_WEBHOOK_SECRET too/u,
      ],
    ] as const)
      t.match(
        faults(() => loadNodeSettings({ ...production, ...own, ...env })),
        [fault],
      );
    const short = faults(() =>
      loadNodeSettings({ ...production, ...own, ORDERLY_WEBHOOK_SECRET: "hunter2" }),
    );
    t.match(short, [
      /^ORDERLY_WEBHOOK_SECRET must be one to three secrets of 32 to 512 characters, a line each$/u,
    ]);
  },
);

t.test(
  "outside development a node that makes invoices must have a seller, and other nodes need none",
  async (t) => {
    const secrets = {
      ORDERLY_IDEMPOTENCY_SECRET: SECRET,
      ORDERLY_WEBHOOK_SECRET: `${SECRET} (gateway)`,
      ORDERLY_CARRIER_WEBHOOK_SECRET: `${SECRET} (carrier)`,
    };
    const keyFile = { ORDERLY_PERSONAL_KEY_FILE: "/run/secrets/personal_keys" };
    const production = { ORDERLY_NODE_ID: "node-1", ...keyFile, ...secrets };
    t.match(
      faults(() => loadNodeSettings({ ...production, ORDERLY_SELLER_TAX_ID: "PT123456789" })),
      [/^ORDERLY_SELLER_NAME must be set/u, /^ORDERLY_SELLER_ADDRESS must be set/u],
    );
    const seller = {
      ORDERLY_SELLER_NAME: "A shop",
      ORDERLY_SELLER_ADDRESS: "2 Shop Street | 1000-001 Lisbon",
      ORDERLY_SELLER_TAX_ID: "PT123456789",
    };
    t.match(loadNodeSettings({ ...production, ...seller }), {
      taxBasisPoints: 2300,
      seller: { name: "A shop", address: ["2 Shop Street", "1000-001 Lisbon"], taxId: "PT123456789" },
    });
    t.equal(loadNodeSettings({ ...production, ORDERLY_WORKERS: "none" }).workers.length, 0);
    t.equal(loadNodeSettings({ ...node, ORDERLY_TAX_BASIS_POINTS: "0" }).taxBasisPoints, 0);
    for (const [env, fault] of [
      [{ ORDERLY_TAX_BASIS_POINTS: "10001" }, /^ORDERLY_TAX_BASIS_POINTS must be <= 10000/u],
      [{ ORDERLY_TAX_BASIS_POINTS: "0.23" }, /^ORDERLY_TAX_BASIS_POINTS must be integer/u],
      [{ ORDERLY_SELLER_ADDRESS: "1||2" }, /^ORDERLY_SELLER_ADDRESS must be 1 to 6 lines/u],
    ] as const)
      t.match(
        faults(() => loadNodeSettings({ ...node, ...env })),
        [fault],
      );
  },
);

t.test(
  "outside development a node must name its key file; in development it has one in its folder",
  async (t) => {
    const secrets = {
      ORDERLY_IDEMPOTENCY_SECRET: SECRET,
      ORDERLY_WEBHOOK_SECRET: `${SECRET} (gateway)`,
      ORDERLY_CARRIER_WEBHOOK_SECRET: `${SECRET} (carrier)`,
    };
    const production = { ORDERLY_NODE_ID: "node-1", ORDERLY_WORKERS: "none", ...secrets };
    t.match(
      faults(() => loadNodeSettings(production)),
      [/^ORDERLY_PERSONAL_KEY_FILE must name the file/u],
    );
    const named = { ORDERLY_PERSONAL_KEY_FILE: "/run/secrets/personal_keys" };
    t.equal(loadNodeSettings({ ...production, ...named }).personalKeyFile, "/run/secrets/personal_keys");
    t.equal(
      loadNodeSettings({ ...node, ORDERLY_HOME: "/home/one" }).personalKeyFile,
      "/home/one/personal.key",
    );
    t.equal(
      loadClusterSettings({ ORDERLY_HOME: "/x" }).personalKeyFile,
      "/x/personal.key",
      "one for all nodes",
    );
    t.equal(
      loadClusterSettings({ ORDERLY_HOME: "/x", ...named }).personalKeyFile,
      "/run/secrets/personal_keys",
    );
  },
);

t.test("settings cannot be changed, and are logged without secrets", async (t) => {
  const settings = loadNodeSettings({ ...node, ORDERLY_SMTP_URL: "smtp://me:hunter2@mail.example.com:25" });
  t.throws(() => Object.assign(settings, { nodeId: "other" }), TypeError);
  t.throws(() => Object.assign(settings.fulfillment, { mode: "manual" }), TypeError);
  t.match(redacted(settings), {
    nodeId: "node-1",
    idempotencySecret: "[hidden]",
    webhookSecret: "[hidden]",
    carrierWebhookSecret: "[hidden]",
    smtpUrl: "smtp://[hidden]@mail.example.com:25",
  });
});

t.test("a user in the address of NATS is a fault that says what to do, without the password", async (t) => {
  const urls = { NATS_URL: "nats://127.0.0.1:4222,nats://me:hunter2@nats.example.com:4222" };
  for (const read of [
    () => loadNodeSettings({ ...node, ...urls }),
    () => loadClusterSettings(urls),
    () => loadKeySettings(urls),
    () => loadReconcileSettings(urls),
    () => loadPersonalKeySettings({ ...urls, ORDERLY_PERSONAL_KEY_FILE: "x" }),
  ]) {
    const [fault = "", ...more] = faults(read);
    t.match(fault, /^NATS_URL holds a user.*ORDERLY_NATS_NKEY_SEED_FILE/u);
    t.notMatch(fault, "hunter2");
    t.equal(more.length, 0);
  }
});

t.test("the files of a login to NATS are read, and two logins at once are a fault", async (t) => {
  const files = {
    ORDERLY_NATS_NKEY_SEED_FILE: "/keys/node.nk",
    ORDERLY_NATS_TLS_CA_FILE: "/keys/ca.pem",
    ORDERLY_NATS_TLS_CERT_FILE: "/keys/node.pem",
    ORDERLY_NATS_TLS_KEY_FILE: "/keys/node.key",
  };
  const settings = loadNodeSettings({ ...node, ...files });
  t.strictSame(loginVariables(settings), files);
  t.strictSame(natsSettings(settings, "node", "n", 1), {
    servers: ["nats://127.0.0.1:4222"],
    name: "n",
    connectTimeoutMs: 1,
    inboxPrefix: "_INBOX_node",
    seedFile: "/keys/node.nk",
    tls: { caFile: "/keys/ca.pem", certFile: "/keys/node.pem", keyFile: "/keys/node.key" },
  });
  t.match(
    faults(() => loadNodeSettings({ ...node, ...files, ORDERLY_NATS_CREDS_FILE: "/keys/node.creds" })),
    [/ORDERLY_NATS_NKEY_SEED_FILE and ORDERLY_NATS_CREDS_FILE are both set/u],
  );
  t.match(
    faults(() => loadNodeSettings({ ...node, ORDERLY_NATS_TLS_KEY_FILE: "/keys/node.key" })),
    [/ORDERLY_NATS_TLS_CERT_FILE and ORDERLY_NATS_TLS_KEY_FILE go together/u],
  );
});

t.test("a faulty address is shown without its password", async (t) => {
  const smtp = { ...node, ORDERLY_SMTP_URL: "smtp:me:hunter2@mail.example.com" };
  t.match(
    faults(() => loadNodeSettings(smtp)),
    [/^ORDERLY_SMTP_URL must be .*\[hidden\]@mail\.example\.com/u],
  );
  const nats = { ...node, NATS_URL: "nats://a:hunter2@one,http://b:hunter2@two" };
  t.match(
    faults(() => loadNodeSettings(nats)),
    [/^NATS_URL must be .*\[hidden\]@two/u],
  );
  for (const env of [smtp, nats]) t.notMatch(faults(() => loadNodeSettings(env)).join(), /hunter/u);
});

t.test("in development gateway and carrier sign with different secrets", async (t) => {
  const { webhookSecret, carrierWebhookSecret } = loadNodeSettings(node);
  t.not(webhookSecret, carrierWebhookSecret);
  t.equal(loadGatewaySettings({}).webhookSecret, webhookSecret);
  t.equal(loadCarrierSettings({}).webhookSecret, carrierWebhookSecret);
});

t.test("gateway, carrier and mailbox have defaults that fit a cluster on port 3000", async (t) => {
  t.match(loadGatewaySettings({}), { httpPort: 3900, publicUrl: "http://127.0.0.1:3900" });
  t.match(loadCarrierSettings({}), {
    httpPort: 3902,
    webhookUrl: "http://127.0.0.1:3000/v1/webhooks/carrier",
    deliverAfterMs: undefined,
  });
  t.equal(loadNodeSettings(node).carrierUrl, "http://127.0.0.1:3902");
  t.match(loadMailboxSettings({}), { httpPort: 3901, smtpPort: 3925 });
});

t.test("variables that are not settings are found, and those of tools are not among them", async (t) => {
  t.same(unknownVariables({ ORDERLY_PROT: "1", ORDERLY_PORT: "1", ORDERLY_CACHE: "/c", OTHER: "1" }), [
    "ORDERLY_PROT",
  ]);
});
