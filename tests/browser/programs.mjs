// The programs under test: started in a folder of their own, stopped by their own id.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const running = new Set();
const folders = new Set();

/** Starts the program, and waits until it says where it listens. */
export async function start(program, flags, variables = {}) {
  const folder = mkdtempSync(join(tmpdir(), "browser-"));
  folders.add(folder);
  // No settings of this machine, and no company proxy.
  const kept = Object.entries(process.env).filter(([name]) => !/^CITRIX_|_PROXY$/i.test(name));
  const homes = Object.fromEntries(["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"].map((name) => [name, folder]));
  const env = { ...Object.fromEntries(kept), ...homes, ...variables };
  const child = spawn(program, flags, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let printed = "";
  let logged = "";
  child.stderr.on("data", (text) => { logged = (logged + text).slice(-4000); });
  const base = await new Promise((resolve, reject) => {
    const patience = setTimeout(() => reject(new Error(`${flags[0]} said nothing for 60 s: ${logged}`)), 60_000);
    child.stdout.on("data", (text) => {
      printed += text;
      const found = /^listening on (http:\/\/\S+?)\/?$/m.exec(printed);
      if (!found) return;
      clearTimeout(patience);
      resolve(found[1]);
    });
    child.once("error", reject);
    child.once("exit", (status) => {
      clearTimeout(patience);
      running.delete(child);
      reject(new Error(`${flags[0]} ended with ${status}: ${logged}`));
    });
  });
  return {
    base,
    logged: () => logged,
    async stop() {
      running.delete(child);
      if (child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await gone;
      clearTimeout(patience);
    },
  };
}

/** A simulator alone, and a proxy in front of whatever stands at `endpoint`, which it does not wait for. */
export const simulate = (program, ...flags) => start(program, ["simulate", "--listen", "127.0.0.1:0", "--latency", "0", ...flags]);
export const serve = (program, endpoint) => {
  const site = "CITRIX_ODATA_PROXY__SITES__MAIN__";
  return start(program, ["serve", "--listen", "127.0.0.1:0"], {
    [`${site}CUSTOMER_ID`]: "nordhafen",
    [`${site}CLIENT_ID`]: "demo-client",
    [`${site}CLIENT_SECRET`]: "demo-secret",
    [`${site}UPSTREAM__ENDPOINT`]: endpoint,
    [`${site}UPSTREAM__RETRY_BUDGET`]: "1s",
  });
};

// Nothing is left behind, however this ends.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
