/**
 * The pages of the console, each a file of its own that is loaded when it is opened. The first entry that fits an
 * address is shown. A page is the default export of its module and gets the parameters of its path.
 */
import type { ComponentType } from "react";
import type { PageParams } from "./page.tsx";
import type { IconName } from "../ui/icon.tsx";

/** One page. */
export type PageRoute = {
  /** As wouter writes paths: `/orders/:id`. */
  readonly path: string;
  /** The window's title. */
  readonly title: string;
  readonly load: () => Promise<{ readonly default: ComponentType<{ readonly params: PageParams }> }>;
  /** Its place in the rail; pages without one are reached from others. */
  readonly rail?: { readonly icon: IconName; readonly label: string; readonly key: string };
  /** Without rail and top bar. */
  readonly chromeless?: true;
};

/** All pages, in the order of the rail. */
export const routes: readonly PageRoute[] = [
  {
    path: "/",
    title: "Overview",
    load: () => import("../overview/overview-page.tsx"),
    rail: { icon: "overview", label: "Overview", key: "h" },
  },
  {
    path: "/orders",
    title: "Orders",
    load: () => import("../orders/orders-page.tsx"),
    rail: { icon: "orders", label: "Orders", key: "o" },
  },
  { path: "/orders/new", title: "Place an order", load: () => import("../place/place-page.tsx") },
  { path: "/orders/:id", title: "Order", load: () => import("../order/order-page.tsx") },
  { path: "/bulk/:id", title: "Many orders", load: () => import("../bulk/bulk-page.tsx") },
  {
    path: "/warehouse",
    title: "Warehouse",
    load: () => import("../warehouse/warehouse-page.tsx"),
    rail: { icon: "warehouse", label: "Warehouse", key: "w" },
    chromeless: true,
  },
  {
    path: "/messages",
    title: "Messages",
    load: () => import("../messages/messages-page.tsx"),
    rail: { icon: "messages", label: "Messages", key: "m" },
  },
  { path: "/messages/:tab", title: "Messages", load: () => import("../messages/messages-page.tsx") },
  {
    path: "/machines",
    title: "Machines",
    load: () => import("../machines/machine-page.tsx"),
    rail: { icon: "machines", label: "Machines", key: "s" },
  },
  { path: "/machines/:kind", title: "Machine", load: () => import("../machines/machine-page.tsx") },
  {
    path: "/machines/:kind/simulate",
    title: "Simulate",
    load: () => import("../machines/simulate-page.tsx"),
  },
  {
    path: "/cluster",
    title: "Cluster",
    load: () => import("../cluster/cluster-page.tsx"),
    rail: { icon: "cluster", label: "Cluster", key: "c" },
  },
];
