"""The request and the answer that Roche's own page "Patient Update v2" prints, to the letter."""

# fmt: off

REQUEST = (
    '{ "resourceType": "Bundle", "type": "message", "entry": [ { "resource": { "resourceType": "MessageHeader", '
    '"id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00", "event": { "code": "new-bundle", "system": '
    '"http://roche.com/fhir/rdc/message-type", "display": "New bundle generated" }, "source": { "endpoint": '
    '"<Organization OID>", "software": "EMR middleware", "version": "1.0.0" }, "timestamp": '
    '"2020-03-27T12:21:39.471Z", "meta": { "profile": [ '
    '"http://roche.com/fhir/rdc/StructureDefinition/message-header" ] } } }, { "resource": { "resourceType": '
    '"Patient", "meta": { "profile": [ "http://roche.com/fhir/rdc/StructureDefinition/patient-v2" ] }, "id": '
    '"Bj6.1Lq-hvb-28", "identifier": [ { "system": "urn:oid:2.16.724.4.41", "value": "12345678Z" } ], "name": [ { '
    '"family": "Doe", "given": [ "John" ] } ], "telecom": [ { "system": "phone", "value": "123456789" }, { '
    '"system": "email", "value": "johndoe123@email.com" } ], "gender": "male", "birthDate": "1991-01-01", '
    '"managingOrganization": { "identifier": [ { "system": "urn:oid:", "value": "2.16.724.4.2" } ] } } }, { '
    '"resource": { "resourceType": "Condition", "clinicalStatus": "active", "code": { "coding": [ { "system": '
    '"http://snomed.info/sct", "code": "426875007", "display": "Latent autoimmune diabetes mellitus in adult '
    '(disorder)" } ] }, "subject": { "reference": "Patient/sample-id-454b-b5c7-f1ed1fb4ght" } } } ] }'
)
"""The body of the page's curl command: the phone number of Bj6.1Lq-hvb-28 is changed."""

ANSWER = (
    '{ "resourceType": "Bundle", "type": "message", "entry": [ { "resource": { "resourceType": "MessageHeader", '
    '"id": "88a37162-3d7c-41c3-89ab-6e25fd68ba00", "event": { "code": "new-bundle", "system": '
    '"http://roche.com/fhir/rdc/message-type", "display": "New bundle generated" }, "source": { "endpoint": '
    '"<Organization OID>", "software": "EMR middleware", "version": "1.0.0" }, "timestamp": '
    '"2020-03-27T12:21:39.471Z", "meta": { "profile": [ '
    '"http://roche.com/fhir/rdc/StructureDefinition/message-header" ] } } }, { "resource": { "resourceType": '
    '"Patient", "meta": { "profile": [ "http://roche.com/fhir/rdc/StructureDefinition/patient-v2" ] }, "id": '
    '"Bj6.1Lq-hvb-28", "identifier": [ { "system": "urn:oid:2.16.724.4.41", "value": "12345678Z" } ], "name": [ { '
    '"family": "Doe", "given": [ "John" ] } ], "telecom": [ { "system": "phone", "value": "123123123" }, { '
    '"system": "email", "value": "johndoe123@email.com" } ], "gender": "male", "birthDate": "1991-01-01", '
    '"managingOrganization": { "identifier": [ { "system": "urn:oid:", "value": "2.16.724.4.2" } ] } } }, { '
    '"resource": { "resourceType": "Condition", "clinicalStatus": "active", "code": { "coding": [ { "system": '
    '"http://snomed.info/sct", "code": "426875007", "display": "Latent autoimmune diabetes mellitus in adult '
    '(disorder)" } ] }, "subject": { "reference": "Patient/sample-id-454b-b5c7-f1ed1fb4ght" } } } ] }'
)
"""The answer: the patient as it was before, with the old phone number."""
