"""What FHIR itself says: interactions, structures, profiles, patches, versions. Knows no partner and no mapping."""
