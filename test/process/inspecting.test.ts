/** The real `nats` CLI shows of a real cluster what docs/inspecting.md and the README document. */
import { readFileSync } from "node:fs";
import t from "tap";
import { natsCli, natsCliFolder } from "../support/clients/nats-cli.ts";
import { orderOf, place } from "../support/clients/order-client.ts";
import { untilCompleted } from "../support/clients/order-poll.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { shape, shapesOf } from "../support/audits/output-shape.ts";
import { waitUntil } from "../support/wait-until.ts";

const DOC = readFileSync(new URL("../../docs/inspecting.md", import.meta.url), "utf8");
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const ADDRESS = "127.0.0.1:4222";

type Example = { readonly line: string; readonly output: readonly string[] };

/** A command, and the output that follows it. */
const examples: readonly Example[] = [
  ...DOC.matchAll(/```bash\n(nats [^\n]+)\n```\n\n```text\n(.*?)\n```/gsu),
].map(([, line = "", output = ""]) => ({ line, output: output.split("\n") }));
const ofReadme = [...README.matchAll(/^nats .*$/gmu)].map(([line]) => line.replace(/\s+#.*$/u, ""));

t.test("every documented command has its documented output", async (t) => {
  t.equal(examples.length, [...DOC.matchAll(/^nats /gmu)].length, "every command has its output");
  t.ok(examples.length >= 15 && ofReadme.length >= 3);
});

t.test("lines that differ in volatile parts have one shape, and other lines do not", async (t) => {
  t.equal(
    shape("│ email │ 16.00s │ 227 │ ord_AR0Zy_7KWjFvR2sXDf4y │ never │ 1.5 KiB │"),
    shape("│ email   │ 1m6s │ 1 │ ord_XCLFP_L4sRT8rAO9uNMu │ 7.33s │ 630 B │"),
  );
  t.not(shape("  Ack Policy: None"), shape("  Ack Policy: Explicit"));
  t.not(shape("orders.events.9.order.created"), shape("orders.events.9.order.shipped"));
});

const folder = natsCliFolder();
const missing =
  "the nats CLI is neither on PATH nor in ~/go/bin; go install github.com/nats-io/natscli/nats@latest";
t.test(
  "the documented commands show the documented output",
  folder === undefined ? { skip: missing } : {},
  async (t) => {
    const cluster = await startOrderCluster(t, { stepDelayMs: 50 });
    const cli = natsCli(t, folder ?? "", cluster.nats.url);
    const [url = ""] = cluster.urls;
    const ids: string[] = [];
    for (const method of ["credit_card", "cash_on_delivery"] as const) {
      const placed = await place(url, orderOf({ method, lines: [{ sku: "TSHIRT-M", quantity: 2 }] }));
      t.equal(placed.status, 201);
      ids.push(placed.body.id);
    }
    for (const id of ids) await untilCompleted(url, id, { timeoutMs: 60_000 });
    for (const { line, output } of examples)
      await t.test(line, async (t) => {
        const here = line.replace("<id>", ids[0] ?? "");
        const wanted = output.filter((one) => one.trim() !== "" && one !== "...");
        // Marks and checkpoints are written a moment later.
        await waitUntil("the output has the documented shape", async () => {
          const shown = shapesOf(
            await (line.startsWith("nats stream view") ? cli.page(here) : cli.run(here)),
          );
          const lacking = wanted.filter((one) => !shown.includes(one));
          if (lacking.length > 0) throw new Error(`lacks ${lacking.join("\n")}\nin ${shown.text}`);
          return true;
        }).then(
          () => t.pass("the output is as documented"),
          (error: unknown) => t.fail(String(error)),
        );
      });
    for (const line of ofReadme)
      await t.test(`README: ${line}`, async (t) => {
        const here = line.replace(ADDRESS, cluster.nats.url);
        t.not(here, line, "the command names the server");
        const output = line.includes("stream view") ? await cli.page(here) : await cli.run(here);
        t.match(output, /partition\./u);
      });
  },
);
