/** A machine as Mermaid text, for pages and issues that draw it by themselves. Pure. */
import { transitionText } from "./labels.ts";
import { type ChartIndex, ownName } from "./machine-chart.ts";

const idOf = (path: string): string => path.replaceAll(".", "__");
/** Mermaid ends a label at these. */
const inLabel = (text: string): string => text.replaceAll(/[:;#"]/gu, " ").trim();

/** A diagram of the kind `stateDiagram-v2`; compound states hold theirs. */
export function mermaidOf(index: ChartIndex): string {
  const { chart } = index;
  const lines = ["stateDiagram-v2"];
  const write = (within: string, depth: number): void => {
    const margin = "  ".repeat(depth);
    const { initial } = index.state(within) ?? {};
    if (initial !== undefined) lines.push(`${margin}[*] --> ${idOf(initial)}`);
    for (const path of index.children(within)) {
      const id = idOf(path);
      if (index.children(path).length === 0) {
        lines.push(id === ownName(path) ? `${margin}${id}` : `${margin}state "${ownName(path)}" as ${id}`);
        if (index.state(path)?.kind === "final") lines.push(`${margin}${id} --> [*]`);
        continue;
      }
      lines.push(`${margin}state "${ownName(path)}" as ${id} {`);
      write(path, depth + 1);
      lines.push(`${margin}}`);
    }
  };
  write("", 1);
  for (const edge of chart.transitions) {
    const text = inLabel(transitionText(index, edge));
    for (const target of edge.targets)
      if (edge.source !== "" && target !== "")
        lines.push(`  ${idOf(edge.source)} --> ${idOf(target)}${text === "" ? "" : ` : ${text}`}`);
  }
  return `${lines.join("\n")}\n`;
}
