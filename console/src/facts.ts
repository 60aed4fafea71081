/** What the node that serves the page says about itself, in the page's `meta`. */

/** The node's facts. */
export type NodeFacts = { readonly version: string; readonly environment: "development" | "production" };

/** Reads them; of a page without them, such as that of a development server, nothing is known. */
export function readFacts(document: Document): NodeFacts {
  const content = document.querySelector('meta[name="orderly"]')?.getAttribute("content") ?? "{}";
  const { version = "", environment = "development" } = JSON.parse(content) as Partial<NodeFacts>;
  return { version, environment };
}
