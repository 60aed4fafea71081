/** The machines of this program, laid out. */
import type { MachineLayouts } from "../src/charts/layout.ts";
import type { MachineChart } from "../src/charts/machine-chart.ts";
import { machineCharts } from "../../src/services/machines/order-machines.ts";
import { orderMachines } from "../../src/services/orders/definition.ts";
import { layoutsOf } from "./chart-layouts.ts";

/** The charts of an order's machines, as this program's nodes answer them. */
export function orderCharts(): ReadonlyMap<string, MachineChart> {
  return machineCharts({ machines: orderMachines, listens: {} });
}

/** Their layouts, by machine. */
export async function orderLayouts(): Promise<Readonly<Record<string, MachineLayouts>>> {
  const layouts: Record<string, MachineLayouts> = {};
  for (const [kind, chart] of orderCharts()) layouts[kind] = await layoutsOf(chart);
  return layouts;
}
