// @medplum/core against the sandbox: `node use-medplum.mjs BASE`. https://github.com/medplum/medplum

import { MedplumClient, OperationOutcomeError } from '@medplum/core';
import { BY_IDENTIFIER, NOBODY, PATIENT_OF_HEALTHEX, PREPERSON, Report, request, same, thrown } from './reporting.mjs';

const base = new URL(process.argv[2]);
const hub = clientOf(base.pathname);
const ehealth = clientOf(`${base.pathname}/ehealth`);
const healthex = clientOf(`${base.pathname}/healthex`);
const report = new Report('@medplum/core');

// Nothing is cached: what is read has just been changed.
function clientOf(fhirUrlPath, options = {}) {
  return new MedplumClient({ baseUrl: base.origin, fhirUrlPath, cacheTime: 0, ...options });
}

await report.trying('capability statement', async () => {
  const statement = await ehealth.get(ehealth.fhirUrl('metadata'));
  same([statement.resourceType, statement.fhirVersion], ['CapabilityStatement', '4.0.1']);
});

await report.trying('read', async () => {
  const patient = await ehealth.readResource('Patient', PREPERSON);
  same(patient.name[0].family, 'Іванов');
});

await report.trying('search', async () => {
  const found = await ehealth.searchResources('Patient', { identifier: BY_IDENTIFIER });
  same(found.map((patient) => patient.id), [PREPERSON]);
});

await report.trying('create', async () => {
  const made = await hub.createResource(request('patient'));
  same([made.name[0].family, made.contained[0].code.coding[0].code], ['Roe', '46635009']);
}, 'at the hub, by its profile');

await report.trying('update', async () => {
  const patient = await ehealth.readResource('Patient', PREPERSON);
  const name = [{ ...patient.name[0], given: ['Петро', 'Степанович'] }];
  const updated = await ehealth.updateResource({ ...patient, name });
  same(updated.name[0].given, ['Петро', 'Степанович']);
});

await report.trying('patch', async () => {
  const patch = [{ op: 'replace', path: '/birthDate', value: '1981-02-03' }];
  const patched = await ehealth.patchResource('Patient', PREPERSON, patch);
  same([patched.birthDate, patched.name[0].family], ['1981-02-03', 'Іванов']);
}, 'sends a JSON Patch');

await report.trying('conditional update', async () => {
  const patient = { resourceType: 'Patient', gender: 'female' };
  const updated = await ehealth.upsertResource(patient, { identifier: BY_IDENTIFIER });
  same([updated.id, updated.gender], [PREPERSON, 'female']);
});

await report.trying('operation', async () => {
  const url = healthex.fhirUrl('Patient', PATIENT_OF_HEALTHEX, '$update-data');
  const parameters = await healthex.post(url, request('parameters'));
  same(parameters.parameter[0], { name: 'message', valueCode: 'IN_PROGRESS_NO_ACTION_NEEDED' });
});

await report.trying('validate', async () => {
  const checked = await ehealth.validateResource({ resourceType: 'Patient', birthDate: '1980' });
  same(checked.issue.map((issue) => issue.expression), [['Patient.birthDate']]);
});

await report.trying('batch', async () => {
  const { entry } = await hub.executeBatch(request('batch'));
  same(entry.map((each) => each.response.status), ['200 OK', '200 OK', '404 Not Found']);
  await readsInOneBatch();
}, 'gathers reads into a batch by itself, too');

async function readsInOneBatch() {
  const gathering = clientOf(`${base.pathname}/ehealth`, { autoBatchTime: 1 });
  const ids = [PREPERSON, NOBODY];
  const [there, missing] = await Promise.allSettled(ids.map((id) => gathering.readResource('Patient', id)));
  same(there.value.name[0].family, 'Іванов');
  same([missing.reason instanceof OperationOutcomeError, missing.reason.outcome.issue[0].code], [true, 'not-found']);
}

await report.trying('message', async () => {
  const { entry } = await hub.post(hub.fhirUrl('$process-message'), request('message'));
  same(entry[1].resource.telecom[0].value, '123456789');
});

await report.trying('error', async () => {
  const patient = { resourceType: 'Patient', id: PREPERSON, birthDate: '1980' };
  const refused = await thrown(() => ehealth.updateResource(patient), OperationOutcomeError);
  same(refused.outcome.issue[0].expression, ['Patient.birthDate']);
  const missing = await thrown(() => ehealth.readResource('Patient', NOBODY), OperationOutcomeError);
  same(missing.outcome.issue[0].code, 'not-found');
});
