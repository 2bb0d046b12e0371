// The SMART client for JavaScript against the sandbox: `node use-fhirclient.mjs BASE`.
// https://github.com/smart-on-fhir/client-js

import smart from 'fhirclient';
import { BY_IDENTIFIER, NOBODY, PATIENT_OF_HEALTHEX, PREPERSON, Report, request, same, thrown } from './reporting.mjs';

const base = process.argv[2];
const hub = new smart.FhirClient(base);
const ehealth = new smart.FhirClient(`${base}/ehealth`);
const healthex = new smart.FhirClient(`${base}/healthex`);
const report = new Report('fhirclient', ' (JavaScript)');

// A request that the client has no word of its own for.
function send(client, method, url, body) {
  return client.fhirRequest(url, { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
}

// Its exception, HttpError, holds the body as text, after the status and the address.
function outcomeIn(error) {
  same(error.name, 'HttpError');
  return JSON.parse(error.message.slice(error.message.indexOf('{')));
}

await report.trying('capability statement', async () => {
  same([await ehealth.getFhirVersion(), await ehealth.getFhirRelease()], ['4.0.1', 4]);
});

await report.trying('read', async () => {
  const patient = await ehealth.fhirRequest(`Patient/${PREPERSON}`);
  same(patient.name[0].family, 'Іванов');
});

await report.trying('search', async () => {
  const found = [];
  for await (const patient of ehealth.resources(`Patient?identifier=${BY_IDENTIFIER}`)) found.push(patient.id);
  same(found, [PREPERSON]);
});

await report.trying('create', async () => {
  const made = await hub.create(request('patient'));
  same([made.name[0].family, made.contained[0].code.coding[0].code], ['Roe', '46635009']);
}, 'at the hub, by its profile');

await report.trying('update', async () => {
  const patient = await ehealth.fhirRequest(`Patient/${PREPERSON}`);
  patient.name[0].given = ['Петро', 'Степанович'];
  const updated = await ehealth.update(patient);
  same(updated.name[0].given, ['Петро', 'Степанович']);
});

await report.trying('patch', async () => {
  const patch = [{ op: 'replace', path: '/birthDate', value: '1981-02-03' }];
  const patched = await ehealth.patch(`Patient/${PREPERSON}`, patch);
  same([patched.birthDate, patched.name[0].family], ['1981-02-03', 'Іванов']);
}, 'sends a JSON Patch, with `Prefer: return=presentation`');

await report.trying('conditional update', async () => {
  const patient = { resourceType: 'Patient', gender: 'female' };
  const updated = await send(ehealth, 'PUT', `Patient?identifier=${BY_IDENTIFIER}`, patient);
  same([updated.id, updated.gender], [PREPERSON, 'female']);
});

await report.trying('operation', async () => {
  const url = `Patient/${PATIENT_OF_HEALTHEX}/$update-data`;
  const parameters = await send(healthex, 'POST', url, request('parameters'));
  same(parameters.parameter[0], { name: 'message', valueCode: 'IN_PROGRESS_NO_ACTION_NEEDED' });
});

await report.trying('validate', async () => {
  const checked = await send(ehealth, 'POST', 'Patient/$validate', { resourceType: 'Patient', birthDate: '1980' });
  same(checked.issue.map((issue) => issue.expression), [['Patient.birthDate']]);
});

await report.trying('batch', async () => {
  const { entry } = await send(hub, 'POST', '', request('batch'));
  same(entry.map((each) => each.response.status), ['200 OK', '200 OK', '404 Not Found']);
  same(entry[2].response.outcome.issue[0].code, 'not-found');
});

await report.trying('message', async () => {
  const { entry } = await send(hub, 'POST', '$process-message', request('message'));
  same(entry[1].resource.telecom[0].value, '123456789');
});

await report.trying('error', async () => {
  const patient = { resourceType: 'Patient', id: PREPERSON, birthDate: '1980' };
  const refused = await thrown(() => ehealth.update(patient), Error);
  same([refused.status, outcomeIn(refused).issue[0].expression], [422, ['Patient.birthDate']]);
  const missing = await thrown(() => ehealth.fhirRequest(`Patient/${NOBODY}`), Error);
  same([missing.status, outcomeIn(missing).issue[0].code], [404, 'not-found']);
});
