"""The human half of the pool's domain: authorize, log-in form, log-out, error page."""
