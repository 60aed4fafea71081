/** Which program a node says it runs: from a checkout, a setting or the manifest, whatever is there and readable. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { programOf } from "../../../nodes/order/program.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const A = "a".repeat(40);
const B = "b".repeat(40);

/** A folder with these files, by path. */
function folderWith(t: Test, files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder(t);
  for (const [path, text] of Object.entries({ "package.json": '{ "version": "1.2.3" }', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

t.test("the commit is the one that is checked out, wherever git keeps it", async (t) => {
  const main = "ref: refs/heads/main\n";
  const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "a branch": { ".git/HEAD": main, ".git/refs/heads/main": `${A}\n` },
    "a commit without a branch": { ".git/HEAD": `${A}\n` },
    "a packed branch": {
      ".git/HEAD": main,
      ".git/packed-refs": `# pack-refs\n${B} refs/heads/old/main\n${A} refs/heads/main\n^${B}\n`,
    },
    "a branch that is newer than the packed one": {
      ".git/HEAD": main,
      ".git/refs/heads/main": `${A}\n`,
      ".git/packed-refs": `${B} refs/heads/main\n`,
    },
    "a branch that stands for another": {
      ".git/HEAD": "ref: refs/heads/alias\n",
      ".git/refs/heads/alias": main,
      ".git/refs/heads/main": `${A}\n`,
    },
    "a further worktree": {
      ".git": "gitdir: elsewhere/worktrees/one\n",
      "elsewhere/worktrees/one/HEAD": main,
      "elsewhere/worktrees/one/commondir": "../..\n",
      "elsewhere/HEAD": `${B}\n`,
      "elsewhere/refs/heads/main": `${A}\n`,
    },
  };
  for (const [name, files] of Object.entries(cases))
    t.strictSame(programOf(B, folderWith(t, files)), { version: "1.2.3", commit: A }, name);
});

t.test("git's own files are read as git writes them", { skip: gitIsMissing() }, async (t) => {
  const folder = folderWith(t, {});
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  git("init");
  t.strictSame(programOf(undefined, folder), { version: "1.2.3" }, "nothing is committed yet");
  git("commit", "--allow-empty", "--message", "first");
  const commit = git("rev-parse", "HEAD");
  t.equal(programOf(undefined, folder).commit, commit);
  git("gc", "--quiet");
  git("pack-refs", "--all");
  t.equal(programOf(undefined, folder).commit, commit, "packed");
  const worktree = join(temporaryFolder(t), "two");
  git("worktree", "add", "--detach", worktree);
  t.equal(programOf(undefined, worktree).commit, commit, "in a worktree");
});

t.test("without a checkout the commit is that of the setting, then that of the manifest", async (t) => {
  const manifest = { "package.json": JSON.stringify({ version: "1.2.3", gitHead: A }) };
  t.equal(programOf("v1.2.3-4-gabc1234", folderWith(t, manifest)).commit, "v1.2.3-4-gabc1234");
  for (const unset of [undefined, "", 'a"} 1\nfake_metric 2', "x".repeat(101)])
    t.equal(programOf(unset, folderWith(t, manifest)).commit, A, JSON.stringify(unset));
  t.strictSame(programOf(undefined, folderWith(t, {})), { version: "1.2.3" });
});

t.test("no file keeps a node from starting: what cannot be read is unknown", async (t) => {
  const broken: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "an empty checkout": { ".git/config": "" },
    "a branch that is nowhere": { ".git/HEAD": "ref: refs/heads/main\n" },
    "a HEAD of other text": { ".git/HEAD": `${A.slice(1)}\n` },
    "references in a circle": { ".git/HEAD": "ref: refs/a\n", ".git/refs/a": "ref: refs/a\n" },
    "a reference to another folder": { ".git/HEAD": "ref: ../../secret\n", secret: A },
    "a link to nowhere": { ".git": "gitdir: /nowhere/at/all\n" },
    "a file that is no link": { ".git": "?" },
  };
  for (const [name, files] of Object.entries(broken))
    t.strictSame(programOf(undefined, folderWith(t, files)), { version: "1.2.3" }, name);
  for (const text of ["", "{", "null", "[]", '{ "version": 7, "gitHead": {} }', '{ "version": "a b" }'])
    t.strictSame(programOf(undefined, folderWith(t, { "package.json": text })), { version: "unknown" }, text);
  t.strictSame(programOf(undefined, join(folderWith(t, {}), "absent")), { version: "unknown" });
});

t.test("this program's version is that of its manifest", async (t) => {
  t.match(programOf(undefined).version, /^\d+\.\d+\.\d+/u);
});

function gitIsMissing(): string | false {
  try {
    execFileSync("git", ["--version"], { stdio: "ignore" });
    return false;
  } catch {
    return "git is not installed";
  }
}
