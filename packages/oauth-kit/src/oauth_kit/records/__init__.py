"""What two services share in Redis: the registrar writes it, the bridge reads it."""
