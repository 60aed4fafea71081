/** Large libraries are loaded when they are needed first, by the process or thread that needs them. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import t from "tap";

const program = fileURLToPath(new URL("../support/programs/loaded-packages.ts", import.meta.url));

/** The reference of the API (45 MB of memory), documents (20 MB), and mail. */
const LARGE = ["@scalar/fastify-api-reference", "pdfkit", "fontkit", "any-ascii", "nodemailer"];

for (const [what, path, needed] of [
  ["an order node", "nodes/order/start.ts", "fastify"],
  ["the thread of its workers", "nodes/order/workers.ts", "@nats-io/transport-node"],
] as const)
  t.test(`${what} loads no large library at its start`, async (t) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, path], { encoding: "utf8" });
    t.equal(status, 0, stderr);
    const loaded = stdout.split("\n");
    t.ok(loaded.includes(needed), "packages are seen");
    t.same(
      LARGE.filter((name) => loaded.includes(name)),
      [],
    );
  });
