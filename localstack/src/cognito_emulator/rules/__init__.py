"""What Cognito accepts and refuses, as pure functions: no I/O, no clock, no randomness."""
