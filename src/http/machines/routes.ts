/** The machines of an order as data, and simulations of them. */
import type { Machines, SimulatedFrom, SimulatedStep } from "../../services/machines/contract.ts";
import type { OrderList } from "../../services/projection/contract.ts";
import { sendNoAnswer } from "../orders/list-orders.ts";
import type { HttpApp } from "../protocol/http-app.ts";
import { sendProblem, sendUnavailable } from "../protocol/problem-answers.ts";
import { bodyProblems, serviceProblems } from "../protocol/problem-schema.ts";
import { ref } from "../protocol/schema-parts.ts";
import { simulateFaults } from "./simulate-faults.ts";
import { machineParams, type Simulate } from "./schemas.ts";

const tags = ["Machines"];

const listSchema = {
  operationId: "listMachines",
  tags,
  summary: "List the machines of an order",
  response: { 200: { ...ref("MachineList"), description: "The machines, in the order in which they start" } },
  problems: [],
} as const;

const chartSchema = {
  operationId: "getMachine",
  tags,
  summary: "Read a machine as a chart",
  description:
    "States with their texts, transitions with the ids that histories name, conditions. It is the machine.",
  params: machineParams,
  response: { 200: { ...ref("MachineChart"), description: "The chart" } },
  problems: ["machine_not_found"],
} as const;

const simulateSchema = {
  operationId: "simulateMachines",
  tags,
  summary: "Simulate an order, step by step",
  description:
    "Begins with a new order, or with an order as one of its commits has left it. Nothing is written or called: outcomes of calls are steps. A step that is not accepted changes nothing.",
  body: ref<Simulate>("Simulate"),
  response: { 200: { ...ref("Simulation"), description: "What each step did" } },
  problems: [
    ...bodyProblems,
    "order_not_found",
    "version_not_found",
    "machine_not_found",
    "refused",
    ...serviceProblems,
  ],
} as const;

const countsSchema = {
  operationId: "countMachine",
  tags,
  summary: "Count the orders in each state of a machine",
  description:
    "States in which no order is are left out; an order counts for its state and for those around it. `asOf` as in the list of orders.",
  params: machineParams,
  response: { 200: { ...ref("MachineCounts"), description: "The counts, by path of the state" } },
  problems: [
    "machine_not_found",
    "behind",
    "projection_off",
    "validation_failed",
    "refused",
    ...serviceProblems,
  ],
} as const;

const config = { unknownParameter: "machine_not_found" } as const;

/** Adds the routes. */
export function machineRoutes(app: HttpApp, machines: Machines, orders: Pick<OrderList, "counts">): void {
  app.get(
    "/v1/machines",
    { schema: listSchema, config: { access: "machines:read" } },
    async (_request, reply) => reply.code(200).send({ items: machines.list() }),
  );
  app.get(
    "/v1/machines/:kind",
    { schema: chartSchema, config: { ...config, access: "machines:read" } },
    async (request, reply) => {
      const chart = machines.chart(request.params.kind);
      if (!chart) return sendProblem(reply, "machine_not_found");
      return reply.code(200).header("cache-control", "no-cache").send(chart);
    },
  );
  app.get(
    "/v1/machines/:kind/counts",
    { schema: countsSchema, config: { ...config, access: "machines:read" } },
    async (request, reply) => {
      const { kind } = request.params;
      if (!machines.chart(kind)) return sendProblem(reply, "machine_not_found");
      const result = await orders.counts({ filter: {}, by: "state" });
      if (result.status !== "counted") return sendNoAnswer(reply, result);
      const own = `${kind}:`;
      const counts = result.counts.flatMap(({ key, value }) =>
        key.startsWith(own) ? [{ key: key.slice(own.length), value }] : [],
      );
      return reply
        .code(200)
        .header("cache-control", "private, no-cache")
        .send({ kind, counts, asOf: result.asOf });
    },
  );
  app.post(
    "/v1/machines/simulate",
    { schema: simulateSchema, config: { access: "machines:simulate" } },
    async (request, reply) => {
      const faults = simulateFaults(request.body);
      if (faults.length > 0) return sendProblem(reply, "validation_failed", { errors: faults });
      const { from, steps } = request.body;
      const result = await machines.simulate(from as SimulatedFrom, steps as readonly SimulatedStep[]);
      switch (result.status) {
        case "simulated":
          return reply.code(200).send({ complete: result.complete, results: result.results });
        case "not_found":
          return sendProblem(reply, "order_not_found");
        case "version_not_found":
        case "machine_not_found":
          return sendProblem(reply, result.status);
        default:
          return sendUnavailable(reply, result);
      }
    },
  );
}
