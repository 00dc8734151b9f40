// Validates many glTF files with the Khronos validator in one process: node validate.mjs FILE... (or - : names on stdin)
// Prints one JSON object: { file: { errors: [..], warnings: [..], info: {...} } }.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';

const validator = createRequire(join(process.cwd(), 'package.json'))('gltf-validator');
const names = process.argv[2] === '-' ? readFileSync(0, 'utf8').split('\n').filter(Boolean) : process.argv.slice(2);
const results = {};
for (const name of names) {
  try {
    const report = await validator.validateBytes(new Uint8Array(readFileSync(name)), {
      uri: name, maxIssues: 2000,
      externalResourceFunction: async (uri) => new Uint8Array(readFileSync(join(dirname(name), decodeURIComponent(uri)))),
    });
    const said = (severity) => report.issues.messages.filter((m) => m.severity === severity)
      .map((m) => `${m.code} ${m.pointer ?? ''}: ${m.message}`);
    results[name] = { errors: said(0), warnings: said(1), info: report.info };
  } catch (error) {
    results[name] = { errors: [`NOT_GLTF: ${error}`], warnings: [], info: {} };
  }
}
console.log(JSON.stringify(results));
