/** The names of an OpenAPI document by operation: what its callers write and read. */

/** As far as the names need it. */
export type ApiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

/** By operation (`post /v1/orders`): statuses, problem codes, parameters, headers, properties and values of enums. */
export function apiNames({ paths, components }: ApiDocument): ReadonlyMap<string, ReadonlySet<string>> {
  const names = new Map<string, Set<string>>();
  for (const [path, methods] of Object.entries(paths))
    for (const [method, operation] of Object.entries(methods)) {
      const found = new Set<string>();
      const visited = new Set<string>();
      const visit = (value: unknown): void => {
        if (typeof value !== "object" || value === null) return;
        for (const [key, inner] of Object.entries(value)) {
          if (["properties", "responses", "headers", "examples"].includes(key) && !Array.isArray(inner))
            for (const name of Object.keys(inner as object)) found.add(name);
          if (key === "enum") for (const one of inner as unknown[]) found.add(String(one));
          if (key === "const" || (key === "name" && typeof inner === "string")) found.add(String(inner));
          if (key === "$ref" && !visited.has(String(inner))) {
            visited.add(String(inner));
            visit(components.schemas[String(inner).split("/").at(-1) ?? ""]);
          }
          if (key !== "examples" && key !== "example") visit(inner);
        }
      };
      visit(operation);
      names.set(`${method} ${path}`, found);
    }
  return names;
}
