"""Key rings and what is made with them: sealed values and keyed hashes."""
