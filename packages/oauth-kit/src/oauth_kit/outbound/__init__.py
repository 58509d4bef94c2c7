"""Calls that we make: to the issuer, to the identity provider, and, guarded, to strangers."""
