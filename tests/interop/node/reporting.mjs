// What a client's program prints: one line of JSON on stdout for each capability that it tried.

import { deepStrictEqual } from 'node:assert';
import { readFileSync } from 'node:fs';

export const PREPERSON = '7c3da506-804d-4550-8993-bf17f9ee0402';
export const NOBODY = '00000000-0000-4000-8000-000000000404';
export const BY_IDENTIFIER = `https://fhir-bridge.example/fhir/sid/ehealth-preperson|${PREPERSON}`;
export const PATIENT_OF_HEALTHEX = '17d4513f-73e8';

/** Reports on one client, named with its version: `fhir-kit-client 2.0.3`. */
export class Report {
  constructor(name, suffix = '') {
    this.client = `${name} ${readJson(`node_modules/${name}/package.json`).version}${suffix}`;
  }

  /** Reports that `use` worked, or what it threw; `how` says what is worth knowing. */
  async trying(capability, use, how = '') {
    try {
      await use();
      this.#print(capability, true, how);
    } catch (error) {
      this.#print(capability, false, `${error.name}: ${error.message}`);
    }
  }

  /** Reports what the client has no way to do. */
  cannot(capability, why) {
    this.#print(capability, null, why);
  }

  #print(capability, worked, why) {
    console.log(JSON.stringify({ client: this.client, capability, worked, why }));
  }
}

/** One of the bodies that all clients send: `batch`, `message` or `parameters`. */
export function request(name) {
  return readJson(`../requests/${name}.json`);
}

/** What `use` throws, which must be an instance of `kind`. */
export async function thrown(use, kind) {
  try {
    await use();
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    return error;
  }
  throw new Error(`it threw no ${kind.name}`);
}

/** Throws where the two differ. */
export const same = deepStrictEqual;

function readJson(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
}
