// Makes the minified scripts in min/, which are committed, of the sources in src/:
//
//   node build.mjs           writes them
//   node build.mjs --check   fails if a committed script is not what its sources make

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { minify } from "terser";

const here = import.meta.dirname;
// What is served under /__tidings, and how the browser loads it.
const scripts = { client: "iife", bundle: "iife", worker: "iife", update: "esm" };

const stale = [];
for (const [name, format] of Object.entries(scripts)) {
  const path = `${here}/min/${name}.js`;
  const script = await minified(name, format);
  if (process.argv[2] === "--check") {
    if (script !== (await readFile(path, "utf8").catch(() => ""))) stale.push(`min/${name}.js`);
  } else {
    await mkdir(`${here}/min`, { recursive: true });
    await writeFile(path, script);
  }
}
if (stale.length) {
  console.error(`${stale.join(", ")}: not what the sources make. Run \`npm run build\` in src/client/js, and commit.`);
  process.exitCode = 1;
}

async function minified(name, format) {
  const bundle = await build({
    entryPoints: [`${here}/src/${name}.js`],
    format,
    bundle: true,
    minify: true,
    write: false,
    target: "es2020",
    charset: "utf8",
    logLevel: "warning",
  });
  const { code } = await minify(bundle.outputFiles[0].text, {
    ecma: 2020,
    module: format === "esm",
    compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true },
    format: { ascii_only: true },
  });
  return code + "\n";
}
