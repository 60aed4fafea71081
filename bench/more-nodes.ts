/** The effect of more nodes on the same machine: orders per second with one, two and four of them. */
import { measureOrders } from "./orders-over-http.ts";
import type { Part } from "./part.ts";

/** One, two and four nodes with the same callers. */
export const moreNodes: Part = {
  letter: "g",
  name: "more-nodes",
  what: "orders/s over HTTP with one, two and four nodes, callers spread over them",
  async run(context) {
    const { options } = context;
    const { quick } = options;
    for (const mode of options.modes ?? ["placed" as const])
      for (const nodes of options.nodes ?? (quick ? [2] : [1, 2, 4]))
        for (const callers of options.callers ?? (quick ? [64] : [64, 256]))
          context.report(await measureOrders(context, { name: "more-nodes", nodes, mode, callers }));
  },
};
