// Builds what the browser loads: `node build.mjs --out DIR`. Everything is bundled; nothing is fetched from elsewhere.
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const { values } = parseArgs({ options: { out: { type: "string" } } });
if (!values.out) {
  console.error("Say where to write: node build.mjs --out DIR");
  process.exit(2);
}
const out = resolve(values.out);

// One sprite of the icons named in icons.json: the whole set is 5,000 files, a page shows a dozen.
async function sprite() {
  const { resolve: locate } = createRequire(import.meta.url);
  const names = JSON.parse(await readFile(join(here, "src", "icons.json"), "utf8"));
  const symbols = await Promise.all(
    names.map(async (name) => {
      const svg = await readFile(locate(`@tabler/icons/outline/${name}.svg`), "utf8").catch((cause) => {
        throw new Error(`icons.json names "${name}", which is not one of Tabler's outline icons.`, { cause });
      });
      const shapes = svg
        .slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"))
        .replace(/\s+/g, " ")
        .trim();
      return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`;
    }),
  );
  await writeFile(join(out, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>\n`);
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await Promise.all([
  sprite(),
  copyFile(join(here, "src", "favicon.svg"), join(out, "favicon.svg")),
  esbuild.build({
    absWorkingDir: here,
    entryPoints: ["theme", "portal", "editor", "graph"]
      .map((name) => ({ in: `src/${name}.ts`, out: name }))
      .concat([{ in: "src/styles/portal.css", out: "portal" }]),
    outdir: out,
    bundle: true,
    minify: true,
    sourcemap: true,
    format: "iife",
    target: ["es2022", "chrome123", "firefox128", "safari17.5"],
    legalComments: "linked",
    logLevel: "info",
  }),
]);
