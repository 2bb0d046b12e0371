// fhir-kit-client against the sandbox: `node use-fhir-kit-client.mjs BASE`.
// https://github.com/Vermonster/fhir-kit-client

import { Client } from 'fhir-kit-client';
import { BY_IDENTIFIER, NOBODY, PATIENT_OF_HEALTHEX, PREPERSON, Report, request, same, thrown } from './reporting.mjs';

const base = process.argv[2];
const hub = new Client({ baseUrl: base });
const ehealth = new Client({ baseUrl: `${base}/ehealth` });
const healthex = new Client({ baseUrl: `${base}/healthex` });
const patient = { resourceType: 'Patient', id: PREPERSON };
const report = new Report('fhir-kit-client');

await report.trying('capability statement', async () => {
  const statement = await ehealth.capabilityStatement();
  same([statement.resourceType, statement.fhirVersion], ['CapabilityStatement', '4.0.1']);
});

await report.trying('read', async () => {
  const read = await ehealth.read(patient);
  same(read.name[0].family, 'Іванов');
});

await report.trying('search', async () => {
  const searchParams = { identifier: BY_IDENTIFIER };
  const got = await ehealth.search({ resourceType: 'Patient', searchParams });
  const posted = await ehealth.search({ resourceType: 'Patient', searchParams, options: { postSearch: true } });
  same([...got.entry, ...posted.entry].map((each) => each.resource.id), [PREPERSON, PREPERSON]);
}, 'GET, and POST to _search');

await report.trying('create', async () => {
  const made = await hub.create({ resourceType: 'Patient', body: request('patient') });
  same([made.name[0].family, Client.httpFor(made).response.status], ['Roe', 201]);
}, 'at the hub, by its profile');

await report.trying('update', async () => {
  const read = await ehealth.read(patient);
  const { etag } = Object.fromEntries(Client.httpFor(read).response.headers);
  read.name[0].given = ['Петро', 'Степанович'];
  const options = { headers: { 'If-Match': etag } };
  const updated = await ehealth.update({ ...patient, body: read, options });
  same(updated.name[0].given, ['Петро', 'Степанович']);
  const stale = await thrown(() => ehealth.update({ ...patient, body: read, options }), Error);
  same([stale.response.status, stale.response.data.issue[0].code], [412, 'conflict']);
}, 'with If-Match, too');

await report.trying('patch', async () => {
  const jsonPatch = [{ op: 'replace', path: '/birthDate', value: '1981-02-03' }];
  const patched = await ehealth.patch({ ...patient, jsonPatch });
  same([patched.birthDate, patched.name[0].family], ['1981-02-03', 'Іванов']);
}, 'sends a JSON Patch');

await report.trying('conditional update', async () => {
  const searchParams = { identifier: BY_IDENTIFIER };
  const body = { resourceType: 'Patient', gender: 'female' };
  const updated = await ehealth.update({ resourceType: 'Patient', searchParams, body });
  same([updated.id, updated.gender], [PREPERSON, 'female']);
});

await report.trying('operation', async () => {
  const input = request('parameters');
  const call = { name: 'update-data', resourceType: 'Patient', id: PATIENT_OF_HEALTHEX, input };
  const parameters = await healthex.operation(call);
  same(parameters.parameter[0], { name: 'message', valueCode: 'IN_PROGRESS_NO_ACTION_NEEDED' });
});

await report.trying('validate', async () => {
  const input = { resourceType: 'Patient', birthDate: '1980' };
  const checked = await ehealth.operation({ name: '$validate', resourceType: 'Patient', input });
  same(checked.issue.map((issue) => issue.expression), [['Patient.birthDate']]);
});

await report.trying('batch', async () => {
  const { entry } = await hub.batch({ body: request('batch') });
  same(entry.map((each) => each.response.status), ['200 OK', '200 OK', '404 Not Found']);
  same(entry[2].response.outcome.issue[0].code, 'not-found');
});

await report.trying('message', async () => {
  const { entry } = await hub.operation({ name: 'process-message', input: request('message') });
  same(entry[1].resource.telecom[0].value, '123456789');
});

await report.trying('error', async () => {
  const body = { ...patient, birthDate: '1980' };
  const refused = await thrown(() => ehealth.update({ ...patient, body }), Error);
  same([refused.response.status, refused.response.data.issue[0].expression], [422, ['Patient.birthDate']]);
  const missing = await thrown(() => ehealth.read({ resourceType: 'Patient', id: NOBODY }), Error);
  same([missing.response.status, missing.response.data.issue[0].code], [404, 'not-found']);
});
