// Makes the minified scripts in min/ of the sources in src/: node build.mjs [OUTDIR]
import { mkdir, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { minify } from "terser";

const outdir = process.argv[2] ?? `${import.meta.dirname}/min`;

await mkdir(outdir, { recursive: true });
const scripts = { client: "iife", whole: "iife", worker: "iife", news: "esm" };
for (const [name, format] of Object.entries(scripts)) {
  const bundle = await build({
    entryPoints: [`${import.meta.dirname}/src/${name}.js`],
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
  await writeFile(`${outdir}/${name}.js`, code + "\n");
}
