/** Compressed copies beside the files of a build, so that no request pays for the compression. */
import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** Fonts are compressed already. */
const COMPRESSIBLE = /\.(?:js|css|svg|json|html)$/u;

/** Bytes of one file of a build as a browser gets it. */
export type BuiltFile = {
  /** From the folder of the build. */
  readonly path: string;
  readonly bytes: number;
  readonly gzip: number;
  readonly brotli: number;
};

/** Writes `.gz` and `.br` beside every file that becomes smaller by it. @returns the files, the greatest first */
export function compressFiles(folder: string): BuiltFile[] {
  const paths = globSync("**/*", { cwd: folder }).filter((path) => statSync(join(folder, path)).isFile());
  return paths.map((path) => compressFile(folder, path)).toSorted((one, other) => other.gzip - one.gzip);
}

function compressFile(folder: string, path: string): BuiltFile {
  const file = join(folder, path);
  const content = readFileSync(file);
  const bytes = content.length;
  if (!COMPRESSIBLE.test(path)) return { path, bytes, gzip: bytes, brotli: bytes };
  const gzip = gzipSync(content, { level: 9 });
  const brotli = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes } });
  writeFileSync(`${file}.gz`, gzip);
  writeFileSync(`${file}.br`, brotli);
  return { path, bytes, gzip: gzip.length, brotli: brotli.length };
}
