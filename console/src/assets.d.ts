declare module "*.module.css" {
  const classes: Readonly<Record<string, string>>;
  export default classes;
}
declare module "*.css";
/** Layouts of the machines, made by the build. */
declare module "virtual:chart-layouts" {
  import type { MachineLayouts } from "./charts/layout.ts";
  const layouts: Readonly<Record<string, MachineLayouts>>;
  export default layouts;
}
