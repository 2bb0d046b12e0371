"""The only way out: sends one `PartnerRequest` within its limits."""
