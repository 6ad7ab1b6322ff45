/** Says where the package for the machine this runs on has the library. */
import platforms from "./platforms.js";

const CPUS = { x86_64: "x64", aarch64: "arm64" };
const SYSTEMS = { windows: "win32" };

const { os, arch, env } = Deno.build;
const system = SYSTEMS[os] ?? os;
const libc = os === "linux" ? `-${env === "musl" ? "musl" : "gnu"}` : "";
const platform = `${system}-${CPUS[arch] ?? arch}${libc}`;

const name = platforms.includes(platform)
  ? `@denocurl/native-${platform}`
  : undefined;

/** The URL is known without the package if npm's packages are in Deno's cache. */
function locate() {
  try {
    return import.meta.resolve(`${name}/library`);
  } catch {
    return undefined;
  }
}

export default { platform, name, url: name && locate() };
