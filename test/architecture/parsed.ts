/** The project's files as TypeScript's own parser reads them. */
import { fileURLToPath } from "node:url";
import type { SourceFile } from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** @param paths from the project's root; each must be a part of the project that tsconfig.json describes */
export function readParsed<Read>(
  paths: readonly string[],
  read: (file: string, source: SourceFile) => Read,
): Read[] {
  const api = new API({ cwd: ROOT });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${ROOT}tsconfig.json`] }).getProjects();
    return paths.map((file) => {
      const source = project?.program.getSourceFile(ROOT + file);
      if (source === undefined) throw new Error(`${file} is no part of the project`);
      return read(file, source);
    });
  } finally {
    api.close();
  }
}
