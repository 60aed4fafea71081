/** The project's files as TypeScript's own parser reads them. */
import { fileURLToPath } from "node:url";
import type { SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @param paths from the project's root; each must be a part of the projects that the tsconfig.json files describe */
export function readParsed<Read>(
  paths: readonly string[],
  read: (file: string, source: SourceFile) => Read,
): Read[] {
  const api = new API({ cwd: ROOT });
  try {
    const openProjects = [`${ROOT}tsconfig.json`, `${ROOT}console/tsconfig.json`];
    const projects = api.updateSnapshot({ openProjects }).getProjects();
    return paths.map((file) => {
      const source = projects
        .map(({ program }) => program.getSourceFile(ROOT + file))
        .find((found) => found !== undefined);
      if (source === undefined) throw new Error(`${file} is no part of the project`);
      return read(file, source);
    });
  } finally {
    api.close();
  }
}
