/** What the processes of one cluster know of each other: which program each runs. */
import t from "tap";
import { programOf } from "../../nodes/order/program.ts";
import { DEFINITION_VERSION } from "../../src/services/orders/definition.ts";
import { startOrderCluster } from "../support/cluster/order-cluster.ts";
import { metricsOf } from "../support/metrics.ts";
import { waitUntil } from "../support/wait-until.ts";

const program = { ...programOf("of-an-image"), definition: DEFINITION_VERSION };

type View = { readonly nodes: readonly Readonly<Record<string, unknown>>[] };

t.test(
  "each node says which program it runs: in its first line, to the cluster and as a metric",
  async (t) => {
    const cluster = await startOrderCluster(t, {
      nodes: 2,
      catalogue: false,
      env: { ORDERLY_COMMIT: "of-an-image" },
    });
    for (const node of cluster.nodes) {
      const { url } = node;
      const [first = ""] = node.output().split("\n");
      t.match(JSON.parse(first), { msg: "order node starts", ...program });
      const view = await waitUntil("it sees both nodes", async () => {
        const seen = (await (await fetch(`${url}/v1/cluster`)).json()) as View;
        return seen.nodes.length === 2 ? seen : undefined;
      });
      t.match(view.nodes, [program, program]);
      t.match(
        await metricsOf(url),
        `version="${program.version}",definition="${program.definition}",commit="${program.commit}"} 1`,
      );
    }
  },
);
