"""Runs FHIR R4 TestScripts against a FHIR server: `python -m tests.testscript URL FILE…`.

It shares no code with the server that it tests. https://hl7.org/fhir/R4/testscript.html
"""
