// Builds the tag and the plugin into the Python package. `--check` builds in memory and compares instead.
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(await readFile(here("package.json"), "utf8"));
export const target = here("../src/headwater/collect/tag/");

// Properties that nothing outside of the program sees: their names get short. Never one that goes into an event.
const INTERNAL =
  /^(age|asset|busy|callback|current|details|exit|forget|found|groupTraits|isOpen|kind|lastField|onReport|onStart|options|order|paged|persist|persistent|preferences|reason|scrolled|sent|settings|texts|times|treatment|unload|views)$/;

const shared = {
  bundle: true,
  minify: true,
  target: "es2021",
  charset: "utf8",
  legalComments: "none",
  define: { VERSION: JSON.stringify(version) },
  write: false,
  metafile: true,
  mangleProps: INTERNAL,
};

export const builds = {
  "headwater.js": { ...shared, entryPoints: [here("src/index.ts")], format: "iife" },
  "headwater-capture.js": { ...shared, entryPoints: [here("src/plugin.ts")], format: "esm" },
};

export async function bundle(name) {
  const { outputFiles, metafile } = await build(builds[name]);
  // esbuild bundles and shortens names; terser finds some more to leave out: 6 % of what is sent.
  const module = builds[name].format === "esm";
  const { code } = await minify(outputFiles[0].text, { module, ecma: 2021, compress: { passes: 3 }, format: { comments: false } });
  return { text: code, metafile };
}

async function main(check) {
  await mkdir(target, { recursive: true });
  for (const name in builds) {
    const { text } = await bundle(name);
    if (!check) await writeFile(target + name, text);
    else if ((await readFile(target + name, "utf8").catch(() => "")) !== text) {
      console.error(`${name} in the package is not what the sources build; run: npm run build`);
      process.exitCode = 1;
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes("--check"));
