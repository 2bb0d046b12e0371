"""Compiles the model of a mapping file against FHIR's types and the definitions, gathering every problem."""
