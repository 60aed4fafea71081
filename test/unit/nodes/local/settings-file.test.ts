/** The file with which a killed process is started again holds every setting that the process had. */
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import t from "tap";
import { knownVariables, loadNodeSettings, settingsIn } from "../../../../config/settings.ts";
import type { Environment } from "../../../../config/settings-reader.ts";
import type { ProcessPlan } from "../../../../nodes/local/plan.ts";
import { writeSettingsFile } from "../../../../nodes/local/settings-file.ts";

const planIn = (home: string, env: ProcessPlan["env"] = {}): ProcessPlan => ({
  name: "node-2",
  file: "",
  args: [],
  home,
  url: "",
  env: { ORDERLY_NODE_ID: "node-2", ORDERLY_DEVELOPMENT: "true", ORDERLY_HOME: home, ...env },
});

const written = (plan: ProcessPlan, inherited: Environment): Environment => {
  writeSettingsFile(plan, inherited);
  return parseEnv(readFileSync(join(plan.home, "settings.env"), "utf8"));
};

t.test("what the launcher inherited from its environment is in the file", async (t) => {
  const inherited = {
    ORDERLY_TAX_BASIS_POINTS: "600",
    ORDERLY_SELLER_NAME: 'My shop\'s "best"',
    ORDERLY_IDEMPOTENCY_SECRET: "a secret of at least thirty-two characters",
    ORDERLY_REPLICAS: "1",
  };
  const plan = planIn(t.testdir());
  const environment = { ...inherited, PATH: "/usr/bin", ORDERLY_NO_SETTING: "x", HOME: undefined };
  const file = written(plan, settingsIn(environment));
  t.strictSame(
    loadNodeSettings(file),
    loadNodeSettings({ ...inherited, ...plan.env }),
    "the settings are those of the killed process",
  );
  t.equal(loadNodeSettings(file).taxBasisPoints, 600);
  t.notOk("PATH" in file, "other variables are not settings");
  t.notOk("ORDERLY_NO_SETTING" in file);
});

t.test(
  "every variable that a process reads is in the file when it is set, and the plan's own value counts",
  async (t) => {
    const inherited = Object.fromEntries([...knownVariables].map((name) => [name, `of ${name}`]));
    const plan = planIn(t.testdir(), { ORDERLY_HTTP_PORT: "3001" });
    t.strictSame({ ...written(plan, inherited) }, { ...inherited, ...plan.env });
  },
);

t.test("a value that the format cannot hold is named, and no other value is lost by it", async (t) => {
  const plan = planIn(t.testdir());
  const file = written(plan, { ORDERLY_SELLER_NAME: "'`\"", ORDERLY_SELLER_TAX_ID: "PT1" });
  t.notOk("ORDERLY_SELLER_NAME" in file);
  t.equal(file["ORDERLY_SELLER_TAX_ID"], "PT1");
  t.match(readFileSync(join(plan.home, "settings.env"), "utf8"), /^# ORDERLY_SELLER_NAME .*environment$/mu);
});

t.test("only the user who started the cluster can read the file", async (t) => {
  const plan = planIn(t.testdir());
  const path = join(plan.home, "settings.env");
  writeFileSync(path, "");
  chmodSync(path, 0o644);
  writeSettingsFile(plan, {});
  t.ok(existsSync(path));
  t.equal(statSync(path).mode & 0o777, 0o600);
});
