/** What a node reports to operators, made from its status. */
import t from "tap";
import { metricsText } from "../../../nodes/order/metrics.ts";
import { clusterOf } from "../../../nodes/order/operations.ts";
import { noWebhooks } from "../../support/http-services.ts";
import { quietStatus as status } from "./node-status.ts";

const infoOf = (commit?: string): string =>
  metricsText(
    "node-1",
    status,
    [],
    { version: "0.2.0", ...(commit === undefined ? {} : { commit }) },
    noWebhooks,
  )
    .split("\n")
    .filter((line) => line.includes("orderly_build_info"))
    .join("\n");

t.test(
  "a node's program is in the cluster view; of a node that does not say, its fields are absent",
  async (t) => {
    const node = { boot: "b", startedAt: 0 };
    const { nodes } = clusterOf({
      ...status,
      entries: [
        { ...node, id: "new", version: "0.2.0", definition: 4, commit: "abc" },
        { ...node, id: "built-without-a-commit", version: "0.2.0", definition: 4 },
        { ...node, id: "old" },
        { ...node, id: "odd", version: 2, definition: "4", commit: null },
      ],
    });
    const programs = nodes.map(({ id, version, definition, commit }) => ({
      id,
      version,
      definition,
      commit,
    }));
    t.strictSame(programs, [
      { id: "built-without-a-commit", version: "0.2.0", definition: 4, commit: undefined },
      { id: "new", version: "0.2.0", definition: 4, commit: "abc" },
      { id: "odd", version: undefined, definition: undefined, commit: undefined },
      { id: "old", version: undefined, definition: undefined, commit: undefined },
    ]);
  },
);

t.test("a node's program is the labels of a metric that is always 1", async (t) => {
  t.equal(
    infoOf("abc"),
    `# HELP orderly_build_info 1; the labels say which program the node runs.
# TYPE orderly_build_info gauge
orderly_build_info{node="node-1",version="0.2.0",definition="4",commit="abc"} 1`,
  );
  t.match(infoOf(), /commit="unknown"\} 1$/u);
});
