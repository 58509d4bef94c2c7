"""Three demo clients from one program: they differ only in how an issuer knows them."""
