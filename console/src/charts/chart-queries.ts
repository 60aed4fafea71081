/** Charts of the machines, and their layouts from the build. */
import { queryOptions, useQueries, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get } from "../api/client.ts";
import type { MachineChart } from "../api/types.ts";
import type { Meaning } from "../orders/meanings.ts";
import type { MachineLayouts } from "./layout.ts";
import { ChartIndex } from "./machine-chart.ts";

/** The machines of an order, in the order in which pages show them. */
export const machineKinds = ["order", "payment", "fulfillment"] as const;
/** One of {@link machineKinds}. */
export type MachineKind = (typeof machineKinds)[number];

/** A chart with its states by path. It changes when the node does, and then the page is loaded again. */
export const chartQuery = (kind: string) =>
  queryOptions({
    queryKey: ["machines", kind],
    queryFn: async ({ signal }) =>
      new ChartIndex(await get<MachineChart>(`/v1/machines/${kind}`, undefined, signal)),
    staleTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });

const layoutsQuery = queryOptions({
  queryKey: ["layouts"],
  queryFn: async () => (await import("virtual:chart-layouts")).default,
  staleTime: Number.POSITIVE_INFINITY,
});

/** The charts of all machines; `undefined` until all are there. */
export function useCharts(): {
  readonly charts: ReadonlyMap<string, ChartIndex> | undefined;
  readonly error: unknown;
  readonly retry: () => void;
} {
  const queries = useQueries({ queries: machineKinds.map((kind) => chartQuery(kind)) });
  const found = queries.flatMap(({ data }) => data ?? []);
  const key = found.map(({ chart }) => chart.hash).join();
  const charts = useMemo(
    () =>
      found.length === machineKinds.length
        ? new Map(found.map((index) => [index.chart.kind, index]))
        : undefined,
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [key],
  );
  return {
    charts,
    error: queries.find(({ error }) => error)?.error,
    retry: () => queries.forEach(({ error, refetch }) => error && void refetch()),
  };
}

/** Layouts that fit a chart; `other`: the build of this console is of another version of the machine. */
export function useLayouts(index: ChartIndex): MachineLayouts | "loading" | "other" {
  const { data } = useQuery(layoutsQuery);
  const layouts = data?.[index.chart.kind];
  if (data === undefined) return "loading";
  return layouts?.hash === index.chart.hash ? layouts : "other";
}

/** What an order is doing that is in a state; a state around others has its own meaning. */
export const meaningIn =
  (index: ChartIndex) =>
  (path: string): Meaning =>
    (index.state(path)?.texts?.meaning as Meaning | undefined) ?? "moving";
